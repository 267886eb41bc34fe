// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql/expr"
)

const (
	mostLeaves = 200_000 // of one breakdown, and never more than max_series
	mostValues = 10_000  // of one label, if there are too many leaves
	uniqueFrom = 50      // number of series from which on a label unique to each is an id
)

// unfit are labels whose values are short-lived names rather than places where something
// breaks. A rule may still ask for them.
func unfit() []string {
	return []string{"container_id", "id", "instance", "pod", "pod_ip", "quantile", "replica", "uid"}
}

// onBothSides drops labels that no series of the numerator has. If the numerator has no series
// at all, nothing is known, and all are kept.
func onBothSides(names []string, above []model.LabelSet) (kept []string, refused []analysis.Refusal) {
	for _, name := range names {
		has := func(s model.LabelSet) bool { _, ok := s[model.LabelName(name)]; return ok }
		if len(above) > 0 && !slices.ContainsFunc(above, has) {
			refused = append(refused, analysis.Refusal{Label: name, Reason: "only the denominator has it"})
			continue
		}
		kept = append(kept, name)
	}
	return kept, refused
}

// sample returns series of terms, with the labels that a term can be broken down by: of the
// last hours, unless something is joined.
func (i *inquiry) sample(ctx context.Context, b parts, terms []expr.Term) ([]model.LabelSet, []analysis.Warning) {
	var selectors []string
	var series []model.LabelSet
	var warnings []analysis.Warning
	for _, t := range terms {
		e := expr.MustParse(t.Text)
		if texts := expr.SelectorTexts(e); len(texts) == 1 && len(expr.Made(e)) == 0 && !(b.Levels && t.Aggregated()) {
			selectors = append(selectors, texts[0])
			continue
		}
		reached, more := i.reaching(ctx, b, t)
		series, warnings = append(series, reached...), append(warnings, more...)
	}
	if len(selectors) > 0 {
		slices.Sort(selectors)
		stored, more := i.stored(ctx, b, slices.Compact(selectors))
		series, warnings = append(series, stored...), append(warnings, more...)
	}
	return series[:min(len(series), seriesSample)], warnings
}

// stored returns the series that selectors match.
func (i *inquiry) stored(ctx context.Context, b parts, selectors []string) ([]model.LabelSet, []analysis.Warning) {
	series, said, err := i.seriesOf(ctx, selectors, b.grid.before.Add(-hourWindow), b.grid.end)
	return series, b.labelWarnings(said, err)
}

// reaching evaluates a term at the end of the incident, with all labels that can reach its
// result.
func (i *inquiry) reaching(ctx context.Context, b parts, t expr.Term) ([]model.LabelSet, []analysis.Warning) {
	text := t.Text // for levels, with the labels of the KPI
	if !b.Levels {
		text = t.Reach().String()
	}
	a := i.query(ctx, Query{Role: RoleBreakdown, Name: b.Target + ": labels", Query: text, End: b.grid.end})
	v, _ := a.Value.(model.Vector)
	series := make([]model.LabelSet, 0, len(v))
	for _, s := range v {
		series = append(series, model.LabelSet(s.Metric))
	}
	return series, b.labelWarnings(a.Warnings, a.Err)
}

func (b parts) labelWarnings(said []string, err error) []analysis.Warning {
	source := b.Target + ": labels"
	var warnings []analysis.Warning
	for _, w := range said {
		warnings = append(warnings, analysis.Warning{Source: source, Text: w})
	}
	if err != nil {
		warnings = append(warnings, analysis.Warning{Source: source, Text: "no labels to break down by could be found: " + explain(err)})
	}
	return warnings
}

