// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Align makes a frame of answers. It is pure: the same plan and evidence give the same frame.
//
// Every series is put on the plan's grid, with NaN for missing samples. Failed queries, empty
// answers and warnings of the server become warnings, named after their query.
func Align(p Plan, e Evidence) analysis.Frame {
	a := aligner{plan: p, evidence: e, frame: analysis.Frame{
		Times:    p.grid().times(),
		Onset:    seconds(p.Onset),
		End:      seconds(p.End),
		Settled:  seconds(p.settled),
		Warnings: slices.Clone(p.Warnings),
		Part:     p.part,
	}}
	a.fired = p.firedAt(e.Answers)
	a.frame.Fired = a.firedStretches()
	for i := range p.Targets {
		a.target(i)
	}
	a.topology()
	a.changes()
	a.serverWarnings()
	return a.frame
}

type aligner struct {
	plan     Plan
	evidence Evidence
	frame    analysis.Frame
	noted    map[string]bool     // queries whose warnings are in the frame
	spared   map[string][]string // reason → names of queries that were not sent
	said     map[string][]string // text → names of queries that the server warned about
	series   int                 // of candidates, so far
	fired    []forecast.Span     // when the alert was active before
	down     bool                // the frame already says that the server was not reached
}

// firedStretches returns when the alert was active during the baseline.
func (a *aligner) firedStretches() []analysis.Stretch {
	start := a.plan.Start
	var left []forecast.Span
	for _, s := range a.evidence.Breakdowns {
		if s == nil || len(s.names) == 0 {
			continue
		}
		left = append(left, s.firedDays...)
		if from := s.grid.before.Add(-time.Duration(s.recentSteps()) * recentStep); from.Before(start) {
			start = from
		}
	}
	left = append(left, overlaps(a.fired, start, a.plan.Onset)...)
	slices.SortFunc(left, func(a, b forecast.Span) int { return cmp.Compare(a.Onset, b.Onset) })
	var list []analysis.Stretch
	for _, s := range slices.Compact(left) {
		list = append(list, analysis.Stretch{From: s.Onset, To: s.End, Why: analysis.Fired})
	}
	return list
}

func (a *aligner) warn(source, format string, args ...any) {
	a.frame.Warnings = append(a.frame.Warnings, analysis.Warning{Source: source, Text: fmt.Sprintf(format, args...)})
}

// matrix returns the answer to a query.
func (a *aligner) matrix(q Query) (model.Matrix, bool) {
	answer := a.evidence.Answers.to(q)
	if answer.Err != nil {
		return nil, false
	}
	return asMatrix(answer.Value, q)
}

// asMatrix converts an answer, sorted by labels; a scalar is a series without labels.
func asMatrix(v model.Value, q Query) (model.Matrix, bool) {
	switch v := v.(type) {
	case model.Matrix:
		sorted := slices.Clone(v)
		slices.SortFunc(sorted, func(a, b *model.SampleStream) int { return compareMetrics(a.Metric, b.Metric) })
		return sorted, true
	case *model.Scalar:
		return model.Matrix{{Values: []model.SamplePair{{Timestamp: model.TimeFromUnixNano(q.End.UnixNano()), Value: v.Value}}}}, true
	default:
		return nil, false
	}
}

func compareMetrics(a, b model.Metric) int {
	if a.Equal(b) {
		return 0
	}
	if a.Before(b) {
		return -1
	}
	return 1
}

// values puts a series on the grid; each sample goes to the nearest row.
func values(s *model.SampleStream, g grid) []float64 {
	row := make([]float64, g.rows())
	for i := range row {
		row[i] = math.NaN()
	}
	start, step := g.start.UnixMilli(), g.step.Milliseconds()
	for _, v := range s.Values {
		i := int((int64(v.Timestamp) - start + step/2) / step)
		if i >= 0 && i < len(row) && !math.IsInf(float64(v.Value), 0) {
			row[i] = float64(v.Value)
		}
	}
	return row
}

// dropRampUp drops rows before the onset in which a rate is too small because its series had just
// begun and its range reaches back further: they would be the largest moves of the baseline. If
// little else is known, they stay.
func dropRampUp(row []float64, g grid, query string) {
	const least = 10 // rows
	_, longest := expr.Ranges(expr.MustParse(query))
	first := slices.IndexFunc(row, func(v float64) bool { return !math.IsNaN(v) })
	full := first + int((longest+g.step-1)/g.step)
	if onset := int(g.onset.Sub(g.start) / g.step); first <= 0 || longest == 0 || onset-full < least {
		return
	}
	for i := first; i < full; i++ {
		row[i] = math.NaN()
	}
}

