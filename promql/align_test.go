// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

func samples(pairs ...float64) *model.SampleStream {
	s := &model.SampleStream{Metric: model.Metric{}}
	for i := 0; i < len(pairs); i += 2 {
		s.Values = append(s.Values, model.SamplePair{Timestamp: model.Time(pairs[i] * 1000), Value: model.SampleValue(pairs[i+1])})
	}
	return s
}

func TestSamplesFallIntoRows(t *testing.T) {
	g := grid{start: time.Unix(100, 0), onset: time.Unix(120, 0), end: time.Unix(140, 0), step: 10 * time.Second}
	got := values(samples(90, 1, 100, 2, 114, 3, 130.4, 4, 140, math.Inf(1), 150, 5), g)
	if fmt.Sprint(got) != "[2 3 NaN 4 NaN]" {
		t.Error(got)
	}
	if fmt.Sprint(g.times()) != "[100 110 120 130 140]" {
		t.Error(g.times())
	}
}

// The range of a rate reaches back to before its counter existed.
func TestFirstRatesOfNewCounterAreDropped(t *testing.T) {
	g := grid{start: time.Unix(0, 0), onset: time.Unix(1200, 0), end: time.Unix(1260, 0), step: time.Minute}
	for _, c := range []struct {
		query       string
		first, left int // first row of the counter, and rows that are dropped
	}{
		{"rate(a_total[5m])", 3, 5},
		{"sum(rate(a_total[90s]))", 3, 2},
		{"rate(a_total[5m])", 0, 0}, // it may have started long before
		{"a", 3, 0},
		{"rate(a_total[5m])", 6, 0}, // the series has few other rows
		{"rate(a_total[5m])", 20, 0},
	} {
		row := make([]float64, g.rows())
		for i := range row[:c.first] {
			row[i] = math.NaN()
		}
		dropRampUp(row, g, c.query)
		n := 0
		for _, v := range row[c.first:] {
			if math.IsNaN(v) {
				n++
			}
		}
		if n != c.left {
			t.Errorf("%+v: %d are left out", c, n)
		}
	}
}

func TestPoolingSkipsMissingSamples(t *testing.T) {
	g := grid{start: time.Unix(0, 0), end: time.Unix(20, 0), step: 10 * time.Second}
	m := model.Matrix{samples(0, 1, 10, 2), samples(0, 5)}
	if got := fmt.Sprint(pool(m, g, true), pool(m, g, false)); got != "[6 2 NaN] [3 2 NaN]" {
		t.Error(got)
	}
}

// The rows don't depend on the order in which Prometheus sends the series.
func TestAlignIgnoresOrderOfSeries(t *testing.T) {
	plan, err := NewPlan(config.Rule{
		Target:     &config.Target{Name: "t", Query: "a", Breakdown: &config.Breakdown{Labels: []string{}}},
		Candidates: []config.Candidate{{Name: "c", Query: "c"}},
	}, Alert{}, clock("12:00:00"))
	if err != nil {
		t.Fatal(err)
	}
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 8).Draw(t, "series")
		m := make(model.Matrix, n)
		for i := range m {
			at := seconds(plan.Start) + float64(rapid.IntRange(0, len(plan.grid().times())-1).Draw(t, "row"))*plan.Step.Seconds()
			m[i] = samples(at, float64(i))
			m[i].Metric = model.Metric{"i": model.LabelValue(fmt.Sprint(i % 5))} // some twice
		}
		one := alignedCandidates(plan, m)
		shuffled := rapid.Permutation(m).Draw(t, "order")
		if n <= 5 { // one query never returns the same label set twice
			if other := alignedCandidates(plan, shuffled); one != other {
				t.Fatalf("%s\n%s", one, other)
			}
		}
	})
}

func alignedCandidates(p Plan, m model.Matrix) string {
	f := Align(p, Evidence{Answers: Answers{p.Targets[0].Candidates[0].Query.key(): {Value: m}}})
	return fmt.Sprint(f.Targets[0].Candidates)
}