// varying returns the labels in which the series differ, those with the fewest values first,
// and the refused ones. Among siblings, short-lived names are as good as others.
func varying(series []model.LabelSet, siblings bool) (names []string, refused []analysis.Refusal) {
	var last []string // used if there is nothing else
	values := map[string]map[model.LabelValue]bool{}
	for _, s := range series {
		for name, v := range s {
			if values[string(name)] == nil {
				values[string(name)] = map[model.LabelValue]bool{}
			}
			values[string(name)][v] = true
		}
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		n := len(values[name])
		everywhere := 0
		for _, s := range series {
			if _, ok := s[model.LabelName(name)]; ok {
				everywhere++
			}
		}
		switch {
		case n == 1 && everywhere == len(series) || name == model.MetricNameLabel || name == "le":
		case !siblings && slices.Contains(unfit(), name):
			last = append(last, name)
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = last
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(values[a]), len(values[b])) })
	if end := len(names) - 1; !siblings && end > 0 && len(series) > uniqueFrom && len(values[names[end]]) == len(series) {
		refused = append(refused, analysis.Refusal{Label: names[end], Reason: "every series has its own value of it"})
		names = names[:end]
	}
	for len(names) > mostLabels {
		end := len(names) - 1
		refused = append(refused, analysis.Refusal{Label: names[end], Reason: fmt.Sprintf("%d other labels have fewer values; hint: name it in breakdown.labels", mostLabels)})
		names = names[:end]
	}
	return names, refused
}

// usable drops labels that define the measure: those that the numerator selects by and the
// denominator doesn't. With code="500" above and all codes below, the error rate by code is 1
// or undefined.
func (b parts) usable(names []string) (kept []string, refused []analysis.Refusal) {
	for _, name := range names {
		if b.defines(name) {
			refused = append(refused, analysis.Refusal{Label: name, Reason: "the ratio selects by it on one side only, so it is the same as the event"})
			continue
		}
		kept = append(kept, name)
	}
	return kept, refused
}

// found drops labels created by the expression, which only repeat others, unless there are no
// others.
func (b parts) found(series []model.LabelSet) []model.LabelSet {
	var made []string
	for _, t := range b.terms() {
		made = append(made, expr.Made(expr.MustParse(t.Text))...)
	}
	out := make([]model.LabelSet, len(series))
	for i, s := range series {
		out[i] = s.Clone()
		for _, name := range made {
			delete(out[i], model.LabelName(name))
		}
	}
	if names, _ := varying(out, true); len(made) == 0 || len(names) == 0 {
		return series
	}
	return out
}

// withoutEvent drops the labels that define the measure, if only short-lived names would be
// left.
func (b parts) withoutEvent(series []model.LabelSet) []model.LabelSet {
	names, _ := varying(series, false)
	kept, refused := b.usable(names)
	if len(kept) > 0 || len(refused) == 0 {
		return series
	}
	out := make([]model.LabelSet, len(series))
	for i, s := range series {
		out[i] = s.Clone()
		for _, r := range refused {
			delete(out[i], model.LabelName(r.Label))
		}
	}
	return out
}

// defines says whether the sides of a ratio have different matchers on a label.
func (b parts) defines(label string) bool {
	if b.Denominator == nil {
		return false
	}
	return !maps.Equal(selectedBy(b.Numerator, label), selectedBy(b.Denominator, label))
}

// selectedBy returns the matchers of terms on a label.
func selectedBy(terms []expr.Term, label string) map[string]bool {
	ways := map[string]bool{}
	for _, t := range terms {
		ways[strings.Join(expr.MatchersOn(expr.MustParse(t.Text), label), ",")] = true
	}
	return ways
}

// noLabels is the reason if series have no label in which they differ.
const noLabels = "there is no label to break it down by"

