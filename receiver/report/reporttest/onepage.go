// SPDX-License-Identifier: Apache-2.0

// Package reporttest checks that a report does not contradict itself.
package reporttest

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// OnePage fails the test if the report's line, causes, tables, chart and graph contradict each
// other.
func OnePage(t testing.TB, r report.Report) {
	t.Helper()
	for _, text := range Contradictions(r) {
		t.Errorf("%s: %s", r.Summary, text)
	}
}

// Contradictions lists what a report says in two different ways.
func Contradictions(r report.Report) []string {
	c := contradictions{Report: r}
	if line := r.Line(); line != r.Summary {
		c.found("its line is %q", line)
	}
	c.order()
	for _, f := range r.Result.Causes {
		switch f.Kind {
		case analysis.KindLabels:
			c.labels(f)
		case analysis.KindSeries:
			c.series(f)
		}
	}
	c.roles()
	c.tables()
	c.chart()
	c.graph()
	return c.list
}

type contradictions struct {
	report.Report
	list []string
}

func (c *contradictions) found(format string, args ...any) {
	c.list = append(c.list, fmt.Sprintf(format, args...))
}

func (c *contradictions) same(what string, a, b float64) {
	if math.Abs(a-b) > 1e-6*max(1e-9, math.Abs(a), math.Abs(b)) {
		c.found("%s is %g and %g", what, a, b)
	}
}

// order: causes are ordered by confidence, then by share if known. The fifth may be there for its
// kind alone.
func (c *contradictions) order() {
	var before *analysis.Finding
	for i := range c.Result.Causes {
		f := &c.Result.Causes[i]
		if f.Rank != i+1 {
			c.found("the cause at place %d has rank %d", i+1, f.Rank)
		}
		if f.Share == 0 || f.Rank == 5 {
			continue
		}
		switch {
		case before == nil || before.Confidence.Rank() < f.Confidence.Rank():
		case before.Confidence.Rank() > f.Confidence.Rank():
			c.found("rank %d has %s confidence, rank %d %s", before.Rank, before.Confidence, f.Rank, f.Confidence)
		case before.Share < f.Share-1e-9:
			c.found("rank %d has %g of the change, rank %d %g", before.Rank, before.Share, f.Rank, f.Share)
		}
		before = f
	}
}

// labels: a cause that is one value has that value's figures in the table.
func (c *contradictions) labels(f analysis.Finding) {
	if f.Share > 1+1e-9 || f.Share < -1-1e-9 {
		c.found("%s is %g of the change", f.Name, f.Share)
	}
	if len(f.Labels) != 1 || len(f.Labels[0]) != 1 {
		return
	}
	for _, d := range c.Result.Dimensions {
		for _, e := range d.Elements {
			if value, ok := f.Labels[0][d.Label]; !ok || value != e.Value {
				continue
			}
			c.same("the expected of "+f.Name, *f.Evidence.Forecast, e.Forecast)
			c.same("the actual of "+f.Name, *f.Evidence.Actual, e.Actual)
			if f.Evidence.RateEffect == nil { // the table of a ratio shows the moves of its numerator
				c.same("the share of "+f.Name, f.Share, e.EP)
			}
		}
	}
}

// series: a cause began no later than the KPI, and when its node did.
func (c *contradictions) series(f analysis.Finding) {
	since := f.Evidence.Since
	if since == nil {
		return
	}
	for _, n := range c.Result.Graph.Nodes {
		if n.Role == "target" && *since > n.Onset {
			c.found("%s began %g s after the KPI", f.Name, *since-n.Onset)
		}
		if n.Name == f.Series && n.Onset != *since {
			c.found("%s began at %g, and in the graph at %g", f.Name, *since, n.Onset)
		}
	}
}

