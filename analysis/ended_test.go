// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
)

func TestEndedSeries(t *testing.T) {
	nan := math.NaN()
	for name, c := range map[string]struct {
		values []float64
		gone   bool
	}{
		"it ended at the onset":          {[]float64{7, 7, 8, 7, nan, nan, nan}, true},
		"it ended within the incident":   {[]float64{7, 7, 8, 7, 6, nan, nan}, true},
		"one sample is late":             {[]float64{7, 7, 8, 7, 6, 6, nan}, false},
		"it came back":                   {[]float64{7, 7, 8, 7, nan, nan, 6}, false},
		"it was hardly ever there":       {[]float64{nan, nan, nan, 7, nan, nan, nan}, false},
		"it is zero, and still measured": {[]float64{7, 7, 8, 7, 0, 0, 0}, false},
		"there was nothing of it":        {[]float64{nan, nan, nan, nan, nan, nan, nan}, false},
	} {
		before, gone := ended(c.values, 4)
		if gone != c.gone || gone && before != 7 {
			t.Errorf("%s: %t, %v", name, gone, before)
		}
	}
}

// goneTarget counts three members, one of which ended, and has the series of that one.
func goneTarget(missing bool) Target {
	t := Target{Name: "up", Breakdown: &Breakdown{Missing: missing}}
	series := Series{Name: `up{i="a"}`, Query: "up", Member: true}
	other := Series{Name: `cpu{i="a"}`, Query: "cpu"}
	for i := range 60 {
		v, w := 3., 1.
		if i >= 50 {
			v, w = 2, math.NaN()
		}
		t.Values = append(t.Values, v)
		series.Values, other.Values = append(series.Values, w), append(other.Values, w*.2)
	}
	t.Candidates = []Series{series, other}
	return t
}

func TestEndedMembersCauseMissing(t *testing.T) {
	for _, missing := range []bool{true, false} {
		target := goneTarget(missing)
		f := Frame{Onset: 50, Targets: []Target{target}}
		for i := range 60 {
			f.Times = append(f.Times, float64(i))
		}
		a := explainSeries(f, target, Options{})
		named := len(a.findings) > 0 && a.findings[0].Name == `up{i="a"}` && a.findings[0].Confidence == Medium && a.findings[0].Evidence.Vanished
		if named != missing {
			t.Errorf("missing %t: %+v", missing, a.findings)
		}
		for _, f := range a.findings {
			if strings.Contains(f.Sentence, "fell") {
				t.Errorf("missing %t: %s", missing, f.Sentence)
			}
		}
	}
}

func TestFormerMembersArePlaceOfMissing(t *testing.T) {
	b := func(n int, missing bool) *Breakdown {
		b := rooms(func(int) float64 { return 0 }, func(int) float64 { return 1 })
		b.Missing = missing
		for i := len(b.Leaves); i < n; i++ {
			b.Leaves, b.Numerator.Actual = append(b.Leaves, []string{strings.Repeat("x", i)}), append(b.Numerator.Actual, 0)
			for k := range b.Numerator.Recent {
				b.Numerator.Recent[k] = append(b.Numerator.Recent[k], 1)
			}
		}
		return b
	}
	r := analyse(t, b(6, true), LabelOptions{})
	if r.Verdict != Explained || len(r.Causes) != 1 || len(r.Causes[0].Labels) != 6 || r.Causes[0].Labels[3]["room"] != "d" || !r.Causes[0].Evidence.Vanished {
		t.Errorf("%s, %+v", r.Verdict, r.Causes)
	}
	for name, b := range map[string]*Breakdown{"many": b(mostMissing+1, true), "a sum": b(6, false)} {
		if r := analyse(t, b, LabelOptions{}); r.Verdict != External || r.Everywhere != AllStopped {
			t.Errorf("%s: %s, %+v", name, r.Verdict, r.Causes)
		}
	}
}