func TestAlignWithoutAnswers(t *testing.T) {
	f := Align(ratioPlan(t), Evidence{})
	if len(f.Targets) != 1 || len(f.Targets[0].Values) != len(f.Times) || !math.IsNaN(f.Targets[0].Values[0]) {
		t.Errorf("%+v", f.Targets)
	}
}

func TestAScalarIsASeries(t *testing.T) {
	q := Query{End: time.Unix(60, 0)}
	m, ok := asMatrix(&model.Scalar{Value: 7}, q)
	if !ok || len(m) != 1 || m[0].Values[0].Value != 7 || m[0].Values[0].Timestamp != 60_000 {
		t.Errorf("%v %v", m, ok)
	}
	if _, ok := asMatrix(&model.String{}, q); ok {
		t.Error("a string is no series")
	}
}

func TestMissingDayLeavesGap(t *testing.T) {
	got := place(place(nil, 1, []float64{1}), 4, []float64{4})
	if fmt.Sprint(got) != "[[1] [] [] [4]]" || got[1] != nil {
		t.Error(got)
	}
}

// history answers with a point for every hour, except around the given days back.
func history(b parts, gaps ...int) Answers {
	q, _ := b.presence()
	s := &model.SampleStream{}
	for at := q.Start; !at.After(q.End); at = at.Add(q.Step) {
		back := int((q.End.Sub(at) + 12*time.Hour) / day)
		if !slices.Contains(gaps, back) {
			s.Values = append(s.Values, model.SamplePair{Timestamp: model.TimeFromUnixNano(at.UnixNano()), Value: 1})
		}
	}
	return Answers{q.key(): {Value: model.Matrix{s}}}
}

