// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// candidates are the series of one target, on the rows up to the end of the incident, sorted by
// name.
type candidates struct {
	target   Target
	times    []float64
	onset    int  // first row of the incident
	dated    bool // the frame has an onset; else the last row is the incident
	series   []Series
	services []string // sorted names; the code of a service is its index
	codes    []int    // series → service
	calls    [][2]int
	callers  []int // series → service whose calls it measures; -1: none
	tiers    map[string]int
	labels   map[string]string // of the alert
	options  Options
	single   bool    // all candidates come from one query
	late     float64 // seconds between the start of the KPI's move and the given onset
	trimmed  int     // rows cut off the baseline because most series did not exist yet

	original   map[string][]float64 // series name → values before the effect of releases was divided out
	released   int                  // services with changes before the onset
	changeOdds []float64            // service → factor by which its changes make it likelier; nil: no changes

	relatives map[string][]string // series name → series dropped in its favour (see dropRelatives)
}

func compareNames(a, b string) int { return strings.Compare(a, b) }

// encodeServices numbers the services of the series and of the call graph. A series without a
// service is its own.
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

// code returns the code of a service; false if unknown.
func (c *candidates) code(service string) (int, bool) {
	return slices.BinarySearch(c.services, service)
}

// unusable says why there is nothing to compare; "" if there is.
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

// kindOf returns the given kind, else the one detected from the name.
func kindOf(given, name string) rank.Metric {
	if k, err := rank.ParseKind(given); err == nil && given != "" {
		return k
	}
	return rank.DetectKind(name)
}

// metricOf returns the part of a name that says what is measured, not of whom: a service called
// network-gateway is no network.
func metricOf(name string) string {
	if metric, _, ok := strings.Cut(name, "{"); ok && metric != "" {
		return metric
	}
	if _, metric, ok := strings.Cut(name, "|"); ok {
		return metric
	}
	return name
}

// constant says whether a series has a single value: it is no cause, and not worth a line.
func constant(values []float64) bool {
	first := slices.IndexFunc(values, present)
	return first < 0 || !slices.ContainsFunc(values[first:], func(v float64) bool { return present(v) && v != values[first] })
}
