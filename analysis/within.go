// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"strings"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// dropRelatives keeps, of each whole and its parts (see [Series.Whole]), the leader and what
// moved the other way. A whole moves because a part does; counting both would favour services
// with parts over those without. Dropped series that moved are kept by name, for the finding.
// It says whether anything was dropped.
func (c *candidates) dropRelatives(r rank.Result) bool {
	leaders := c.leaders(r)
	c.relatives = map[string][]string{}
	drop := map[int]bool{}
	for _, cause := range r.Causes {
		s := c.series[cause.Series]
		leader, ok := leaders[s.whole()]
		switch moved := cause.Moved(); {
		case !ok, cause.Series == leader.Series, moved && rises(cause) != rises(leader):
			continue
		case moved:
			name := c.series[leader.Series].Name
			c.relatives[name] = append(c.relatives[name], s.Name)
		}
		drop[cause.Series] = true
	}
	c.remove(drop)
	return len(drop) > 0
}

// leaders maps each series that has parts to the first of them all that moved in the ranking,
// or to the whole if none did.
func (c *candidates) leaders(r rank.Result) map[string]rank.Cause {
	leaders := map[string]rank.Cause{}
	wholes := c.wholes()
	for _, cause := range r.Causes {
		s := c.series[cause.Series]
		best, ok := leaders[s.whole()]
		switch {
		case !wholes[s.whole()]:
		case !ok, !best.Moved() && (cause.Moved() || s.Whole == ""):
			leaders[s.whole()] = cause
		}
	}
	return leaders
}

// wholes returns the names of the series that have parts.
func (c *candidates) wholes() map[string]bool {
	names := map[string]bool{}
	for _, s := range c.series {
		if s.Whole != "" {
			names[s.Whole] = true
		}
	}
	return names
}

// whole returns the name of the series that s is part of, else its own.
func (s Series) whole() string {
	if s.Whole == "" {
		return s.Name
	}
	return s.Whole
}

func rises(c rank.Cause) bool { return c.After > c.Before }

// remove drops series.
func (c *candidates) remove(drop map[int]bool) {
	var series []Series
	var codes, callers []int
	for i, s := range c.series {
		if !drop[i] {
			series, codes, callers = append(series, s), append(codes, c.codes[i]), append(callers, c.callers[i])
		}
	}
	c.series, c.codes, c.callers = series, codes, callers
}

// place prefixes a finding with the scope in which it was found.
func (f *Finding) place(s Series) {
	if s.Scope == "" {
		return
	}
	f.Evidence.Scope = s.Scope
	inside := strings.TrimSuffix(strings.TrimPrefix(s.Scope, "{"), "}")
	f.Sentence = "inside " + inside + ": " + f.Sentence
}
