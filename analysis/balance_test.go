// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// additive is a KPI that is the sum of three of ten series, times 2, −1 and 0.5. In the last
// rows the first of them rises by 4 and the second falls by 4.
func additive(rows int, dated bool) Frame {
	rng := rand.New(rand.NewPCG(3, 4))
	f := Frame{}
	x := make([][]float64, 10)
	t := Target{Name: "reads", Values: make([]float64, rows)}
	for j := range x {
		x[j] = make([]float64, rows)
		for i := range x[j] {
			x[j][i] = rng.NormFloat64()
		}
	}
	last := rows - 1
	if dated {
		last = rows - 3
		f.Onset = float64(last + 1)
	}
	for i := last; i < rows; i++ {
		x[0][i], x[1][i] = 4, -4
	}
	for i := range rows {
		f.Times = append(f.Times, float64(i+1))
		t.Values[i] = 2*x[0][i] - x[1][i] + 0.5*x[2][i] + 0.05*rng.NormFloat64()
	}
	for j := range x {
		t.Candidates = append(t.Candidates, Series{Name: fmt.Sprintf("sql %d", j), Values: x[j]})
	}
	f.Targets = []Target{t}
	return f
}

func balanced(f Frame, opt SeriesOptions) Result {
	opt.Method = "balance"
	return Run(f, Options{Series: opt})
}

func seriesOf(r Result) []string {
	var names []string
	for _, c := range r.Causes {
		names = append(names, c.Series)
	}
	return names
}

func TestContributionsAddUpToTheChange(t *testing.T) {
	r := balanced(additive(120, false), SeriesOptions{Top: 10})
	if got := fmt.Sprint(seriesOf(r)); !strings.HasPrefix(got, "[sql 0 sql 1") || len(r.Causes) != 3 {
		t.Fatalf("causes %s", got)
	}
	phi, psi := 0.0, 0.0
	for i, want := range []float64{2, -1, 0.5} {
		e := r.Causes[i].Evidence
		if got := *e.Coefficient; math.Abs(got-want) > 0.05 || !*e.Selected {
			t.Errorf("%s: coefficient %g, want %g", r.Causes[i].Series, got, want)
		}
		phi += *e.Phi
		psi += *e.Psi
	}
	unexplained := *r.Causes[0].Evidence.Unexplained
	if math.Abs(psi+unexplained-1) > 1e-9 || math.Abs(unexplained) > 0.05 || math.Abs(phi-12) > 1 {
		t.Errorf("phi adds up to %g, psi to %g, unexplained %g", phi, psi, unexplained)
	}
	if r.Verdict != Explained || r.Fit.Selected != 3 || r.Fit.Series != 10 {
		t.Errorf("verdict %s, fit %+v", r.Verdict, r.Fit)
	}
}

func TestUnmovedSeriesAreLeftOut(t *testing.T) {
	f := additive(120, true)
	for _, c := range []struct{ ad, want string }{
		{"", "[sql 0 sql 1]"},
		{"report", "[sql 0 sql 1]"},
		{"pre", "[sql 0 sql 1]"},
		{"off", "[sql 0 sql 1 sql 2]"},
	} {
		r := balanced(f, SeriesOptions{CandidateAD: c.ad, Top: 10})
		if got := fmt.Sprint(seriesOf(r)); got != c.want {
			t.Errorf("candidate-ad %q: %s, want %s", c.ad, got, c.want)
		}
		if r.Fit.Series != 10 || r.Fit.Moved != 2 {
			t.Errorf("candidate-ad %q: fit %+v, want 10 looked at, 2 moved", c.ad, r.Fit)
		}
	}
}

func TestNoiseSelectsNothing(t *testing.T) {
	f := additive(60, false)
	rng := rand.New(rand.NewPCG(9, 9))
	f = kpi(f, func(y []float64) {
		for i := range y {
			y[i] = rng.NormFloat64()
		}
	})
	if r := balanced(f, SeriesOptions{}); len(r.Causes) > 1 {
		t.Errorf("causes %v of noise", seriesOf(r))
	}
}

