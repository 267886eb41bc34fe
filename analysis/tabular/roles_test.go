// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/culprit-dev/culprit/analysis"
)

const shop = `time,entry|latency,cart|cpu,cart|mem,entry|rate,"db_up{pod=""db-0"",service=""db""}",load
1,1,2,3,4,5,6
2,1,2,3,4,5,6
`

func TestFrame(t *testing.T) {
	roles := Roles{
		Targets: []string{"entry|latency"}, Onset: 2, End: 3,
		Kinds: map[string]string{"cart|cpu": "cpu", "entry|latency": "latency"}, Services: map[string]string{"load": "node"},
		Topology: [][2]string{{"entry", "cart"}, {"cart", "nobody"}}, Tiers: map[string]int{"load": 1},
		Scale: "common", Positive: true, Lags: []int{-1, 0},
	}
	got, err := readSeries(t, shop).Frame(roles)
	if err != nil {
		t.Fatal(err)
	}
	series := func(name, service, kind string, v float64) analysis.Series {
		return analysis.Series{
			Name: name, Service: service, Kind: kind, Values: []float64{v, v},
			Scale: "common", Positive: true, Lags: []int{-1, 0},
		}
	}
	want := analysis.Frame{
		Times: []float64{1, 2}, Onset: 2, End: 3, Topology: roles.Topology, Tiers: roles.Tiers,
		Targets: []analysis.Target{{
			Name: "entry|latency", Kind: "latency", Service: "entry", Values: []float64{1, 1},
			Candidates: []analysis.Series{
				series("cart|cpu", "cart", "cpu", 2), series("cart|mem", "cart", "", 3),
				series(`db_up{pod="db-0",service="db"}`, "db", "", 5), series("load", "node", "", 6),
			},
		}},
	}
	if d := cmp.Diff(want, got, cmpopts.IgnoreUnexported(analysis.Target{})); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
}

func TestKPIsAreNoCandidatesOfEachOther(t *testing.T) {
	f, err := readSeries(t, shop).Frame(Roles{Targets: []string{"cart|cpu", "cart|mem"}})
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Targets) != 2 || f.Targets[1].Name != "cart|mem" {
		t.Fatalf("targets %+v", f.Targets)
	}
	for _, target := range f.Targets {
		for _, c := range target.Candidates {
			if strings.HasPrefix(c.Name, "cart|") || c.Service == Entry {
				t.Errorf("%s is a candidate of %s", c.Name, target.Name)
			}
		}
	}
}

func TestInvalidRoles(t *testing.T) {
	s := readSeries(t, shop)
	for _, c := range []struct {
		roles Roles
		want  string
	}{
		{Roles{}, "no column is named as the KPI"},
		{Roles{Targets: []string{"cart|cpu_usage"}}, `there is no column "cart|cpu_usage": did you mean cart|cpu, cart|mem?`},
		{Roles{Targets: []string{"zzz"}}, "the columns are entry|latency, cart|cpu, cart|mem, entry|rate, db_up"},
	} {
		if _, err := s.Frame(c.roles); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("error %v, want one with %s", err, c.want)
		}
	}
	if _, err := readSeries(t, "time,a\n").Frame(Roles{Targets: []string{"a"}}); err == nil {
		t.Error("a frame without rows")
	}
}

func TestServiceFromAName(t *testing.T) {
	for name, want := range map[string]string{
		"cart|cpu":                             "cart",
		"cart|source_latency|p50":              "cart",
		"load":                                 "",
		`up{service="cart",pod="cart-1"}`:      "cart",
		`up{pod="cart-1",job="kubelet"}`:       "cart-1",
		`up{job="ca\"rt"}`:                     `ca"rt`,
		`up{path="a|b",instance="10.0.0.1"}`:   "10.0.0.1",
		`up{code="500"}`:                       "",
		`{__name__="up",deployment="backend"}`: "backend",
	} {
		if got := splitName(name); got != want {
			t.Errorf("%s is of %q, want %q", name, got, want)
		}
	}
}

func TestOverride(t *testing.T) {
	base := Roles{
		Targets: []string{"a"}, Onset: 1, End: 2, Kinds: map[string]string{"x": "cpu", "y": "mem"},
		Services: map[string]string{"x": "s"}, Topology: [][2]string{{"a", "b"}},
	}
	if d := cmp.Diff(base, base.Override(Roles{})); d != "" {
		t.Errorf("nothing changes (-want +got):\n%s", d)
	}
	got := base.Override(Roles{
		Targets: []string{"b"}, Onset: 5, Kinds: map[string]string{"y": "io"}, Topology: [][2]string{},
		Tiers: map[string]int{"x": 1}, Scale: "each", Positive: true, Lags: []int{1},
	})
	want := Roles{
		Targets: []string{"b"}, Onset: 5, End: 2, Kinds: map[string]string{"x": "cpu", "y": "io"},
		Services: map[string]string{"x": "s"}, Topology: [][2]string{}, Tiers: map[string]int{"x": 1},
		Scale: "each", Positive: true, Lags: []int{1},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("-want +got:\n%s", d)
	}
	if base.Kinds["y"] != "mem" {
		t.Error("the roles that are overridden have changed")
	}
}
