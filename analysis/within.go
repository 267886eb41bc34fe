// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"strings"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// dropRelatives takes out of each whole and its parts (see [Series.Whole]) all
// but the one that leads, and what moved the other way. A whole moves because a
// part does, so that together they would be counted as evidence twice, against
// the services that have no parts. Those that moved are kept by name, for the
// finding. It says whether anything was taken out.
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

// leaders are, by the name of each series that has parts, the first of them all
// in a ranking that moved, or the whole where none did.
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

// wholes are the names of the series that others are parts of.
func (c *candidates) wholes() map[string]bool {
	names := map[string]bool{}
	for _, s := range c.series {
		if s.Whole != "" {
			names[s.Whole] = true
		}
	}
	return names
}

// whole is the name of what a series is a part of, its own if of nothing.
func (s Series) whole() string {
	if s.Whole == "" {
		return s.Name
	}
	return s.Whole
}

func rises(c rank.Cause) bool { return c.After > c.Before }

// remove leaves out series.
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

// place says of a finding inside of which labels it was found.
func (f *Finding) place(s Series) {
	if s.Scope == "" {
		return
	}
	f.Evidence.Scope = s.Scope
	inside := strings.TrimSuffix(strings.TrimPrefix(s.Scope, "{"), "}")
	f.Sentence = "inside " + inside + ": " + f.Sentence
}
