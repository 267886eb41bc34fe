// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// Flip is a guard as a KPI.
type Flip struct {
	Derivation
	Guard  Guard
	Series []string // selectors in the guard
}

// Flips returns the KPIs of the guards of d; each crosses its threshold when its guard begins
// to hold. If an alert's own KPI stands still, one of its guards has flipped. Guards that
// measure no series, such as the time of day, are left out.
func (d Derivation) Flips() []Flip {
	var flips []Flip
	for _, g := range d.Guards {
		text := g.Expr
		if strings.HasPrefix(g.Join, parser.ItemTypeStr[parser.LUNLESS]) {
			text = inParens(MustParse(d.Target)).String() + " " + g.Join + " " + g.Expr
		}
		flip, err := Derive(text)
		known := func(other Flip) bool { return other.Target == flip.Target }
		if err != nil || flip.Target == d.Target || slices.ContainsFunc(flips, known) {
			continue
		}
		flip.Guards, flip.Others = nil, nil
		flips = append(flips, Flip{flip, g, SelectorTexts(MustParse(g.Expr))})
	}
	return flips
}

// belowAggregation returns the series below an aggregation that exists whenever any of them does: they
// say whether it exists.
func belowAggregation(e parser.Expr, m *parser.VectorMatching) parser.Expr {
	e = unparen(e)
	a, ok := e.(*parser.AggregateExpr)
	if !ok || !summarises(a.Op) || a.Without || !m.On {
		return e
	}
	if slices.ContainsFunc(m.MatchingLabels, func(name string) bool { return !slices.Contains(a.Grouping, name) }) {
		return e
	}
	return belowAggregation(a.Expr, m)
}
