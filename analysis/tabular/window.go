// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"fmt"
	"math"
	"slices"
	"sort"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// Window says which times are the incident, and which to compare with it. All bounds are Unix
// seconds, inclusive.
type Window struct {
	Onset float64
	End   float64 // 0: the last time of the file

	// Baseline chosen by the user. If both are 0, culprit makes a forecast from the time before
	// the onset.
	BaselineStart, BaselineEnd float64
}

func (w Window) chosen() bool { return w.BaselineStart != 0 || w.BaselineEnd != 0 }

// Check reports inconsistent bounds.
func (w Window) Check() error {
	switch {
	case w.End != 0 && w.End < w.Onset:
		return fmt.Errorf("the incident ends at %.0f, before its onset at %.0f", w.End, w.Onset)
	case w.chosen() && w.BaselineEnd < w.BaselineStart:
		return fmt.Errorf("the baseline ends at %.0f, before its start at %.0f", w.BaselineEnd, w.BaselineStart)
	case w.chosen() && w.BaselineEnd >= w.Onset:
		return fmt.Errorf("the baseline ends at %.0f, in the incident, whose onset is at %.0f; hint: both ends are inclusive", w.BaselineEnd, w.Onset)
	}
	return nil
}

// Breakdown returns the breakdown of a measure over time: its values in the incident, and the
// pieces before it for a forecast. denominator is nil for an additive measure. count says that
// the measure (for a ratio: both parts) counts events.
//
// A time at which no leaf has a sample does not exist; at others a missing sample counts as 0.
// The exception is a chosen baseline of a ratio: the mean over the times at which the leaf
// exists.
func Breakdown(numerator, denominator *LeafTable, w Window, count bool) (*analysis.Breakdown, error) {
	if err := w.Check(); err != nil {
		return nil, err
	}
	num, den, err := aligned(numerator, denominator)
	if err != nil {
		return nil, err
	}
	whole := num // has samples whenever the measure exists
	if den != nil {
		whole = den
	}
	incident, err := whole.rows(w.Onset, w.End, "the incident")
	if err != nil {
		return nil, err
	}
	span := forecast.Span{Onset: whole.Times[incident[0]], End: whole.Times[incident[len(incident)-1]]}
	step := whole.step()
	b := &analysis.Breakdown{
		Labels: num.Labels, Leaves: num.Leaves, Count: count, Doubts: numerator.Doubts,
		Scale:  forecast.Scale{Window: 1, Hour: 3600 / step, Day: 86400 / step},
		Length: span.End - span.Onset + step,
	}
	if count || den != nil {
		b.Scale.Window = float64(len(incident))
	}
	if count {
		b.Event = step / 300
	}
	b.Partial = whole.partial(span)
	if b.Numerator, err = num.pieces(w, span, den != nil); err != nil {
		return nil, err
	}
	if den != nil {
		d, err := den.pieces(w, span, true)
		if err != nil {
			return nil, err
		}
		b.Denominator, b.Doubts = &d, slices.Concat(b.Doubts, denominator.Doubts)
	}
	steps := forecast.Steps{Length: forecast.Guard(step), Event: b.Event}
	aside := []bool(nil)
	b.Numerator, aside = forecast.SetAside(b.Numerator, b.Denominator, steps)
	b.Aside = steps.Stretches(aside, span.Onset-steps.Length)
	return b, nil
}

// Frame returns a frame with only a breakdown.
func Frame(name string, b *analysis.Breakdown) analysis.Frame {
	return analysis.Frame{Targets: []analysis.Target{{Name: name, Breakdown: b}}}
}

// aligned puts both parts of a ratio on the same leaves and times. If there is a denominator
// and no numerator, nothing happened: the numerator is 0.
func aligned(num, den *LeafTable) (n, d *LeafTable, err error) {
	if den == nil {
		return num, nil, nil
	}
	order, err := num.labelOrder(den)
	if err != nil {
		return nil, nil, err
	}
	index := newLeafIndex()
	identity := count(len(num.Labels))
	for _, leaf := range num.Leaves {
		index.of(leaf, identity)
	}
	for _, leaf := range den.Leaves {
		index.of(leaf, order)
	}
	times := slices.Concat(num.Times, den.Times)
	slices.Sort(times)
	times = slices.Compact(times)
	n, d = num.on(index, identity, times), den.on(index, order, times)
	for e := range d.Values {
		for i, v := range d.Values[e] {
			if math.IsNaN(n.Values[e][i]) && !math.IsNaN(v) {
				n.Values[e][i] = 0
			}
		}
	}
	return n, d, nil
}

