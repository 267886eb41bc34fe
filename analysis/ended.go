// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/words"
)

// A series that has ended did not fall by as much as a mean over what is left of
// it does: it is gone.

// mostlyThere is the share of the rows before an incident in which a series is,
// of which it is news that it has ended.
const mostlyThere = 0.8

// ended says whether a series that was there before the row of the onset is
// there no more at the end, and what it was worth.
func ended(values []float64, onset int) (before float64, gone bool) {
	if onset <= 0 || onset >= len(values) {
		return 0, false
	}
	for _, v := range values[max(onset, len(values)-2):] {
		if present(v) {
			return 0, false
		}
	}
	var calm []float64
	for _, v := range values[:onset] {
		if present(v) {
			calm = append(calm, v)
		}
	}
	if float64(len(calm)) < math.Max(1, mostlyThere*float64(onset)) {
		return 0, false
	}
	return order.MedianInPlace(calm), true
}

// withGone puts the candidates that have ended before the others, where the alert
// is about what isn't there, and they are part of that.
func (c *candidates) withGone(others []Finding) []Finding {
	var list []Finding
	for _, s := range c.series {
		before, gone := ended(s.Values, c.onset)
		if !gone || !s.Member {
			continue
		}
		f := Finding{
			Kind: KindSeries, Series: s.Name, Name: s.Name, Share: 1, Method: "missing", Confidence: Medium,
			Explains: []string{c.target.Name}, Sentence: sayGone(s.Name, before),
			Evidence: Evidence{Before: known(before), Vanished: true, Kind: s.kind().String(), Service: serviceOf(s), Query: s.Query},
		}
		f.place(s)
		list = append(list, f)
	}
	list = list[:min(len(list), top(c.options.Series.Top, 5))]
	for _, f := range others {
		if !slices.ContainsFunc(list, func(g Finding) bool { return g.Name == f.Name }) {
			list = append(list, f)
		}
	}
	return list
}

func sayGone(name string, before float64) string {
	return name + " is gone (it was " + words.Number(before) + ")"
}