func (a *aligner) target(i int) {
	t := a.plan.Targets[i]
	out := analysis.Target{Name: t.Query.Name, Title: t.Title, Kind: t.Kind, Weight: t.Weight, Unread: t.Unread, Clock: t.Clock, Crossing: t.Crossing, Limit: t.Limit}
	m, ok := a.matrix(t.Query)
	if ok && len(m) == 0 {
		a.warn(t.Query.Name, "the query returned no series: %s", t.Query.Query)
	}
	out.Values = a.targetValues(t, m)
	out.Infinite = a.infinite(t, m)
	out.Candidates = a.candidates(t)
	if t.Breakdown != nil && i < len(a.evidence.Breakdowns) {
		out.Breakdown = a.breakdown(a.evidence.Breakdowns[i])
	}
	if i < len(a.evidence.Beside) && a.evidence.Beside[i] != nil {
		out.Beside = a.breakdown(a.evidence.Beside[i])
	}
	a.frame.Targets = append(a.frame.Targets, out)
}

// targetValues returns one series for a target: the alert's own, if one has its labels, else
// the sum or the mean of all.
func (a *aligner) targetValues(t Target, m model.Matrix) []float64 {
	g := a.plan.grid()
	switch {
	case len(m) == 0:
		return values(&model.SampleStream{}, g)
	case len(m) == 1:
		return values(m[0], g)
	}
	if s := ownSeries(m, t.Own); s != nil {
		return values(s, g)
	}
	how := "mean"
	if t.Additive {
		how = "sum"
	}
	if len(t.Own) == 0 { // for an expression without an alert
		a.warn(t.Query.Name, "the query returned %d series: their %s is used; hint: select one of them by its labels to look at it alone", len(m), how)
	} else {
		a.warn(t.Query.Name, "the query returned %d series, none with the alert's labels: their %s is used; hint: select one by the alert's labels", len(m), how)
	}
	return pool(m, g, t.Additive)
}

// infinite says whether a target is infinite in most rows since the onset.
func (a *aligner) infinite(t Target, m model.Matrix) bool {
	if len(m) > 1 {
		own := ownSeries(m, t.Own)
		if own == nil {
			return false
		}
		m = model.Matrix{own}
	}
	all, infinite := 0, 0
	for _, s := range m {
		for _, v := range s.Values {
			if v.Timestamp.Time().Before(a.plan.grid().settled) {
				continue
			}
			all++
			if math.IsInf(float64(v.Value), 0) {
				infinite++
			}
		}
	}
	return 2*infinite > all
}

// ownSeries returns the series with the most labels of the alert and no others; nil if there is
// none.
func ownSeries(m model.Matrix, own model.LabelSet) *model.SampleStream {
	var best *model.SampleStream
	for _, s := range m {
		ls := model.LabelSet(s.Metric).Clone()
		delete(ls, model.MetricNameLabel)
		if len(ls) > 0 && subsetOf(ls, own) && (best == nil || len(s.Metric) > len(best.Metric)) {
			best = s
		}
	}
	return best
}

// pool sums or averages series, over what each row has.
func pool(m model.Matrix, g grid, sum bool) []float64 {
	total, n := make([]float64, g.rows()), make([]int, g.rows())
	for _, s := range m {
		for i, v := range values(s, g) {
			if !math.IsNaN(v) {
				total[i] += v
				n[i]++
			}
		}
	}
	for i := range total {
		switch {
		case n[i] == 0:
			total[i] = math.NaN()
		case !sum:
			total[i] /= float64(n[i])
		}
	}
	return total
}

func (a *aligner) candidates(t Target) []analysis.Series {
	var out []analysis.Series
	names, there := map[string]bool{t.Query.Name: true}, relatives{}
	left, found := a.seriesLeft(), 0
	var cut []string
	for _, c := range t.Candidates {
		m, ok := a.matrix(c.Query)
		if ok && len(m) == 0 && !c.optional {
			a.warn(c.Query.Name, "the query returned no series: %s", c.Query.Query)
		}
		m = there.fresh(c, m)
		found += len(m)
		if len(m) > left {
			cut = append(cut, c.Query.Name)
			m = m[:left]
		}
		left -= len(m)
		for _, s := range m {
			series := c.series(s, names)
			series.Values = values(s, a.plan.grid())
			dropRampUp(series.Values, a.plan.grid(), c.Query.Query)
			series.Whole = there.add(c, s, series.Name)
			out = append(out, series)
		}
	}
	if len(cut) > 0 {
		a.warn("cost", "%d of %d series of candidates were left out (%s): an analysis may read %d series, and %d points of candidates; hint: aggregate more in the queries, or raise prometheus.max_series",
			found-len(out), found, strings.Join(cut, ", "), a.evidence.mostSeries(), mostCandidatePoints)
	}
	a.series += len(out)
	return out
}