// on returns the table on other leaves and times, which include its own.
func (t *LeafTable) on(index *leafIndex, order []int, times []float64) *LeafTable {
	out := &LeafTable{Leaves: index.leaves, Times: times}
	for _, k := range order {
		out.Labels = append(out.Labels, t.Labels[k])
	}
	for range out.Leaves {
		out.Values = append(out.Values, missing(len(times)))
	}
	for i, leaf := range t.Leaves {
		to := out.Values[index.of(leaf, order)]
		for k, at := range t.Times {
			column, _ := slices.BinarySearch(times, at)
			to[column] = t.Values[i][k]
		}
	}
	return out
}

// rows returns the existing times from first to last, both inclusive; last 0 is the end of the
// file.
func (t *LeafTable) rows(first, last float64, what string) ([]int, error) {
	if last == 0 {
		last = math.Inf(1)
	}
	from := sort.SearchFloat64s(t.Times, first)
	to := sort.Search(len(t.Times), func(i int) bool { return t.Times[i] > last })
	var rows []int
	for i := from; i < to; i++ {
		if slices.ContainsFunc(t.Values, func(leaf []float64) bool { return !math.IsNaN(leaf[i]) }) {
			rows = append(rows, i)
		}
	}
	if len(rows) == 0 {
		return nil, fmt.Errorf("there are no samples in %s, from %s; hint: the file has times from %.0f to %.0f",
			what, bounds(first, last), t.Times[0], t.Times[len(t.Times)-1])
	}
	return rows, nil
}

func bounds(first, last float64) string {
	if math.IsInf(last, 1) {
		return fmt.Sprintf("%.0f on", first)
	}
	return fmt.Sprintf("%.0f to %.0f", first, last)
}

// step returns the usual distance of times, in seconds.
func (t *LeafTable) step() float64 {
	if len(t.Times) < 2 {
		return 300
	}
	d := make([]float64, len(t.Times)-1)
	for i := range d {
		d[i] = t.Times[i+1] - t.Times[i]
	}
	slices.Sort(d)
	return d[len(d)/2]
}

// pieces returns the incident and the pieces for its forecast.
func (t *LeafTable) pieces(w Window, span forecast.Span, ratio bool) (analysis.Pieces, error) {
	var p analysis.Pieces
	if w.chosen() {
		rows, err := t.rows(w.BaselineStart, w.BaselineEnd, "the baseline")
		if err != nil {
			return p, err
		}
		p.Baseline = t.mean(rows, ratio)
	} else {
		p = forecast.Cut(forecast.Series{Times: t.Times, Values: t.Values}, span)
	}
	rows, err := t.rows(span.Onset, span.End, "the incident")
	p.Actual = t.mean(rows, false)
	return p, err
}

// mean returns the mean of each leaf over some times. A missing sample counts as 0; with
// present, that time does not count for the leaf.
func (t *LeafTable) mean(rows []int, present bool) []float64 {
	out := make([]float64, len(t.Values))
	for e, values := range t.Values {
		n := 0
		for _, i := range rows {
			if v := values[i]; !math.IsNaN(v) {
				out[e] += v
				n++
			}
		}
		if !present {
			n = len(rows)
		}
		out[e] /= float64(max(n, 1))
	}
	return out
}

// dense is the fraction of samples above which a leaf's gaps don't mean "nothing happened".
const dense = 0.95

// partial marks leaves with missing samples around the incident, if they hardly had any gaps
// before: a failed scrape looks like a value that vanished.
func (t *LeafTable) partial(span forecast.Span) []bool {
	marks := forecast.Partial(forecast.Series{Times: t.Times, Values: t.Values}, span)
	before := sort.SearchFloat64s(t.Times, span.Onset-3600)
	for e := range marks {
		have := 0
		for _, v := range t.Values[e][:before] {
			if !math.IsNaN(v) {
				have++
			}
		}
		marks[e] = marks[e] && before > 0 && float64(have) >= dense*float64(before)
	}
	return marks
}
