# SPDX-License-Identifier: Apache-2.0
# Everything here works on a machine that has Go and git.

.PHONY: demo test race lint fuzz bench build

demo: ## the main job on embedded parts: an alert gets its causes
	go run ./examples/demo

test: ## all tests
	go test -timeout 20m ./...

race: ## the tests of everything that runs in parallel, with coverage
	bash .ci/race

lint: ## what CI checks besides the tests
	bash .ci/lint

fuzz: ## each fuzz target for some seconds
	bash .ci/fuzz

bench: ## the speed of the methods, by size
	go test -run '^$$' -bench . -benchmem ./analysis/... ./receiver/broker

build: ## the static binary
	CGO_ENABLED=0 go build -trimpath -ldflags "-s -w \
		-X github.com/prometheus/common/version.Version=$(shell git describe --tags --always --dirty) \
		-X github.com/prometheus/common/version.Revision=$(shell git rev-parse HEAD)" -o culprit ./cmd/culprit
