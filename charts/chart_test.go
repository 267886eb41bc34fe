// SPDX-License-Identifier: Apache-2.0

// Package charts tests the Helm chart with Helm's own code and the types of Kubernetes, and the
// image with BuildKit's parser and a run of its steps. It is a separate module, to keep its
// dependencies out of culprit's.
//
//	go test ./...          # two minutes of compiling at first, then half a minute
//	go test -short ./...   # without the image
//	go test -update ./...  # write what is made from the chart
package charts

import (
	"bytes"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"helm.sh/helm/v4/pkg/action"
	"helm.sh/helm/v4/pkg/chart/common"
	"helm.sh/helm/v4/pkg/chart/loader"
	kubefake "helm.sh/helm/v4/pkg/kube/fake"
	release "helm.sh/helm/v4/pkg/release/v1"
	"helm.sh/helm/v4/pkg/storage"
	"helm.sh/helm/v4/pkg/storage/driver"
	"sigs.k8s.io/yaml"
)

const chartDir = "culprit"

// values are what a user sets with -f and --set.
type values = map[string]any

// parseValues reads a values file or fragment.
func parseValues(t testing.TB, text string) values {
	t.Helper()
	vals := values{}
	if err := yaml.UnmarshalStrict([]byte(text), &vals); err != nil {
		t.Fatalf("values: %v\n%s", err, text)
	}
	return vals
}

// readValues reads a values file.
func readValues(t testing.TB, file string) values {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return parseValues(t, string(text))
}

// valueSets returns the chart's defaults and every values file in ci/.
func valueSets(t testing.TB) map[string]values {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(chartDir, "ci", "*-values.yaml"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no values files in ci/: %v", err)
	}
	sets := map[string]values{"defaults": {}}
	for _, file := range files {
		sets[strings.TrimSuffix(filepath.Base(file), "-values.yaml")] = readValues(t, file)
	}
	return sets
}

// kubeVersion is the oldest that Chart.yaml allows.
var kubeVersion = common.KubeVersion{Version: "v1.27.0", Major: "1", Minor: "27"}

// helm returns Helm's own action code with releases in memory and a client that accepts everything.
func helm() *action.Configuration {
	caps := common.DefaultCapabilities.Copy()
	caps.KubeVersion = kubeVersion
	cfg := action.NewConfiguration(action.ConfigurationSetLogger(slog.DiscardHandler))
	cfg.Releases = storage.Init(driver.NewMemory())
	cfg.KubeClient = &kubefake.PrintingKubeClient{Out: io.Discard, LogOutput: io.Discard}
	cfg.Capabilities = caps
	return cfg
}

// rendered is the content of a release.
type rendered struct {
	objects []object
	notes   string
}

// template is `helm template culprit charts/culprit --namespace monitoring`.
func template(t testing.TB, vals values) rendered {
	t.Helper()
	r, err := tryTemplate(vals)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func tryTemplate(vals values) (rendered, error) {
	chart, err := loader.Load(chartDir)
	if err != nil {
		return rendered{}, err
	}
	install := action.NewInstall(helm())
	install.DryRunStrategy = action.DryRunClient
	install.ReleaseName, install.Namespace, install.KubeVersion = "culprit", "monitoring", &kubeVersion
	made, err := install.Run(chart, maps.Clone(vals))
	if err != nil {
		return rendered{}, err
	}
	rel := made.(*release.Release)
	var text bytes.Buffer
	text.WriteString(rel.Manifest)
	for _, hook := range rel.Hooks {
		fmt.Fprintf(&text, "---\n%s\n", hook.Manifest)
	}
	objects, err := decodeAll(text.Bytes())
	return rendered{objects, rel.Info.Notes}, err
}

func TestLintFindsNothingWithAnyValues(t *testing.T) {
	for name, vals := range valueSets(t) {
		t.Run(name, func(t *testing.T) {
			lint := action.NewLint()
			lint.Strict, lint.Namespace, lint.KubeVersion = true, "monitoring", &kubeVersion
			result := lint.Run([]string{chartDir}, vals)
			for _, err := range result.Errors {
				t.Error(err)
			}
			if result.TotalChartsLinted != 1 {
				t.Errorf("%d charts linted", result.TotalChartsLinted)
			}
		})
	}
}