// Members that vanished when the KPI moved are evidence, unless a rollout replaced them or all
// of the group vanished.
func TestMembersThatEndedWithTheKPIAreACause(t *testing.T) {
	const rows, onset = 60, 50
	nan := math.NaN()
	until := func(end int) []float64 { return eitherOr(rows, func(i int) bool { return i < end }, 5, nan) }
	since := func(start int) []float64 { return eitherOr(rows, func(i int) bool { return i >= start }, 5, nan) }
	always := until(rows)
	gappy := eitherOr(rows, func(i int) bool { return i%6 != 0 && i < rows-2 }, 5, nan)
	for name, c := range map[string]struct {
		memory [][]float64
		others int // others that vanished with the first; -1: no cause
	}{
		"one of three":               {[][]float64{until(onset), always, always}, 0},
		"two of three":               {[][]float64{until(onset - 1), until(onset + 2), always}, 1},
		"replaced":                   {[][]float64{until(onset), since(onset + 1), always}, -1},
		"all of them":                {[][]float64{until(onset), until(onset)}, -1},
		"long before":                {[][]float64{until(onset - 20), always, always}, -1},
		"one has only a gap":         {[][]float64{gappy, always, always}, -1},
		"none":                       {[][]float64{always, always, always}, -1},
		"one came, and nothing went": {[][]float64{always, since(onset), always}, -1},
	} {
		target := Target{Name: "errors", Values: eitherOr(rows, func(i int) bool { return i < onset }, 1, 9)}
		f := Frame{Onset: onset, Targets: []Target{target}}
		for i := range rows {
			f.Times = append(f.Times, float64(i))
			target.Values[i] += .01 * float64(i%3)
		}
		for i, values := range c.memory {
			target.Candidates = append(target.Candidates, Series{Name: fmt.Sprintf("memory{pod=%q}", string(rune('a'+i))), Query: "memory", Values: values})
		}
		for i := range 3 { // noise
			noise := make([]float64, rows)
			for k := range noise {
				noise[k] = 7 + .1*float64((k*(i+3))%5)
			}
			target.Candidates = append(target.Candidates, Series{Name: fmt.Sprintf("load %d", i), Query: fmt.Sprintf("load %d", i), Values: noise})
		}
		a := explainSeries(f, target, Options{})
		named := len(a.findings) > 0 && a.findings[0].Evidence.Vanished && a.findings[0].Confidence == Medium
		if named != (c.others >= 0) || named && (a.findings[0].Name != `memory{pod="a"}` || len(a.findings[0].Evidence.Members) != c.others) {
			t.Errorf("%s: %+v", name, a.findings)
		}
	}
}

// eitherOr returns yes in the rows where a condition holds, and no elsewhere.
func eitherOr(rows int, holds func(row int) bool, yes, no float64) []float64 {
	values := make([]float64, rows)
	for i := range values {
		if values[i] = no; holds(i) {
			values[i] = yes
		}
	}
	return values
}

// The rate of a replaced pod trails off over its range, farther than any fault moves it. That
// is no cause: another pod took over.
func TestReplacedPodIsNoCandidate(t *testing.T) {
	const rows, onset = 60, 50
	old := Series{Name: `cpu{pod="old"}`, Query: "cpu", Values: make([]float64, rows)}
	fresh := Series{Name: `cpu{pod="new"}`, Query: "cpu", Values: eitherOr(rows, func(i int) bool { return i > onset }, 5, math.NaN())}
	target := Target{Name: "errors"}
	f := Frame{Onset: onset}
	for i := range rows {
		f.Times, target.Values = append(f.Times, float64(i)), append(target.Values, 1+.01*float64(i%3)+9*float64(i/onset))
		switch old.Values[i] = 5 + .01*float64(i%4); {
		case i >= onset+4:
			old.Values[i] = math.NaN()
		case i >= onset:
			old.Values[i] = 1
		}
	}
	for _, replaced := range []bool{true, false} {
		target.Candidates = []Series{old, {Name: "load", Query: "load", Values: eitherOr(rows, func(i int) bool { return i%2 == 0 }, 7, 7.1)}}
		if replaced {
			target.Candidates = append(target.Candidates, fresh)
		}
		f.Targets = []Target{target}
		found := slices.ContainsFunc(explainSeries(f, target, Options{}).findings, func(f Finding) bool { return f.Name == old.Name })
		if found == replaced {
			t.Errorf("replaced %t, and found %t", replaced, found)
		}
	}
}
