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
	Series []string // selectors of what the guard looks at
}

// Flips are what the guards of d measure, each as a KPI that crosses its
// threshold where the guard begins to hold. An alert whose own KPI stands still
// fires because one of them has flipped. Guards that measure no series, such as
// the time of day, are left out.
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

// members are the series that an aggregation makes one of, if it makes one
// wherever there are any: whether that exists is told by them.
func members(e parser.Expr, m *parser.VectorMatching) parser.Expr {
	e = unparen(e)
	a, ok := e.(*parser.AggregateExpr)
	if !ok || !summarises(a.Op) || a.Without || !m.On {
		return e
	}
	if slices.ContainsFunc(m.MatchingLabels, func(name string) bool { return !slices.Contains(a.Grouping, name) }) {
		return e
	}
	return members(a.Expr, m)
}
