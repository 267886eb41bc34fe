// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestReadCase(t *testing.T) {
	c, err := ReadCase(strings.NewReader(`{
		"id": "one", "files": ["base.csv", "one.csv"], "target": "entry|qps", "anomaly_start": 10, "anomaly_end": 20,
		"step_s": 5, "graph": [["entry", "cart"]], "series": [{"col": "a", "service": "cart", "metric": "cpu", "kind": "cpu"}],
		"root_cause": {"services": ["cart"], "metrics": ["a"], "fault": "cpu"}, "source": {"licence": "MIT"}}`))
	if err != nil {
		t.Fatal(err)
	}
	want := Roles{
		Targets: []string{"entry|qps"}, Onset: 10, End: 20, Topology: [][2]string{{"entry", "cart"}},
		Services: map[string]string{"a": "cart"}, Kinds: map[string]string{"a": "cpu"},
	}
	if d := cmp.Diff(want, c.Roles()); d != "" {
		t.Errorf("roles (-want +got):\n%s", d)
	}
	if c.ID != "one" || len(c.Files) != 2 || c.RootCause.Services[0] != "cart" || c.RootCause.Metrics[0] != "a" || c.Step != 5 {
		t.Errorf("case %+v", c)
	}
	for text, want := range map[string]string{
		`{"target": 5}`: "this is not a case", `{}`: `it has no "target"`, `[`: "this is not a case",
	} {
		if _, err := ReadCase(strings.NewReader(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: error %v, want one with %s", text, err, want)
		}
	}
}

func TestReadKnowledge(t *testing.T) {
	calls, err := ReadTopology(strings.NewReader(`[["a","b"],["b","b"],["b","c"]]`))
	if d := cmp.Diff([][2]string{{"a", "b"}, {"b", "c"}}, calls); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	kinds, err := ReadKinds(strings.NewReader(`{"a":"cpu","b":"memory","c":""}`))
	if err != nil || len(kinds) != 3 {
		t.Errorf("kinds %v, %v", kinds, err)
	}
	tiers, err := ReadTiers(strings.NewReader(`{"a":0,"b":-2}`))
	if d := cmp.Diff(map[string]int{"a": 0, "b": -2}, tiers); err != nil || d != "" {
		t.Errorf("%v\n%s", err, d)
	}
	for _, c := range []struct {
		text, want string
		read       func(string) error
	}{
		{`{"a":"b"}`, "this is not a call graph", topology},
		{`[["a","b","c"]]`, "call 1 has 3 names", topology},
		{`["cpu"]`, "this is not a list of kinds", kindsOf},
		{`{"x":"cpu","a":"colour"}`, `column "a": kind "colour" is not known`, kindsOf},
		{`{"a":1.5}`, "this is not a list of tiers", tiersOf},
	} {
		if err := c.read(c.text); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %s", c.text, err, c.want)
		}
	}
}

func topology(text string) error { _, err := ReadTopology(strings.NewReader(text)); return err }
func kindsOf(text string) error  { _, err := ReadKinds(strings.NewReader(text)); return err }
func tiersOf(text string) error  { _, err := ReadTiers(strings.NewReader(text)); return err }