// probeOne chooses labels and counts leaves before the breakdown. If there are too many leaves,
// labels with very many values are dropped; if that doesn't help, each label is queried
// separately.
func (i *inquiry) probeOne(ctx context.Context, b Breakdown) shape {
	if b.Reason != "" {
		return shape{parts: b.parts, of: b, reason: b.Reason}
	}
	held, reason := i.inBucket(ctx, b.parts)
	if reason != "" {
		return shape{parts: held, of: b, reason: reason}
	}
	s := i.labelled(ctx, b, held)
	most := min(mostLeaves, i.most.series)
	if s.leaves = i.count(ctx, s.names, &s); s.leaves > most {
		i.refuseLarge(ctx, &s, min(mostValues, i.most.series))
		s.leaves = i.count(ctx, s.names, &s)
		s.marginal = s.leaves > most
	}
	switch {
	case s.reason != "":
	case len(s.names) == 0:
		s.reason = noLabels
	case s.leaves == 0:
		s.reason = "there are no series"
	}
	s.explain()
	return s
}

// explain warns if something other than the KPI is broken down.
func (s *shape) explain() {
	if s.reason == "" && s.StandsFor != "" {
		s.warnings = append(s.warnings, analysis.Warning{
			Source: s.Target + ": parts",
			Text:   "the series of the KPI are broken down, not the KPI itself: " + s.StandsFor,
		})
	}
}

// labelled chooses the labels. With nested aggregations, labels are pushed through all of them
// if the parts then add up, else through sums only.
func (i *inquiry) labelled(ctx context.Context, b Breakdown, p parts) shape {
	nested := !b.Levels && slices.ContainsFunc(p.terms(), expr.Term.Nested)
	s := i.labelsOf(ctx, b, p.deepened(nested))
	if !nested || len(s.names) == 0 || i.addUp(ctx, &s) {
		return s
	}
	s = i.labelsOf(ctx, b, p.deepened(false))
	if parts, whole, ok := i.addsUp(ctx, s.parts, s.names); !ok {
		s.reason = fmt.Sprintf("its parts by %s add up to %.4g, and the whole is %.4g", strings.Join(s.names, ", "), parts, whole)
	}
	return s
}

// labelsOf returns the labels to break down by: the rule's, or discovered ones, without
// unusable ones.
func (i *inquiry) labelsOf(ctx context.Context, b Breakdown, p parts) shape {
	s := shape{parts: p, of: b}
	if b.Labels != nil {
		s.names, s.refused = p.usable(b.Labels)
		return s
	}
	series, warnings := i.sample(ctx, p, p.base())
	if len(series) == 1 {
		s.only = series[0]
	}
	names, refused := varying(p.found(p.withoutEvent(series)), b.Siblings)
	s.replicas, _ = p.usable(replicas(series, names))
	if len(names) == 0 && p.Missing {
		names = p.identifyingLabels(series)
	}
	names, more := p.usable(names)
	s.names, s.refused, s.warnings = names, append(refused, more...), warnings
	if p.Denominator == nil {
		return s
	}
	above, warnings := i.sample(ctx, p, p.Numerator)
	s.warnings = append(s.warnings, warnings...)
	kept, lacking := onBothSides(names, above)
	if len(kept) > 0 || len(lacking) > 0 && len(above) == 0 {
		s.names, s.refused = kept, append(s.refused, lacking...)
		return s
	}
	return s.numeratorOnly(above)
}

// identifyingLabels returns the labels that identify a single series that is gone: its short-lived names,
// else all labels that the KPI does not select by.
func (b parts) identifyingLabels(series []model.LabelSet) []string {
	if len(series) == 0 {
		return nil
	}
	var fit, all []string
	for name := range series[0] {
		if name == model.MetricNameLabel || len(expr.MatchersOn(expr.MustParse(b.Numerator[0].Text), string(name))) > 0 {
			continue
		}
		all = append(all, string(name))
		if slices.Contains(unfit(), string(name)) {
			fit = append(fit, string(name))
		}
	}
	if len(fit) > 0 {
		all = fit
	}
	slices.Sort(all)
	return all[:min(len(all), mostLabels)]
}