func TestDaysBackEndAtFirstMissingDay(t *testing.T) {
	b := parts{Measure: expr.Measure{Numerator: []expr.Term{{Coefficient: 1, Text: "sum(a)"}}}, grid: grid{
		start: clock("10:00:00"), onset: clock("12:00:00"), end: clock("12:10:00"), before: clock("11:59:00"), step: time.Minute,
	}}
	for want, answers := range map[string]Answers{
		"[1 2 3 4 5 6 7]": history(b),
		"[1 2]":           history(b, 3, 5),
		"[]":              history(b, 1),
	} {
		if got := fmt.Sprint(daysBack(b, answers)); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	partly := history(b)
	q, _ := b.presence()
	m := partly[q.key()].Value.(model.Matrix)
	m[0].Values = slices.DeleteFunc(m[0].Values, func(p model.SamplePair) bool {
		return p.Timestamp.Time().Equal(clock("12:10:00").Add(-2 * day))
	})
	if got := fmt.Sprint(daysBack(b, partly)); got != "[1 3 4 5 6 7]" {
		t.Errorf("a day with a hole: %s", got)
	}
	if got := daysBack(b, Answers{}); len(got) != 0 {
		t.Errorf("without an answer: %v", got)
	}
}

func TestOnlyRatesAreCounted(t *testing.T) {
	of := func(numerator, denominator, expected []expr.Term) func(expr.Term) float64 {
		b := parts{grid: grid{onset: clock("12:00:00"), end: clock("12:09:00"), step: time.Minute}}
		b.Numerator, b.Denominator, b.Expected = numerator, denominator, expected
		return b.amount()
	}
	rate, increase, gauge := expr.Term{Per: time.Second}, expr.Term{Per: 5 * time.Minute}, expr.Term{}
	if f := of([]expr.Term{rate, increase}, nil, nil); f(rate) != 600 || f(increase) != 2 {
		t.Errorf("%v %v", f(rate), f(increase))
	}
	if f := of([]expr.Term{rate, gauge}, nil, nil); f(rate) != 1 || f(gauge) != 1 {
		t.Error("a rate and a gauge in one sum have one unit")
	}
	if f := of([]expr.Term{rate}, []expr.Term{gauge}, nil); f(rate) != 1 || f(gauge) != 1 {
		t.Error("a rate for each of a number is a rate")
	}
	if f := of([]expr.Term{rate}, nil, []expr.Term{gauge}); f(rate) != 1 || f(gauge) != 1 {
		t.Error("a rate is compared with what somebody records of it")
	}
}

func TestRoundingBelowZeroIsZero(t *testing.T) {
	v := []float64{1, -1e-12, -0.5}
	clamp(v, false)
	if fmt.Sprint(v) != "[1 0 -0.5]" {
		t.Error(v)
	}
	clamp(v, true)
	if fmt.Sprint(v) != "[1 0 0]" {
		t.Errorf("events beyond a bucket: %v", v)
	}
}

func TestInfiniteIsMissing(t *testing.T) {
	if v := finite(model.SampleValue(math.Inf(-1))); !math.IsNaN(v) {
		t.Error(v)
	}
	v := []float64{1, math.NaN(), -1e-12}
	clamp(v, false)
	if fmt.Sprint(v) != "[1 NaN 0]" {
		t.Error(v)
	}
}

func TestPresenceIsTheShareOfSteps(t *testing.T) {
	q := Query{Start: time.Unix(0, 0), End: time.Unix(40, 0), Step: 10 * time.Second}
	p := newPresence(q, Answer{Value: model.Matrix{samples(0, 1, 10, math.NaN()), samples(20, 1, 50, 1)}})
	if got := p.covered(time.Unix(-5, 0), time.Unix(40, 0)); got != 0.4 {
		t.Errorf("%v", got)
	}
	if got := p.covered(time.Unix(10, 0), time.Unix(20, 0)); got != 1 {
		t.Errorf("%v", got)
	}
	if got := p.covered(time.Unix(100, 0), time.Unix(200, 0)); got != 0 {
		t.Errorf("%v", got)
	}
	if newPresence(q, Answer{Err: errNothing}).known {
		t.Error("known without an answer")
	}
}

func TestBestMatchOfSeveralAlerts(t *testing.T) {
	alert := func(state v1.AlertState, at int64, more model.LabelSet) v1.Alert {
		return v1.Alert{Labels: model.LabelSet{"alertname": "A"}.Merge(more), State: state, ActiveAt: time.Unix(at, 0)}
	}
	all := []v1.Alert{
		alert(v1.AlertStatePending, 1, model.LabelSet{"a": "x"}),
		alert(v1.AlertStateFiring, 3, model.LabelSet{"a": "x"}),
		alert(v1.AlertStateFiring, 2, model.LabelSet{"a": "x"}),
		alert(v1.AlertStateFiring, 0, nil),
		alert(v1.AlertStateFiring, 0, model.LabelSet{"a": "x", "b": "y"}),
	}
	got, ok := matching(all, model.LabelSet{"alertname": "A", "a": "x", "b": "z"})
	if !ok || got.ActiveAt.Unix() != 2 {
		t.Errorf("%+v", got)
	}
}

func TestSignedNumbers(t *testing.T) {
	for text, want := range map[string]string{"1": "1 true", "-2": "-2 true", "(3)": "3 true", "-(4)": "-4 true", "+5": "5 true", "a": "0 false", "-a": "0 false"} {
		v, ok := expr.Number(expr.MustParse(text))
		if got := fmt.Sprint(v+0, ok); got != want {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func TestConstantLabelIsDroppedUnlessLast(t *testing.T) {
	b := &analysis.Breakdown{Labels: []string{"a", "b"}, Leaves: [][]string{{"x", ""}}}
	dropConstant(b)
	if fmt.Sprint(b.Labels, b.Leaves, len(b.Refused)) != "[a] [[x]] 1" {
		t.Errorf("%+v", b)
	}
}
