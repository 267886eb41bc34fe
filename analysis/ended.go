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

// gapByChance is how likely it may be that a series has only a gap.
const gapByChance = 0.001

// noGap says that a series that has ended is not one with gaps of which the last
// is such a gap.
func noGap(values []float64) bool {
	last := len(values) - 1
	for last >= 0 && !present(values[last]) {
		last--
	}
	missing := 0
	for _, v := range values[:last+1] {
		if !present(v) {
			missing++
		}
	}
	rate := float64(missing+1) / float64(last+3) // Laplace's rule of succession
	return math.Pow(rate, float64(len(values)-1-last)) <= gapByChance
}

// members are the series of one query: those that ended when the KPI moved, that
// stayed, and that came since.
type members struct{ left, stayed, came []Series }

func (m *members) add(s Series, onset int) {
	early := max(0, onset-nearlyAtOnce)
	was := slices.ContainsFunc(s.Values[:early], present)
	switch _, gone := ended(s.Values, onset); {
	case gone && slices.ContainsFunc(s.Values[early:onset], present):
		if noGap(s.Values) {
			m.left = append(m.left, s)
		}
	case !was && slices.ContainsFunc(s.Values[onset:], present):
		m.came = append(m.came, s)
	case was && !gone:
		m.stayed = append(m.stayed, s)
	}
}

// withLeft puts some of the many series of a query before the others that all
// ended when the KPI moved, and that nothing took the place of: members that went,
// and no rollout, nor an exporter that isn't scraped any more.
func (c *candidates) withLeft(others []Finding) []Finding {
	queries, of := c.byQuery()
	for _, q := range queries {
		if m := of[q]; len(m.left) > 0 && len(m.came) == 0 && len(m.stayed) > 0 && len(m.left) <= mostMissing {
			return append([]Finding{c.gone(m.left)}, others...)
		}
	}
	return others
}

// byQuery are the members of each query, and the queries in the order of their first
// series. Of the columns of a file nobody knows which belong together.
func (c *candidates) byQuery() (queries []string, of map[string]*members) {
	of = map[string]*members{}
	for _, s := range c.series {
		if s.Query == "" {
			continue
		}
		if of[s.Query] == nil {
			of[s.Query], queries = &members{}, append(queries, s.Query)
		}
		of[s.Query].add(s, c.onset)
	}
	return queries, of
}

// dropReplaced takes out the series that ended when the KPI moved, and that others of
// their query took the place of: a rollout ends those of its pods, whatever it does else.
func (c *candidates) dropReplaced() {
	_, of := c.byQuery()
	c.series = slices.DeleteFunc(c.series, func(s Series) bool {
		m := of[s.Query]
		return m != nil && len(m.came) > 0 && !s.Member && slices.ContainsFunc(m.left, func(l Series) bool { return l.Name == s.Name })
	})
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

// mostMissing is how many that are gone are worth their names.
const mostMissing = 10