// series describes one series of a candidate, under a unique name.
func (c Candidate) series(s *model.SampleStream, taken map[string]bool) analysis.Series {
	out := analysis.Series{
		Name: c.seriesName(s.Metric), Query: c.unscoped().Name, Service: serviceOf(s.Metric),
		Kind: c.Kind, Scale: c.Scale, Positive: c.Positive, Lags: c.Lags, Member: c.member, From: c.from, Own: c.own,
	}
	if c.scope != nil {
		out.Service, out.Scope = serviceOf(c.scope.on(s.Metric)), c.scope.String()
	}
	if _, kept := s.Metric[model.MetricNameLabel]; kept && c.scope == nil && out.Name != s.Metric.String() {
		out.Metric = s.Metric.String()
	}
	out.Name = uniqueName(out.Name, c.Query.Name, taken)
	return out
}

// seriesLeft returns how many series of candidates the next target may have, after targets,
// leaves and earlier candidates.
func (a *aligner) seriesLeft() int {
	left := a.evidence.mostSeries() - len(a.plan.Targets) - a.series
	for _, s := range slices.Concat(a.evidence.Breakdowns, a.evidence.Beside) {
		if s != nil && !s.marginal {
			left -= s.leaves
		}
	}
	return max(0, min(left, mostCandidatePoints/a.plan.grid().rows()))
}

// mostCandidatePoints bounds the points of all candidates of a target.
const mostCandidatePoints = 2 * mostPoints

// topology collects configured and queried edges.
func (a *aligner) topology() {
	edges := slices.Clone(a.plan.Topology.Edges)
	if q := a.plan.Topology.Query; q != nil {
		answer := a.evidence.Answers.to(*q)
		if v, ok := answer.Value.(model.Vector); ok && answer.Err == nil {
			found := edgesOf(v)
			if len(found) == 0 {
				a.warn(q.Name, "no series has labels of caller and callee, such as client and server")
			}
			edges = append(edges, found...)
		}
	}
	slices.SortFunc(edges, func(a, b [2]string) int { return slices.Compare(a[:], b[:]) })
	a.frame.Topology = slices.Compact(edges)
}

// serverWarnings collects, in the order of the plan, what failed, what the server warned about,
// and what was left out because of its cost.
func (a *aligner) serverWarnings() {
	a.noted, a.spared, a.said = map[string]bool{}, map[string][]string{}, map[string][]string{}
	qs := a.plan.first(a.evidence.parts(a.plan))
	for _, s := range slices.Concat(a.evidence.Breakdowns, a.evidence.Beside) {
		if s != nil {
			qs = append(qs, s.queries()...)
		}
	}
	for _, q := range append(qs, a.plan.rest()...) {
		a.note(q)
	}
	for _, why := range slices.Sorted(maps.Keys(a.spared)) {
		names := a.spared[why]
		a.warn("cost", "%d queries were %s; left out: %s", len(names), why, strings.Join(slices.Compact(names), ", "))
	}
	for _, text := range slices.Sorted(maps.Keys(a.said)) {
		a.warn("prometheus", "the evidence is incomplete (%s): %s", few(slices.Compact(a.said[text])), text)
	}
}

// few lists the first names, and counts the rest.
func few(names []string) string {
	const most = 6
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

func (a *aligner) note(q Query) {
	answer, asked := a.evidence.Answers[q.key()]
	if !asked || a.noted[q.key()] {
		return
	}
	a.noted[q.key()] = true
	var over *overBudget
	switch {
	case answer.Err == nil:
	case errors.As(answer.Err, &over):
		a.spared[over.Error()] = append(a.spared[over.Error()], q.Name)
	case !unreached(answer.Err), errors.Is(answer.Err, context.DeadlineExceeded):
		a.warn(q.Name, "%s", explain(answer.Err))
	case !a.down: // once, because it is the same for all queries
		a.down = true
		a.warn("prometheus", "%s, asked for %s", explain(answer.Err), q.Name)
	}
	for _, w := range answer.Warnings {
		a.said[w] = append(a.said[w], q.Name)
	}
	if answer.cut != nil {
		a.warn(q.Name, "only the first %d series were examined; %s", answer.cut.Series, answer.cut.What)
	}
}
