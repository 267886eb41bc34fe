// SPDX-License-Identifier: Apache-2.0

//go:build !race

package main

// underRace is explained in race_test.go.
const underRace = false
