// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
)

func TestAnnotationsAreRead(t *testing.T) {
	r, mistakes := FromAnnotations(map[string]string{
		"summary": "nothing for culprit",
		AnnotationCandidates: "# why it may be slow\n" +
			`rate(a{x="{{ reReplaceAll "#" "\"" $labels.x }}"}[5m]) # cpu` + "\n\n" +
			`b{y="# no comment", z='#', w=` + "`#`" + `}` + "\n  c ## waiting jobs \r\n",
		AnnotationBreakdown: "path, version\n[region]",
		AnnotationTopology:  "front -> cart -> cart db # as drawn\ncalls{a=\"->\"} # more\n",
		AnnotationWindow:    "incident=10m, baseline=1d12h",
	})
	if len(mistakes) > 0 {
		t.Fatal(mistakes)
	}
	want := Rule{
		Candidates: []Candidate{
			{Name: "cpu", Query: `rate(a{x="{{ reReplaceAll "#" "\"" $labels.x }}"}[5m])`},
			{Query: `b{y="# no comment", z='#', w=` + "`#`" + `}`},
			{Name: "waiting jobs", Query: "c"},
		},
		Breakdown: &Breakdown{Labels: []string{"path", "version", "region"}},
		Topology:  &Topology{Edges: [][]string{{"front", "cart"}, {"cart", "cart db"}}, Query: `calls{a="->"} # more`},
		Window:    Window{Incident: model.Duration(10 * time.Minute), Baseline: model.Duration(36 * time.Hour)},
		Source: Source{Lines: map[string]int{
			"candidates[0].query": 2, "candidates[1].query": 4, "candidates[2].query": 5,
			"breakdown.labels[0]": 1, "breakdown.labels[1]": 1, "breakdown.labels[2]": 2, "topology.query": 2,
		}},
	}
	if d := cmp.Diff(want, r); d != "" {
		t.Error(d)
	}
}

func TestAnAnnotationSwitchesTheBreakdownOff(t *testing.T) {
	if r, mistakes := FromAnnotations(map[string]string{AnnotationBreakdown: " []\n"}); len(mistakes) > 0 || r.Breakdown == nil || r.Breakdown.Labels == nil || len(r.Breakdown.Labels) > 0 {
		t.Errorf("%+v, %v", r.Breakdown, mistakes)
	}
	if r, mistakes := FromAnnotations(map[string]string{AnnotationBreakdown: " \n", AnnotationCandidates: "# none", AnnotationTopology: "", AnnotationWindow: ""}); len(mistakes) > 0 || !cmp.Equal(r, Rule{Source: Source{Lines: map[string]int{}}}) {
		t.Errorf("%+v, %v", r, mistakes)
	}
}

// TestMistakesOfAnnotationsLeaveTheRest puts one mistake beside something correct.
func TestMistakesOfAnnotationsLeaveTheRest(t *testing.T) {
	many := strings.Repeat("up\n", mostAnnotated)
	for _, test := range []struct {
		annotation, text string
		want, left       string
	}{
		{"culprit_candidate", "up", `:1: is not an annotation that culprit reads (did you mean "culprit_candidates"?`, ""},
		{"culprit_summary", "x", ":1: is not an annotation that culprit reads (use one of culprit_breakdown,", ""},
		{AnnotationCandidates, many + "up", ":21: is more than 20 queries (keep those", "20 candidates"},
		{AnnotationCandidates, strings.Repeat("x", mostAnnotation+1), ":1: has 16385 bytes (write at most 16384", ""},
		{AnnotationBreakdown, "path,\npath", `:2: labels[1] "path" is used twice`, "[path]"},
		{AnnotationBreakdown, "__name__ path", `:1: labels[0] is "__name__", which is not a label to split by`, "[path]"},
		{AnnotationBreakdown, "\xff", `:1: labels[0] is "\xff", which is not a label`, ""},
		{AnnotationTopology, "a -> b\n-> c", ":2: edges[1] has an empty name", "[[a b]]"},
		{AnnotationTopology, "a -> b -> b", `:1: edges[1] leads from "b" to itself`, "[[a b]]"},
		{AnnotationTopology, "a -> b\n{{ $labels.x }} -> b", ":2: has a template in the edge", "[[a b]]"},
		{AnnotationTopology, strings.Repeat("a -> b\n", mostEdges+1), ":1: has 501 edges", "500 edges"},
		{AnnotationWindow, "incident=10m for=5m", `:1: has "for=5m" (write incident=10m, baseline=6h, or both)`, "10m 0s"},
		{AnnotationWindow, "incident=10m\nbaseline=", `:2: baseline is "", which is not a duration`, "10m 0s"},
		{AnnotationWindow, "baseline=-1h incident=0s", `:1: baseline is "-1h", which is not a duration`, ""},
		{AnnotationWindow, "incident=1h baseline=5m", ":1: baseline is 5m, shorter than the incident's 1h", ""},
	} {
		r, mistakes := FromAnnotations(map[string]string{test.annotation: test.text})
		if len(mistakes) == 0 || !strings.HasPrefix(mistakes[0].String(), test.annotation+test.want) {
			t.Errorf("%s: %.60s: %v", test.annotation, test.text, mistakes)
		}
		if got := left(r); got != test.left {
			t.Errorf("%s: %.60s: %q is left", test.annotation, test.text, got)
		}
	}
}