func TestLagsAreOneCandidate(t *testing.T) {
	f := additive(120, false)
	f = series(f, func([]float64) {})
	for i := range f.Targets[0].Candidates {
		s := &f.Targets[0].Candidates[i]
		s.Lags = []int{0, 1}
		s.Values = append(slices.Clone(s.Values[1:]), s.Values[0]) // the KPI follows one row later
	}
	r := balanced(f, SeriesOptions{Top: 10, CandidateAD: "off"})
	seen := map[string]bool{}
	for _, c := range r.Causes {
		if seen[c.Series] {
			t.Errorf("%s is listed twice", c.Series)
		}
		seen[c.Series] = true
	}
	if r.Fit.Explained < 0.95 || !seen["sql 0"] {
		t.Errorf("fit %+v, causes %v", r.Fit, seriesOf(r))
	}
}

func TestTransformsFindNonlinearRelations(t *testing.T) {
	for transform, shape := range map[string]synth.Shape{"hinge": synth.Saturating, "ranks": synth.Exponential} {
		better := 0.0
		for seed := range uint64(6) {
			p := synth.Curved{Shape: shape}.Problem(synth.Rand(seed))
			better += selectedF1(p, transform) - selectedF1(p, "")
		}
		if better <= 0 {
			t.Errorf("%s: F1 changes by %.2f in all", transform, better)
		}
	}
}

func selectedF1(p synth.Problem, transform string) float64 {
	f := Frame{Targets: []Target{{Name: "y", Values: p.Y}}}
	for i := range p.Y {
		f.Times = append(f.Times, float64(i))
	}
	for j, x := range p.X {
		f.Targets[0].Candidates = append(f.Targets[0].Candidates, Series{Name: fmt.Sprintf("%03d", j), Values: x})
	}
	found := make([]bool, len(p.X))
	for _, c := range balanced(f, SeriesOptions{Transform: transform, Top: len(p.X)}).Causes {
		for _, name := range append(c.Evidence.Members, c.Series) {
			var j int
			if _, err := fmt.Sscan(strings.TrimLeft(name[:2], "0")+name[2:], &j); err == nil {
				found[j] = true
			}
		}
	}
	return synth.Features(p.Active, found).F1
}

func TestChangedRelationIsReported(t *testing.T) {
	f := additive(200, true)
	f = kpi(f, func(y []float64) {
		x := f.Targets[0].Candidates[0].Values
		for i := range y[:60] {
			y[i] -= 3 * x[i] // −1 instead of 2
		}
	})
	if r := balanced(f, SeriesOptions{}); !warned(r, "the relation of sql 0 to the KPI changed before the incident") {
		t.Errorf("warnings %+v", r.Warnings)
	}
	if r := balanced(additive(200, true), SeriesOptions{}); warned(r, "the relation of") {
		t.Errorf("warnings %+v", r.Warnings)
	}
}

// TestIncidentsOfADatabase runs the whole pipeline on a KPI that is the sum of a hundred parts,
// four of which move alike. A Bayesian ridge alone ranks the cause among the first three in 83
// % of the cases.
func TestIncidentsOfADatabase(t *testing.T) {
	const incidents = 60
	top3, listed := 0, 0
	for seed := range uint64(incidents) {
		c := synth.Incident{}.Case(synth.Rand(seed))
		f := Frame{Targets: []Target{{Name: "kpi", Values: c.Y}}}
		for i := range c.Y {
			f.Times = append(f.Times, float64(i+1))
		}
		f.Onset = float64(len(c.Y))
		for j, x := range c.X {
			f.Targets[0].Candidates = append(f.Targets[0].Candidates, Series{Name: fmt.Sprintf("sql %03d", j), Query: "sql", Positive: true, Values: x})
		}
		names := seriesOf(balanced(f, SeriesOptions{}))
		listed += len(names)
		if slices.Contains(names[:min(3, len(names))], fmt.Sprintf("sql %03d", c.Cause)) {
			top3++
		}
	}
	if top3 < 50 || listed > 4*incidents {
		t.Errorf("the cause is among the first three of %d in %d, and %d causes are listed", incidents, top3, listed)
	}
}
