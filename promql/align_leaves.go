// SPDX-License-Identifier: Apache-2.0

package promql

import (
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

// breakdown joins the answers to pieces. If nothing could be broken down, it has no labels,
// only the refused ones.
func (a *aligner) breakdown(s *Split) *analysis.Breakdown {
	if s == nil {
		return &analysis.Breakdown{}
	}
	a.frame.Warnings = append(a.frame.Warnings, s.warnings...)
	a.warnEarlyMove(s)
	out := &analysis.Breakdown{
		Count: s.Count, Refused: s.refused, Discovered: s.of.Labels == nil && !s.of.Siblings, Beside: s.of.Siblings || s.beside(), Unlike: s.beside(),
		Missing: s.Missing, Length: s.now().Seconds(),
	}
	if s.amounts() {
		out.Seconds = s.incident().Seconds() // see amount
	}
	if len(s.names) == 0 {
		if s.reason != noLabels {
			out.Unsplit = s.reason
		}
		return out
	}
	j := newJoiner(s, a.evidence.Answers)
	j.fired = a.fired
	if s.marginal {
		out.Total = j.marginal("")
		out.Aside = j.setAside(out, &out.Total.Numerator, out.Total.Denominator)
		for _, name := range s.names {
			m := j.marginal(name)
			j.setAside(out, &m.Numerator, m.Denominator)
			out.Marginals = append(out.Marginals, *m)
			out.Whole = a.checkParts(j, m.Numerator.Actual, m.Denominator)
		}
		return out
	}
	out.Labels = s.names
	out.Leaves, out.Numerator, out.Denominator = j.join(s.names)
	if j.b.Denominator != nil && sidesDisjoint(out.Numerator.Actual, out.Denominator.Actual) {
		out.Labels, out.Leaves, out.Numerator, out.Denominator = nil, nil, analysis.Pieces{}, nil
		out.Unsplit = "the labels of the numerator are none of the denominator, so no part is a ratio by itself"
		a.warn(s.Target+": breakdown", "the KPI was not broken down: %s", out.Unsplit)
		return out
	}
	out.Partial = partial(out.Numerator, out.Denominator)
	out.Gone = j.gone(out)
	out.Course = j.course(out)
	out.Aside = j.setAside(out, &out.Numerator, out.Denominator)
	if !s.Levels {
		out.Whole = a.checkParts(j, out.Numerator.Actual, out.Denominator)
	}
	dropConstant(out)
	switch {
	case s.Extreme != expr.NoExtreme:
		out.Levels, out.Extreme, out.Own = true, true, extremeLeaf(out, s.Extreme)
	case s.of.Siblings:
		out.Levels, out.Own, out.Here = s.Levels, ownLeaf(out, s.of.Own), s.here
	}
	return out
}

// sidesDisjoint says whether no part has both sides of a ratio, although each side has some part.
func sidesDisjoint(numerator, denominator []float64) bool {
	above, below := false, false
	for i := range min(len(numerator), len(denominator)) {
		n, d := isThere(numerator[i]) && numerator[i] != 0, isThere(denominator[i]) && denominator[i] != 0
		if n && d {
			return false
		}
		above, below = above || n, below || d
	}
	return above && below
}

// partial marks leaves with missing values: those look like an appearance or a disappearance.
// It is nil if there are none.
func partial(numerator analysis.Pieces, denominator *analysis.Pieces) []bool {
	sides := []analysis.Pieces{numerator}
	if denominator != nil {
		sides = append(sides, *denominator)
	}
	var marks []bool
	for _, p := range sides {
		for _, piece := range slices.Concat([][]float64{p.Actual, p.Hour, p.Baseline}, p.Recent) {
			for leaf, v := range piece {
				if !math.IsNaN(v) {
					continue
				}
				if marks == nil {
					marks = make([]bool, len(piece)) // all pieces have the same leaves
				}
				marks[leaf] = true
			}
		}
	}
	return marks
}

// extremeLeaf returns the labels of the largest or smallest leaf; nil if there is none.
func extremeLeaf(b *analysis.Breakdown, x expr.Extreme) map[string]string {
	best := -1
	for i, v := range b.Numerator.Actual {
		if math.IsNaN(v) {
			continue
		}
		if best < 0 || x == expr.Largest && v > b.Numerator.Actual[best] || x == expr.Smallest && v < b.Numerator.Actual[best] {
			best = i
		}
	}
	if best < 0 {
		return nil
	}
	return labelsOf(b.Labels, b.Leaves[best])
}

// labelsOf returns the labels of a leaf.
func labelsOf(names, leaf []string) map[string]string {
	labels := map[string]string{}
	for i, name := range names {
		labels[name] = leaf[i]
	}
	return labels
}

// ownLeaf returns the labels of the alert's own leaf; nil if it doesn't exist.
func ownLeaf(b *analysis.Breakdown, own model.LabelSet) map[string]string {
	labels := map[string]string{}
	for _, name := range b.Labels {
		labels[name] = string(own[model.LabelName(name)])
	}
	is := func(leaf []string) bool {
		for i, name := range b.Labels {
			if leaf[i] != labels[name] {
				return false
			}
		}
		return true
	}
	if !slices.ContainsFunc(b.Leaves, is) {
		return nil
	}
	return labels
}

// marginal returns the breakdown by one label; without a name, the whole.
func (j joiner) marginal(name string) *analysis.Marginal {
	var names []string
	if name != "" {
		names = []string{name}
	}
	leaves, n, d := j.join(names)
	m := &analysis.Marginal{Label: name, Values: make([]string, len(leaves)), Numerator: n, Denominator: d}
	for i, leaf := range leaves {
		m.Values[i] = strings.Join(leaf, "")
	}
	return m
}

// checkParts compares the sum of the parts with the whole, in the incident. It returns the
// whole of the numerator, 0 if unknown.
func (a *aligner) checkParts(j joiner, numerator []float64, denominator *analysis.Pieces) float64 {
	b, actual := j.b, j.b.samples[0]
	check := func(side string, terms []expr.Term, parts []float64) float64 {
		whole := j.means(actual, nil, terms, map[string]int{"": 0})[0]
		if len(whole) != 1 || len(parts) == 0 || math.IsNaN(whole[0]) {
			return 0
		}
		sum := sumOf(parts)
		if off := relativeError(sum, whole[0]); off > maxPartsError && math.Abs(sum-whole[0]) > 1e-9 {
			a.warn(b.Target+": breakdown", "the parts%s add up to %.4g, and the whole is %.4g: what they say of it is %.0f %% off", side, sum, whole[0], 100*off)
		}
		return whole[0]
	}
	side := ""
	if denominator != nil {
		side = " of the numerator"
		check(" of the denominator", b.Denominator, denominator.Actual)
	}
	return check(side, b.Numerator, numerator)
}

// sumOf adds up the known values.
func sumOf(values []float64) float64 {
	var sum float64
	for _, v := range values {
		if !math.IsNaN(v) {
			sum += v
		}
	}
	return sum
}

// dropConstant removes labels with a single value, but keeps one label.
func dropConstant(b *analysis.Breakdown) {
	for i := len(b.Labels) - 1; i >= 0 && len(b.Labels) > 1 && len(b.Leaves) > 0; i-- {
		first := b.Leaves[0][i]
		if slices.ContainsFunc(b.Leaves, func(l []string) bool { return l[i] != first }) {
			continue
		}
		b.Refused = append(b.Refused, analysis.Refusal{Label: b.Labels[i], Reason: "it has one value only, " + quote(first)})
		b.Labels = slices.Delete(slices.Clone(b.Labels), i, i+1)
		for l := range b.Leaves {
			b.Leaves[l] = slices.Delete(b.Leaves[l], i, i+1)
		}
	}
}

func quote(v string) string {
	if v == "" {
		return "no value at all"
	}
	return v
}

// leastCovered is the fraction of a window that must have data.
const leastCovered = 0.5

// joiner joins the windows of a breakdown by leaf.
type joiner struct {
	b       *Split
	answers Answers
	history presence
	recent  presence
	fired   []forecast.Span // when the alert was active before
}

func newJoiner(s *Split, answers Answers) joiner {
	history, recent := s.presence()
	return joiner{
		b: s, answers: answers,
		history: newPresence(history, answers.to(history)),
		recent:  newPresence(recent, answers.to(recent)),
	}
}

// join returns the leaves found in any window of any side, sorted by value, and the pieces over
// them.
func (j joiner) join(names []string) (leaves [][]string, numerator analysis.Pieces, denominator *analysis.Pieces) {
	index := j.index(names)
	leaves = make([][]string, 0, len(index))
	for key := range index {
		leaves = append(leaves, strings.Split(key, keySeparator))
	}
	slices.SortFunc(leaves, slices.Compare[[]string])
	for i, leaf := range leaves {
		index[strings.Join(leaf, keySeparator)] = i
	}
	numerator = j.pieces(names, j.b.Numerator, index)
	if j.b.Denominator != nil {
		d := j.pieces(names, j.b.Denominator, index)
		denominator = &d
	}
	return leaves, numerator, denominator
}

// keySeparator separates the values of a leaf's key: a byte that valid UTF-8 never has.
const keySeparator = "\xff"

func leafKey(m model.Metric, names []string) string {
	vs := make([]string, len(names))
	for i, name := range names {
		vs[i] = string(m[model.LabelName(name)])
	}
	return strings.Join(vs, keySeparator)
}

// index collects the keys of all leaves.
func (j joiner) index(names []string) map[string]int {
	index := map[string]int{}
	for _, q := range j.b.parts.queries(names, j.b.samples) {
		each(j.answers.to(q).Value, func(m model.Metric, _ []model.SamplePair) { index[leafKey(m, names)] = 0 })
	}
	if there := j.existing(names); j.b.Levels && len(there) > 0 {
		maps.DeleteFunc(index, func(key string, _ int) bool { return !there[key] })
	}
	return index
}

// existing returns the keys of leaves that exist now or did in the last step before the incident.
// A level that was gone by then, such as that of an unmounted file system, did not fall to 0.
// It is nil if that is unknown.
func (j joiner) existing(names []string) map[string]bool {
	there, before := map[string]bool{}, false
	for _, s := range j.b.samples {
		if s.piece != PieceActual && s.piece != PieceRecent {
			continue
		}
		before = before || s.piece == PieceRecent
		for _, t := range j.b.Numerator {
			q := s.query(j.b.parts, t, names)
			answer := j.answers.to(q)
			if answer.Err != nil {
				return nil
			}
			each(answer.Value, func(m model.Metric, points []model.SamplePair) {
				key := leafKey(m, names)
				for _, p := range points {
					there[key] = there[key] || s.piece == PieceActual || s.step(q, p.Timestamp) == s.steps-1
				}
			})
		}
	}
	if !before {
		return nil
	}
	return there
}

// pieces returns the pieces of one side. A window without an answer, or with data in less than
// half of its steps, is missing.
func (j joiner) pieces(names []string, terms []expr.Term, index map[string]int) analysis.Pieces {
	var p analysis.Pieces
	for _, s := range j.b.samples {
		if s.piece == PieceExpected {
			p.Forecast = j.means(s, names, j.b.Expected, index)[0]
			continue
		}
		means := j.means(s, names, terms, index)
		switch s.piece {
		case PieceActual:
			if p.Actual = means[0]; p.Actual == nil && j.b.Missing && j.answered(s, names, terms) {
				p.Actual = make([]float64, len(index)) // absence is what the alert is about
			}
		case PieceHour:
			p.Hour = means[0]
		case PieceDay:
			p.Day = means[0]
		case PieceBaseline:
			p.Baseline = means[0]
		case PieceProfile:
			p.Profile = place(p.Profile, s.index, means[0])
		case PieceLevel:
			p.Level = place(p.Level, s.index, means[0])
		case PieceRecent:
			p.Recent = slices.DeleteFunc(means, func(step []float64) bool { return step == nil })
		}
	}
	if j.b.Levels {
		backfill(&p)
	}
	return p
}

// answered says whether all queries of a window were answered.
func (j joiner) answered(s sample, names []string, terms []expr.Term) bool {
	return !slices.ContainsFunc(terms, func(t expr.Term) bool { return j.answers.to(s.query(j.b.parts, t, names)).Err != nil })
}

// place puts the piece of j days back at index j-1; days in between are missing.
func place(pieces [][]float64, j int, piece []float64) [][]float64 {
	for len(pieces) < j-1 {
		pieces = append(pieces, nil)
	}
	return append(pieces, piece)
}

// means returns the mean of every leaf for each step of a window (one for an instant). If a
// leaf has no samples in a step that others have, it is 0, and NaN for a level.
func (j joiner) means(s sample, names []string, terms []expr.Term, index map[string]int) [][]float64 {
	steps := max(1, s.steps)
	means := make([][]float64, steps)
	evaluations := make([]float64, steps)
	for k := range means {
		end := s.end.Add(-time.Duration(steps-1-k) * s.length)
		if share := j.covered(s, end); share >= leastCovered {
			means[k] = make([]float64, len(index))
			evaluations[k] = share * float64(s.length/s.res)
			if j.b.Levels { // levels are means already
				means[k], evaluations[k] = slices.Repeat([]float64{math.NaN()}, len(index)), 1
			}
		}
	}
	amount := j.b.amount()
	for _, t := range terms {
		q := s.query(j.b.parts, t, names)
		answer := j.answers.to(q)
		if answer.Err != nil {
			return make([][]float64, steps)
		}
		factor := t.Coefficient * amount(t)
		each(answer.Value, func(m model.Metric, points []model.SamplePair) {
			leaf, known := index[leafKey(m, names)]
			if !known {
				return
			}
			for _, p := range points {
				if k := s.step(q, p.Timestamp); k >= 0 && k < steps && means[k] != nil {
					if j.b.Levels {
						means[k][leaf] = orZero(means[k][leaf])
					}
					means[k][leaf] += factor * finite(p.Value) / evaluations[k]
				}
			}
		})
	}
	for k := range means {
		clamp(means[k], j.b.Bucket != 0)
	}
	return means
}

// finite treats infinity, as from a division by zero, as missing.
func finite(v model.SampleValue) float64 {
	if math.IsInf(float64(v), 0) {
		return math.NaN()
	}
	return float64(v)
}

// step returns the window of a range query that a sample belongs to.
func (s sample) step(q Query, at model.Time) int {
	if s.steps == 0 {
		return 0
	}
	length := s.length.Milliseconds()
	return int((int64(at) - q.Start.UnixMilli() + length/2) / length)
}

// amount returns the factor that converts a flow to an amount over the incident, so that events
// are counted: noise depends on their number. If some terms are no flows, all stay as they are,
// because they would no longer be comparable.
func (b parts) amount() func(expr.Term) float64 {
	if !b.amounts() {
		return func(expr.Term) float64 { return 1 }
	}
	return func(t expr.Term) float64 { return b.incident().Seconds() / t.Per.Seconds() }
}

// amounts says whether the pieces are amounts over the incident.
func (b parts) amounts() bool {
	return flows(b.Numerator) && flows(b.Denominator) && flows(b.Expected)
}

// covered returns the fraction of a window in which the measure existed; 1 if unknown.
func (j joiner) covered(s sample, end time.Time) float64 {
	p := j.recent
	switch s.piece {
	case PieceProfile, PieceLevel:
		return 1 // daysBack chose them because they have data
	case PieceDay, PieceBaseline:
		p = j.history
	}
	if !p.known {
		return 1
	}
	return p.covered(end.Add(-s.length), end)
}

// clamp replaces small negative values from rounding by zero. Events beyond a bucket are never
// negative: the difference comes from extrapolating the rates of two counters.
func clamp(values []float64, events bool) {
	var total float64
	for _, v := range values {
		if !math.IsNaN(v) {
			total += math.Abs(v)
		}
	}
	for i, v := range values {
		if v < 0 && (events || v > -1e-9*total) {
			values[i] = 0
		}
	}
}
