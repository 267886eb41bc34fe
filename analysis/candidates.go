// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"slices"
	"sort"
	"strings"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// candidates is one target's evidence about series, on the rows up to the end
// of the incident, in the order of the series' names.
type candidates struct {
	target   Target
	times    []float64
	onset    int  // first row of the incident
	dated    bool // the frame has an onset; without one the last row is the incident
	series   []Series
	services []string // sorted names; a series' code is its index
	codes    []int    // series → service
	calls    [][2]int
	callers  []int // series → the service whose calls to its own it measures, -1: none
	tiers    map[string]int
	labels   map[string]string // of the alert
	options  Options
	single   bool    // all candidates come from one query
	late     float64 // seconds from when the KPI began to move to the onset that was given
	young    int     // rows of the baseline that were cut off, as most series did not exist yet

	asItWas  map[string][]float64 // by series: its values before what all releases do was taken out of them
	released int                  // services with changes before the onset
	expected []float64            // of each service: by how much its changes make it likelier; nil: there are none

	relatives map[string][]string // names of series that are not ranked beside the one that they go with
}

// newCandidates cuts the frame to the rows of the analysis and puts the
// candidates in the order of their names, so that every tie falls to the
// smaller name whatever order they came in.
func newCandidates(f Frame, t Target, opt Options) *candidates {
	end := len(f.Times)
	if f.End != 0 {
		end = sort.Search(len(f.Times), func(i int) bool { return f.Times[i] > f.End })
	}
	c := &candidates{
		target: t, times: f.Times[:end], options: opt, tiers: f.Tiers, labels: f.Labels,
		onset: max(0, end-1), dated: f.Onset != 0,
	}
	if c.dated {
		c.onset = sort.SearchFloat64s(f.Times[:end], f.Onset)
	}
	c.target.Values = t.Values[:end]
	c.series = slices.Clone(t.Candidates)
	slices.SortStableFunc(c.series, func(a, b Series) int { return compareNames(a.Name, b.Name) })
	queries := map[string]bool{}
	for i := range c.series {
		c.series[i].Values = c.series[i].Values[:end]
		queries[c.series[i].Query] = true
	}
	c.single = len(queries) == 1
	if c.target.Values != nil {
		c.setAside(asideOf(f, t))
	}
	c.encodeServices(f.Topology)
	c.learnCalls()
	before := c.changesBefore(f)
	c.expected = before.Odds
	if c.dated && c.unusable() == "" {
		c.young = c.dropYouth()
		c.withoutReleases(before)
		if row := Began(c.target.Values, c.onset); t.Crossing {
			c.late, c.onset = c.times[c.onset]-c.times[row], row
		}
	}
	return c
}

// mostYouth is the share of the baseline that may lie before a series begins;
// of one that is younger, the ranking would say nothing.
const mostYouth = 0.2

// dropYouth cuts off the rows in which most series did not exist yet, as in a
// Prometheus that was started an hour ago: a short baseline of all tells more
// than a long one of few. It leaves the baseline alone where too little would be
// left, as after a rollout: what is old then still tells. It returns how many
// rows were cut off.
func (c *candidates) dropYouth() int {
	var begins []int
	for _, s := range c.series {
		if first := slices.IndexFunc(s.Values[:min(c.onset, len(s.Values))], present); first >= 0 {
			begins = append(begins, first)
		}
	}
	if len(begins) == 0 {
		return 0
	}
	slices.Sort(begins)
	cut := begins[len(begins)/2]
	if float64(cut) <= mostYouth*float64(c.onset) || c.onset-cut < shortHistory {
		return 0
	}
	c.times, c.target.Values, c.onset = c.times[cut:], c.target.Values[cut:], c.onset-cut
	for i := range c.series {
		c.series[i].Values = c.series[i].Values[cut:]
	}
	return cut
}

func present(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

func compareNames(a, b string) int { return strings.Compare(a, b) }

// encodeServices numbers the services of the series and of the call graph. A
// series without a service stands for itself.
func (c *candidates) encodeServices(topology [][2]string) {
	code := map[string]int{}
	for _, s := range c.series {
		code[serviceOf(s)] = 0
	}
	for _, call := range topology {
		code[call[0]], code[call[1]] = 0, 0
	}
	for name := range code {
		c.services = append(c.services, name)
	}
	slices.Sort(c.services)
	for i, name := range c.services {
		code[name] = i
	}
	for _, s := range c.series {
		c.codes = append(c.codes, code[serviceOf(s)])
	}
	for _, call := range topology {
		c.calls = append(c.calls, [2]int{code[call[0]], code[call[1]]})
	}
}

// code is the number of a service, if it is one of those that are known.
func (c *candidates) code(service string) (int, bool) {
	return slices.BinarySearch(c.services, service)
}

// unusable says why there is nothing to compare, if there isn't.
func (c *candidates) unusable() string {
	switch {
	case c.onset == 0:
		return "there is no sample before the onset to compare with: ask for a longer baseline"
	case c.onset >= len(c.times):
		return "there is no sample at or after the onset"
	case !slices.ContainsFunc(c.target.Values[:c.onset], present):
		return "the KPI has no sample before the onset"
	case !slices.ContainsFunc(c.target.Values[c.onset:], present):
		return "the KPI has no sample in the incident"
	}
	return ""
}

func serviceOf(s Series) string {
	if s.Service == "" {
		return s.Name
	}
	return s.Service
}

func (s Series) kind() rank.Metric { return kindOf(s.Kind, s.Query+" "+metricOf(s.Name)) }

// kindOf is the kind that the user gave, or the one that the name tells.
func kindOf(given, name string) rank.Metric {
	if k, err := rank.ParseKind(given); err == nil && given != "" {
		return k
	}
	return rank.DetectKind(name)
}

// metricOf is the part of a name that says what is measured, and not of whom:
// a service called network-gateway is no network.
func metricOf(name string) string {
	if metric, _, ok := strings.Cut(name, "{"); ok && metric != "" {
		return metric
	}
	if _, metric, ok := strings.Cut(name, "|"); ok {
		return metric
	}
	return name
}

// constant says whether a series has one value, whatever happens: it is no
// cause, and not worth a line.
func constant(values []float64) bool {
	first := slices.IndexFunc(values, present)
	return first < 0 || !slices.ContainsFunc(values[first:], func(v float64) bool { return present(v) && v != values[first] })
}
