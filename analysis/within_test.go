// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// narrowed is slowQueue with the wait of one instance in addition to that of all: the part
// moves by the given amount, late by some rows, and wanders by a third. A part of the cart's
// memory did not move.
func narrowed(by float64, late int) Frame {
	f := slowQueue(200, 5)
	rng := rand.New(rand.NewPCG(3, 9))
	wait := make([]float64, 200)
	mem := make([]float64, 200)
	for i := range wait {
		wait[i] = 2 + rng.NormFloat64()/3
		if i >= 195+late {
			wait[i] += by
		}
		mem[i] = 50 + rng.NormFloat64()
	}
	f.Targets[0].Candidates = append(f.Targets[0].Candidates,
		Series{Name: "queue|wait on a", Service: "queue", Values: wait, Scope: `{instance="a"}`, Whole: "queue|wait"},
		Series{Name: "cart|mem on a", Service: "cart", Values: mem, Scope: `{instance="a"}`, Whole: "cart|mem"},
	)
	return f
}

// without returns the frame without the named candidates.
func without(f Frame, names ...string) Frame {
	f.Targets = slices.Clone(f.Targets)
	f.Targets[0].Candidates = slices.DeleteFunc(slices.Clone(f.Targets[0].Candidates), func(s Series) bool { return slices.Contains(names, s.Name) })
	return f
}

func TestSeriesAndItsPartAreOneCause(t *testing.T) {
	r := Run(narrowed(40, 0), Options{})
	first := r.Causes[0]
	if first.Series != "queue|wait on a" || first.Confidence == Low || first.Evidence.Scope != `{instance="a"}` ||
		!strings.HasPrefix(first.Sentence, `inside instance="a": queue|wait on a rose ×`) {
		t.Errorf("first %s", asJSON(t, first))
	}
	if got := asJSON(t, first.Evidence.Members); got != `["queue|wait"]` {
		t.Errorf("members %s", got)
	}
	// The others rank as if only one of the two had been fetched.
	alone := Run(without(narrowed(40, 0), "queue|wait", "cart|mem on a"), Options{})
	names := func(r Result) (list []string) {
		for _, c := range r.Causes {
			list = append(list, c.Series)
		}
		return list
	}
	if d := cmp.Diff(names(alone), names(r)); d != "" {
		t.Errorf("causes (-alone +got):\n%s", d)
	}
	for i, c := range r.Causes {
		if c.Score != alone.Causes[i].Score || c.Confidence != alone.Causes[i].Confidence {
			t.Errorf("%s: %g %s, alone %g %s", c.Name, c.Score, c.Confidence, alone.Causes[i].Score, alone.Causes[i].Confidence)
		}
	}
	if d := cmp.Diff(alone.Graph, r.Graph); d != "" {
		t.Errorf("graph (-alone +got):\n%s", d)
	}
	if r.Fit.Series != 7 {
		t.Errorf("%d series were looked at", r.Fit.Series)
	}
}

func TestPartThatMovedOppositeIsSeparateCause(t *testing.T) {
	f := narrowed(-20, 2)
	var listed []string
	for _, c := range Run(f, Options{}).Causes {
		if strings.HasPrefix(c.Series, "queue|wait") {
			listed = append(listed, c.Series)
			if got := asJSON(t, c.Evidence.Members); got != "[]" {
				t.Errorf("%s: members %s", c.Series, got)
			}
		}
	}
	if slices.Sort(listed); len(listed) != 2 {
		t.Errorf("listed %v", listed)
	}
}

func TestTheOrderOfPartsDoesNotMatter(t *testing.T) {
	want := asJSON(t, Run(narrowed(40, 0), Options{}))
	f := narrowed(40, 0)
	slices.Reverse(f.Targets[0].Candidates)
	if d := cmp.Diff(want, asJSON(t, Run(f, Options{}))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
}

func TestPublishedPipelineReportsScope(t *testing.T) {
	r := Run(without(narrowed(40, 0), "queue|wait"), Options{Series: SeriesOptions{Method: "balance"}})
	i := slices.IndexFunc(r.Causes, func(f Finding) bool { return f.Series == "queue|wait on a" })
	if i < 0 || r.Causes[i].Evidence.Scope != `{instance="a"}` || !strings.HasPrefix(r.Causes[i].Sentence, `inside instance="a": `) {
		t.Errorf("causes %s", asJSON(t, r.Causes))
	}
}

func TestUnmovedPartIsNotListed(t *testing.T) {
	for seed := range uint64(20) {
		f := narrowed(40, 0)
		rng := rand.New(rand.NewPCG(seed, 2))
		part := &f.Targets[0].Candidates[len(f.Targets[0].Candidates)-1]
		for i := range part.Values {
			part.Values[i] = 50 + rng.NormFloat64()
		}
		for _, c := range Run(f, Options{}).Causes {
			if c.Series == part.Name {
				t.Errorf("seed %d: %s", seed, c.Sentence)
			}
		}
	}
}
