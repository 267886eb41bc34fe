// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

// probe finds out how to query a breakdown, and the series beside the KPI's own. If no label
// varies within the KPI, only those are used.
func (i *inquiry) probe(ctx context.Context, b *Breakdown) (s shape, beside *shape) {
	s = i.probeOne(ctx, *b)
	if b.beside == nil {
		return s, nil
	}
	siblings := *b.beside
	siblings.Own = siblings.Own.Merge(s.only) // also the labels that the alert has lost
	others := i.probeOne(ctx, siblings)
	if others.reason != "" || others.marginal || others.leaves < 2 {
		return s, nil
	}
	others.here = i.uniqueValues(ctx, others)
	if s.reason != "" {
		return others, nil
	}
	return s, &others
}

// uniqueValues returns, for labels below those that identify the KPI, the values that no other
// place has, such as the pods of a service. Each of them identifies the place.
func (i *inquiry) uniqueValues(ctx context.Context, s shape) map[string][]string {
	series := i.underlyingSeries(ctx, s.parts)
	if len(series) >= seriesSample { // truncated: others may have the value too
		return nil
	}
	here, elsewhere := map[model.LabelName]map[string]bool{}, map[model.LabelName]map[string]bool{}
	for _, ls := range series {
		to := elsewhere
		if isHere(ls, s.names, s.of.Own) {
			to = here
		}
		for name, v := range ls {
			if to[name] == nil {
				to[name] = map[string]bool{}
			}
			to[name][string(v)] = true
		}
	}
	only := map[string][]string{}
	for name, values := range here {
		if slices.Contains(s.names, string(name)) || len(expr.MatchersOn(s.parts.of, string(name))) > 0 {
			continue
		}
		for _, v := range slices.Sorted(maps.Keys(values)) {
			if !elsewhere[name][v] {
				only[string(name)] = append(only[string(name)], v)
			}
		}
	}
	return only
}

// underlyingSeries returns the series that a KPI is made of, with the labels that the expression
// creates.
func (i *inquiry) underlyingSeries(ctx context.Context, b parts) []model.LabelSet {
	if !expr.RenamesLabels(b.of) {
		series, _ := i.stored(ctx, b, expr.SelectorTexts(b.of))
		return series
	}
	m, err := expr.Apart(b.of)
	if err != nil {
		return nil
	}
	made := b
	made.Measure, made.Levels = m, false
	var series []model.LabelSet
	for _, t := range made.base() {
		more, _ := i.reaching(ctx, made, t)
		series = append(series, more...)
	}
	return series
}

// isHere says whether a series has the KPI's own values of the labels.
func isHere(series model.LabelSet, names []string, own model.LabelSet) bool {
	for _, name := range names {
		if series[model.LabelName(name)] != own[model.LabelName(name)] {
			return false
		}
	}
	return true
}
