// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"maps"
	"slices"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

// probe finds out how a breakdown can be asked for, and the series beside the
// KPI's own. If no label varies within the alert's own, those beside it are all
// that is looked at.
func (i *inquiry) probe(ctx context.Context, b *Breakdown) (s shape, beside *shape) {
	s = i.probeOne(ctx, *b)
	if b.beside == nil {
		return s, nil
	}
	siblings := *b.beside
	siblings.Own = siblings.Own.Merge(s.only) // also those that the alert has lost
	others := i.probeOne(ctx, siblings)
	if others.reason != "" || others.marginal || others.leaves < 2 {
		return s, nil
	}
	others.here = i.onlyHere(ctx, others)
	if s.reason != "" {
		return others, nil
	}
	return s, &others
}

// onlyHere returns, of labels below those by which the KPI is told apart, the
// values that no other place has, as the pods of a service. They tell the place by
// themselves.
func (i *inquiry) onlyHere(ctx context.Context, s shape) map[string][]string {
	series := i.beneath(ctx, s.parts)
	if len(series) >= seriesSample { // there may be others
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

// beneath are the series that a KPI is made of. Where labels are made on the way,
// they have those, too.
func (i *inquiry) beneath(ctx context.Context, b parts) []model.LabelSet {
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
		more, _ := i.reached(ctx, made, t)
		series = append(series, more...)
	}
	return series
}

// isHere says whether a series has the KPI's own values of labels.
func isHere(series model.LabelSet, names []string, own model.LabelSet) bool {
	for _, name := range names {
		if series[model.LabelName(name)] != own[model.LabelName(name)] {
			return false
		}
	}
	return true
}