// left describes what a rule has.
func left(r Rule) string {
	switch {
	case len(r.Candidates) > 0:
		return fmt.Sprint(len(r.Candidates), " candidates")
	case r.Breakdown != nil:
		return fmt.Sprint(r.Breakdown.Labels)
	case r.Topology != nil && len(r.Topology.Edges) > 10:
		return fmt.Sprint(len(r.Topology.Edges), " edges")
	case r.Topology != nil:
		return fmt.Sprint(r.Topology.Edges)
	case r.Window != Window{}:
		return fmt.Sprint(r.Window.Incident, " ", r.Window.Baseline)
	}
	return ""
}

// culprit's own configuration takes precedence, key by key.
func TestARuleComesBeforeAnnotations(t *testing.T) {
	annotated, _ := FromAnnotations(map[string]string{
		AnnotationCandidates: "up", AnnotationBreakdown: "path", AnnotationTopology: "a -> b", AnnotationWindow: "incident=5m baseline=5h",
	})
	file := Rule{
		Name: "r", Candidates: []Candidate{}, Breakdown: &Breakdown{Labels: []string{"pod"}},
		Topology: &Topology{Query: "calls"}, Window: Window{Incident: 7},
	}
	want := file
	want.Window.Baseline = annotated.Window.Baseline
	if d := cmp.Diff(want, file.Or(annotated)); d != "" {
		t.Error(d)
	}
	want = annotated
	want.Name, want.Source = "r", Source{}
	if d := cmp.Diff(want, Rule{Name: "r"}.Or(annotated)); d != "" {
		t.Error(d)
	}
}

func TestWhatCulpritReadsItDoesNotWrite(t *testing.T) {
	for _, name := range RuleAnnotations() {
		if WrittenByCulprit(name) {
			t.Error(name)
		}
	}
	if !WrittenByCulprit("culprit_summary") || WrittenByCulprit("summary") {
		t.Error("culprit_summary, or summary")
	}
}

// FuzzAnnotations checks that no annotation makes the parser panic or exceed its limits, and that
// each mistake has a message and a line.
func FuzzAnnotations(f *testing.F) {
	for _, text := range []string{"rate(a[5m]) # cpu", "path, version", "a -> b", "incident=5m baseline=1h", "{{ \"#\" }}", "[]", "\"\\", "-> ->", "a{b='->'}"} {
		f.Add(text, text)
	}
	f.Fuzz(func(t *testing.T, one, other string) {
		for _, name := range append(RuleAnnotations(), "culprit_"+one) {
			r, mistakes := FromAnnotations(map[string]string{name: one, "summary": other, AnnotationWindow: other})
			if len(r.Candidates) > mostAnnotated || r.Topology != nil && len(r.Topology.Edges) > mostEdges {
				t.Errorf("%d candidates, topology %v", len(r.Candidates), r.Topology)
			}
			for _, m := range mistakes {
				if m.What == "" || m.Hint == "" || m.Line < 1 || m.Line > 1+strings.Count(one, "\n")+strings.Count(other, "\n") {
					t.Errorf("%+v", m)
				}
			}
		}
	})
}
