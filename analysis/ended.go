// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/words"
)

// The mean over what is left of a series that has ended is misleading: it did not fall, it is
// gone.

// mostlyThere is the share of rows before an incident in which a series must have samples for
// its end to be news.
const mostlyThere = 0.8

// ended says whether a series existed before the onset and is gone at the end, and returns its
// former level.
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

// withGone puts candidates that have ended first, if the alert is about absence and the KPI
// counts them.
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

// maxLateRows is by how many rows a series may end before the onset and still belong to the
// incident: alerts are late.
const maxLateRows = 10

// gapByChance is the significance level of [noGap].
const gapByChance = 0.001

// noGap says whether the end of a series is more than one of its usual gaps.
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

// members are the series of one query: those that ended when the KPI moved, that stayed, and
// that appeared since.
type members struct{ left, stayed, came []Series }

func (m *members) add(s Series, onset int) {
	early := max(0, onset-maxLateRows)
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

// withDeparted puts the series of a query first that ended together when the KPI moved, while
// others stayed and none appeared: members that left, as opposed to a rollout or a lost
// exporter.
func (c *candidates) withDeparted(others []Finding) []Finding {
	queries, of := c.byQuery()
	for _, q := range queries {
		if m := of[q]; len(m.left) > 0 && len(m.came) == 0 && len(m.stayed) > 0 && len(m.left) <= mostMissing {
			return append([]Finding{c.gone(m.left)}, others...)
		}
	}
	return others
}

// byQuery returns the members of each query, and the queries in the order of their first
// series. Columns of a file have no query and are left out.
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

// dropReplaced removes series that ended when the KPI moved and were replaced by others of
// their query: a rollout ends those of its pods, whether it does harm or not.
func (c *candidates) dropReplaced() {
	_, of := c.byQuery()
	c.series = slices.DeleteFunc(c.series, func(s Series) bool {
		m := of[s.Query]
		return m != nil && len(m.came) > 0 && !s.Member && slices.ContainsFunc(m.left, func(l Series) bool { return l.Name == s.Name })
	})
}

// gone returns the finding of series that ended together.
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

// mostMissing is how many series that are gone are listed by name.
const mostMissing = 10