// numeratorOnly breaks down the numerator if the denominator has no label that varies, as for
// connections relative to their maximum.
func (s shape) numeratorOnly(above []model.LabelSet) shape {
	names, refused := varying(s.found(above), s.of.Siblings)
	if len(names) == 0 {
		s.names, s.refused = nil, append(s.refused, refused...)
		return s
	}
	s.names, s.refused = names, refused
	s.Denominator = nil
	s.StandsFor = "the denominator has no label that varies: the numerator is broken down alone"
	return s
}

// addUp says whether the parts add up by all labels, or by those that do so alone; the others
// are refused.
func (i *inquiry) addUp(ctx context.Context, s *shape) bool {
	if _, _, ok := i.addsUp(ctx, s.parts, s.names); ok {
		return true
	}
	var kept []string
	refused := s.refused
	for _, name := range s.names {
		if parts, whole, ok := i.addsUp(ctx, s.parts, []string{name}); !ok {
			refused = append(refused, analysis.Refusal{Label: name, Reason: fmt.Sprintf("its parts add up to %.4g, and the whole is %.4g", parts, whole)})
			continue
		}
		kept = append(kept, name)
	}
	if _, _, ok := i.addsUp(ctx, s.parts, kept); !ok || len(kept) == 0 {
		return false
	}
	s.names, s.refused = kept, refused
	return true
}

// deepened sets whether labels are pushed through nested aggregations.
func (b parts) deepened(deep bool) parts {
	side := func(terms []expr.Term) []expr.Term {
		terms = slices.Clone(terms)
		for i := range terms {
			terms[i] = terms[i].Deepened(deep)
		}
		return terms
	}
	b.Numerator, b.Denominator, b.Expected = side(b.Numerator), side(b.Denominator), side(b.Expected)
	return b
}

// addsUp compares parts and whole at the end of the incident. A failed query is no evidence
// against them, unless only the parts failed.
func (i *inquiry) addsUp(ctx context.Context, p parts, names []string) (parts, whole float64, ok bool) {
	for _, t := range p.terms() {
		if !t.Nested() || len(names) == 0 {
			continue
		}
		name := p.Target + ": whole"
		sum := i.query(ctx, Query{Role: RoleBreakdown, Name: name, Query: "sum(" + t.By(names) + ")", End: p.grid.end})
		all := i.query(ctx, Query{Role: RoleBreakdown, Name: name, Query: t.By(nil), End: p.grid.end})
		parts, whole = single(sum.Value), single(all.Value)
		if sum.Err != nil && all.Err == nil || relativeError(parts, whole) > maxPartsError {
			return parts, whole, false
		}
	}
	return parts, whole, true
}

// maxPartsError is the relative error allowed between the whole and the sum of its parts.
const maxPartsError = 0.01

func relativeError(parts, whole float64) float64 {
	if parts == whole {
		return 0
	}
	return math.Abs(parts-whole) / max(math.Abs(whole), math.SmallestNonzeroFloat64)
}

// count returns the number of leaves now, or before the incident if all are gone.
func (i *inquiry) count(ctx context.Context, names []string, s *shape) int {
	if len(names) == 0 || s.reason != "" {
		return 0
	}
	for _, at := range []time.Time{s.grid.end, s.grid.before} {
		a := i.query(ctx, s.leafCount(names, at))
		if a.Err != nil {
			s.reason = "its label combinations could not be counted: " + explain(a.Err)
			return 0
		}
		if n := int(single(a.Value)); n > 0 {
			return n
		}
	}
	return 0
}

func (i *inquiry) refuseLarge(ctx context.Context, s *shape, most int) {
	var kept []string
	for _, name := range s.names {
		n := i.count(ctx, []string{name}, s)
		if n > most {
			s.refused = append(s.refused, analysis.Refusal{Label: name, Reason: fmt.Sprintf("it has %d values, more than %d", n, most)})
			continue
		}
		kept = append(kept, name)
	}
	s.names = kept
}
