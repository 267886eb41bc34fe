package promql

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

const (
	mostLabels   = 8       // of a breakdown that discovers them: 256 combinations of labels to search
	mostLeaves   = 200_000 // of one breakdown, and never more than max_series
	mostValues   = 10_000  // of one label, where there are too many leaves
	seriesSample = 5_000   // series looked at to discover labels
	uniqueFrom   = 50      // series from which on a label that tells each apart is an id
)

// unfit are labels that are no place where something breaks, but a name for
// what comes and goes. A rule may ask for them.
func unfit() []string {
	return []string{"container_id", "id", "instance", "pod", "pod_ip", "quantile", "replica", "uid"}
}

// labelsOf returns the labels to break down by: those of the rule, or the
// discovered ones, without those that can't be used, and why.
func (f *Fetcher) labelsOf(ctx context.Context, b *Breakdown) (names []string, refused []analysis.Refusal, warnings []analysis.Warning) {
	if b.Labels != nil {
		names, refused = b.usable(b.Labels)
		return names, refused, nil
	}
	series, warnings := f.sample(ctx, b)
	names, refused = varying(series)
	names, more := b.usable(names)
	return names, append(refused, more...), warnings
}

// sample asks for series of the breakdown's denominator, or of the measure
// itself.
func (f *Fetcher) sample(ctx context.Context, b *Breakdown) ([]model.LabelSet, []analysis.Warning) {
	terms := b.Denominator
	if terms == nil {
		terms = b.Numerator
	}
	var selectors []string
	for _, t := range terms {
		selectors = append(selectors, selectorTexts(mustParse(t.Text))[0])
	}
	slices.Sort(selectors)
	selectors = slices.Compact(selectors)
	var series []model.LabelSet
	var said v1.Warnings
	err := f.do(ctx, "series", func(ctx context.Context) (err error) {
		series, said, _, err = f.api.Series(ctx, selectors, b.grid.before.Add(-hourWindow), b.grid.end, v1.WithLimit(seriesSample))
		return err
	})
	source := b.Target + ": labels"
	var warnings []analysis.Warning
	for _, w := range said {
		warnings = append(warnings, analysis.Warning{Source: source, Text: w})
	}
	if err != nil {
		warnings = append(warnings, analysis.Warning{Source: source, Text: "no labels to break down by could be found: " + explain(err)})
	}
	return series[:min(len(series), seriesSample)], warnings
}

// varying returns the labels in which the series differ, those with the fewest
// values first, and why others were left out.
func varying(series []model.LabelSet) (names []string, refused []analysis.Refusal) {
	var last []string // taken if there is nothing else
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
		case slices.Contains(unfit(), name):
			last = append(last, name)
		default:
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		names = last
	}
	slices.SortStableFunc(names, func(a, b string) int { return cmp.Compare(len(values[a]), len(values[b])) })
	if end := len(names) - 1; end > 0 && len(series) > uniqueFrom && len(values[names[end]]) == len(series) {
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

// usable leaves out labels that define the measure: those that the numerator
// selects by and the denominator doesn't. With code="500" above and every code
// below, the rate of errors by code is one or nothing.
func (b *Breakdown) usable(names []string) (kept []string, refused []analysis.Refusal) {
	for _, name := range names {
		if b.defines(name) {
			refused = append(refused, analysis.Refusal{Label: name, Reason: "the ratio selects by it on one side only, so it is the same as the event"})
			continue
		}
		kept = append(kept, name)
	}
	return kept, refused
}

// defines says whether the sides of a ratio differ in their matchers on a
// label.
func (b *Breakdown) defines(label string) bool {
	if b.Denominator == nil {
		return false
	}
	terms := b.terms()
	first := matchersOn(mustParse(terms[0].Text), label)
	return slices.ContainsFunc(terms[1:], func(t Term) bool {
		return !slices.Equal(first, matchersOn(mustParse(t.Text), label))
	})
}

// shape is how a breakdown can be asked for.
type shape struct {
	names    []string
	leaves   int
	marginal bool // one label at a time: there are too many leaves
	refused  []analysis.Refusal
	warnings []analysis.Warning
	reason   string // why there is nothing to ask; empty if there is
}

// probe counts the leaves before anything is broken down. If there are too
// many, labels with very many values go first; if that doesn't help, each
// label is asked by itself.
func (f *Fetcher) probe(ctx context.Context, b *Breakdown) shape {
	s := shape{reason: b.Reason}
	if s.reason != "" {
		return s
	}
	s.names, s.refused, s.warnings = f.labelsOf(ctx, b)
	most := min(mostLeaves, f.maxSeries)
	if s.leaves = f.count(ctx, b, s.names, &s); s.leaves > most {
		f.refuseLarge(ctx, b, &s, min(mostValues, f.maxSeries))
		s.leaves = f.count(ctx, b, s.names, &s)
		s.marginal = s.leaves > most
	}
	switch {
	case s.reason != "":
	case len(s.names) == 0:
		s.reason = "there is no label to break it down by"
	case s.leaves == 0:
		s.reason = "there are no series"
	}
	return s
}

func (f *Fetcher) count(ctx context.Context, b *Breakdown, names []string, s *shape) int {
	if len(names) == 0 || s.reason != "" {
		return 0
	}
	q := b.leafCount(names)
	a := f.query(ctx, q)
	if a.Err != nil {
		s.reason = "its leaves could not be counted: " + explain(a.Err)
		return 0
	}
	if v, ok := a.Value.(model.Vector); ok && len(v) == 1 {
		return int(v[0].Value)
	}
	return 0
}

func (f *Fetcher) refuseLarge(ctx context.Context, b *Breakdown, s *shape, most int) {
	var kept []string
	for _, name := range s.names {
		n := f.count(ctx, b, []string{name}, s)
		if n > most {
			s.refused = append(s.refused, analysis.Refusal{Label: name, Reason: fmt.Sprintf("it has %d values, more than %d", n, most)})
			continue
		}
		kept = append(kept, name)
	}
	s.names = kept
}
