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
		if _, gone := ended(s.Values, c.onset); !gone || !s.Member {
			continue
		}
		f := c.gone([]Series{s})
		f.Share = 1
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

// nearlyAtOnce is by how many rows a series may end before the onset that ended
// because of the same as the KPI moved: an alert is late.
const nearlyAtOnce = 10

// withLeft puts some of the many series of a query before the others that all
// ended when the KPI moved, and that nothing took the place of: members that went,
// and no rollout, nor an exporter that isn't scraped any more.
func (c *candidates) withLeft(others []Finding) []Finding {
	type members struct{ left, stayed, came []Series }
	var queries []string
	of := map[string]*members{}
	for _, s := range c.series {
		if s.Query == "" { // a column of a file, of which nobody knows what belongs together
			continue
		}
		m := of[s.Query]
		if m == nil {
			m = &members{}
			of[s.Query], queries = m, append(queries, s.Query)
		}
		before, since := s.Values[:c.onset], s.Values[c.onset:]
		_, gone := ended(s.Values, c.onset)
		switch was := slices.ContainsFunc(before[:max(0, c.onset-nearlyAtOnce)], present); {
		case gone && slices.ContainsFunc(before[max(0, c.onset-nearlyAtOnce):], present):
			m.left = append(m.left, s)
		case !was && slices.ContainsFunc(since, present):
			m.came = append(m.came, s)
		case was && !gone:
			m.stayed = append(m.stayed, s)
		}
	}
	for _, q := range queries {
		if m := of[q]; len(m.left) > 0 && len(m.came) == 0 && len(m.stayed) > 0 && len(m.left) <= mostMissing {
			return append([]Finding{c.gone(m.left)}, others...)
		}
	}
	return others
}

// gone is the finding of series that ended together.
func (c *candidates) gone(list []Series) Finding {
	s := list[0]
	before, _ := ended(s.Values, c.onset)
	f := Finding{
		Kind: KindSeries, Series: s.Name, Name: s.Name, Method: "missing", Confidence: Medium,
		Explains: []string{c.target.Name}, Sentence: sayGone(s.Name, before),
		Evidence: Evidence{Before: known(before), Vanished: true, Kind: s.kind().String(), Service: serviceOf(s), Query: s.Query},
	}
	for _, other := range list[1:] {
		f.Evidence.Members = append(f.Evidence.Members, other.Name)
	}
	f.place(s)
	return f
}

func sayGone(name string, before float64) string {
	return name + " is gone (it was " + words.Number(before) + ")"
}