// roles: the cause is confident and not affected by itself, only one symptom is the first, and
// sentences match roles.
func (c *contradictions) roles() {
	firsts := 0
	for _, f := range c.Result.Causes {
		says := map[analysis.Role]string{
			analysis.RoleCause: "the cause", analysis.RoleFirstSymptom: "the first symptom",
			analysis.RoleVictim: "a victim", analysis.RoleFollower: "not its cause",
		}[f.Role]
		switch {
		case !strings.Contains(f.Sentence, says):
			c.found("%s is a %s, and its sentence is %q", f.Name, f.Role, f.Sentence)
		case f.Role == analysis.RoleCause && f.Confidence == analysis.Low:
			c.found("%s is told to be the cause with low confidence", f.Name)
		case f.Role == analysis.RoleCause && slices.Contains(c.Result.Hurt, f.Evidence.Service) && c.Result.Hurt[0] != f.Evidence.Service:
			c.found("%s is of the cause and hurt", f.Evidence.Service)
		case f.Role == analysis.RoleFirstSymptom:
			firsts++
		}
	}
	if firsts > 1 {
		c.found("%d symptoms were the first", firsts)
	}
}

// tables: all labels split the same sum.
func (c *contradictions) tables() {
	var first *analysis.Dimension
	var forecast, actual float64
	for i := range c.Result.Dimensions {
		d := &c.Result.Dimensions[i]
		if len(d.Elements) == 0 {
			continue
		}
		var f, a float64
		for _, e := range d.Elements {
			f, a = f+e.Forecast, a+e.Actual
			c.same("the change of "+d.Label+"="+e.Value, e.Change, e.Actual-e.Forecast)
		}
		if first == nil {
			first, forecast, actual = d, f, a
			continue
		}
		c.same("what is expected by "+first.Label+" and by "+d.Label, forecast, f)
		c.same("what there is by "+first.Label+" and by "+d.Label, actual, a)
	}
}

// little is the tolerated difference between the mean of the incident and its drawing, as a share
// of the drawn range.
const little = 0.02

// chart: the KPI's current value is drawn inside the incident.
func (c *contradictions) chart() {
	change := c.Result.Change
	if change == nil || len(c.Charts) == 0 {
		return
	}
	if change.Rising != (change.Actual > change.Forecast) && !change.Clock {
		c.found("%g → %g is told as rising: %v", change.Forecast, change.Actual, change.Rising)
	}
	lo, hi := math.Inf(1), math.Inf(-1)
	chart := c.Charts[0]
	for i, v := range chart.Values {
		if v != nil && chart.Times[i] >= float64(c.Onset.Unix())-60 {
			lo, hi = min(lo, *v), max(hi, *v)
		}
	}
	if margin := little * max(math.Abs(lo), math.Abs(hi)); change.Actual < lo-margin || change.Actual > hi+margin {
		c.found("it is said to be %g now, and drawn from %g to %g", change.Actual, lo, hi)
	}
}

// graph: no arrow or path goes back in time: its start did not certainly begin to move after its
// end. Everything on a path moved.
func (c *contradictions) graph() {
	nodes := map[string]analysis.Node{}
	for _, n := range c.Result.Graph.Nodes {
		if nodes[n.Name] = n; n.Earliest > n.Onset || n.Onset > n.Latest {
			c.found("%s began at %g, between %g and %g", n.Name, n.Onset, n.Earliest, n.Latest)
		}
	}
	back := func(what, from, to string) {
		if a, b := nodes[from], nodes[to]; b.Onset > 0 && a.Earliest > b.Latest {
			c.found("the %s from %s to %s goes %g s back", what, from, to, a.Onset-b.Onset)
		}
	}
	for _, e := range c.Result.Graph.Edges {
		if e.Directed && !e.Feedback {
			back("arrow", e.From, e.To)
		}
	}
	for _, chain := range c.Result.Graph.Chains {
		for i, to := range chain.Nodes[1:] {
			from := chain.Nodes[i]
			if back("way", from, to); nodes[from].Onset == 0 {
				c.found("%s is on the way %q, and has not moved", from, chain.Sentence)
			}
		}
	}
}
