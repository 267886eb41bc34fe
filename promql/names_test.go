// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"testing"

	"github.com/prometheus/common/model"
)

func TestSeriesAreNamedAsPrometheusDoes(t *testing.T) {
	for want, m := range map[string]model.Metric{
		`m{a="x"}`:   {"__name__": "m", "a": "x"},
		`m`:          {"__name__": "m"},
		`q{a="x\""}`: {"a": `x"`},
		`q`:          {},
	} {
		if got := (Candidate{Query: Query{Name: "q"}}).seriesName(m); got != want {
			t.Errorf("%v: %s, want %s", m, got, want)
		}
	}
	given := Candidate{Query: Query{Name: "jobs waiting"}, named: true}
	if got := given.seriesName(model.Metric{"__name__": "queue_depth", "a": "x"}); got != `jobs waiting{a="x"}` {
		t.Error(got)
	}
}

func TestANameIsTakenOnce(t *testing.T) {
	taken := map[string]bool{}
	var got []string
	for range 3 {
		got = append(got, uniqueName("m", "q", taken))
	}
	if fmt.Sprint(got) != "[m m (q) m (q, 2)]" {
		t.Error(got)
	}
}

func TestTheServiceIsGuessedFromLabels(t *testing.T) {
	for want, m := range map[string]model.Metric{
		"cart":          {"service": "cart", "job": "kubelet", "pod": "x-0"},
		"shop":          {"app": "shop", "pod": "x-0"},
		"cart-db":       {"pod": "cart-db-0", "job": "kubelet"},
		"web":           {"pod": "web-7d9f8c6b5d-x2x9k"},
		"lonely":        {"pod": "lonely"},
		"node":          {"job": "node", "instance": "10.0.0.1:9100"},
		"10.0.0.1:9100": {"instance": "10.0.0.1:9100"},
		"":              {"path": "/a", "service": ""},
		"pay":           {"client": "cart", "server": "pay", "job": "tempo"},
		"stock":         {"app": "cart", "source_workload": "cart", "destination_workload": "stock"},
		"proxy":         {"source_app": "cart", "destination_app": "unknown", "app": "proxy"},
		"copier":        {"from": "/a", "to": "/b", "job": "copier"},
	} {
		if got := serviceOf(m); got != want {
			t.Errorf("%v: %s, want %s", m, got, want)
		}
	}
}

func TestCallsAreReadFromServiceGraphs(t *testing.T) {
	v := model.Vector{
		{Metric: model.Metric{"client": "web", "server": "shop"}},
		{Metric: model.Metric{"client": "web", "server": "shop", "code": "500"}},
		{Metric: model.Metric{"source_workload": "shop", "destination_workload": "db", "source": "x"}},
		{Metric: model.Metric{"caller": "a", "callee": "a"}},
		{Metric: model.Metric{"client": "", "server": "shop"}},
	}
	if got := fmt.Sprint(edgesOf(v)); got != "[[shop db] [web shop]]" {
		t.Error(got)
	}
}
