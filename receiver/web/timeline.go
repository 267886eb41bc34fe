// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/receiver/report"
)

// mostMoments bounds the changes below a chart.
const mostMoments = 12

// moment is a change on the timeline.
type moment struct {
	Clock string // when
	X     string // x on the chart; empty: not on it
	Text  string // what was done
	Later bool   // after the onset: a consequence or a remedy

	at float64
}

// timeline returns the changes that are causes, and those after the onset, in order of time. It
// keeps those nearest to the onset.
func timeline(r report.Report) []moment {
	var list []moment
	add := func(f analysis.Finding, later bool) {
		list = append(list, moment{Clock: clockTime(f.Change.At), Text: report.Title(f), Later: later, at: f.Change.At})
	}
	for _, f := range r.Result.Causes {
		if f.Kind == analysis.KindChange && f.Change != nil {
			add(f, false)
		}
	}
	if c := r.Result.Changes; c != nil {
		for _, later := range c.Later {
			add(analysis.Finding{Kind: analysis.KindChange, Name: whatAfter(later), Change: &later}, true)
		}
	}
	slices.SortStableFunc(list, func(a, b moment) int { return cmp.Compare(a.at, b.at) })
	return list[:min(len(list), mostMoments)]
}

// whatAfter describes a change, and its versions.
func whatAfter(c changes.Change) string {
	if c.From != "" && c.To != "" {
		return fmt.Sprintf("%s (%s → %s)", c.Title, c.From, c.To)
	}
	return c.Title
}

// addMoments puts changes on a chart.
func (v *chartView) addMoments(list []moment, s scale) {
	v.Moments = list
	for i, m := range list {
		if m.at >= s.t0 && m.at <= s.t1 {
			v.Moments[i].X = f1(s.x(m.at))
		}
	}
}
