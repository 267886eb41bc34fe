// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"math"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql/expr"
)

// gone marks the leaves that had samples in the last hours and have none now. A sum counts them
// as 0, but that differs from a part that fell to 0.
func (j joiner) gone(b *analysis.Breakdown) []bool {
	now := map[string]bool{}
	for _, t := range j.b.base() {
		if filters(t.Text) {
			return nil
		}
		answer := j.answers.to(j.b.samples[0].query(j.b.parts, t, b.Labels))
		if answer.Err != nil {
			return nil
		}
		each(answer.Value, func(m model.Metric, _ []model.SamplePair) { now[leafKey(m, b.Labels)] = true })
	}
	pieces := b.Numerator
	if b.Denominator != nil {
		pieces = *b.Denominator
	}
	gone := make([]bool, len(b.Leaves))
	for i, leaf := range b.Leaves {
		gone[i] = !now[strings.Join(leaf, keySeparator)] && had(pieces, i)
	}
	return gone
}

// filters says whether a term filters series by value, or by other series: filtered series
// still exist.
func filters(term string) bool {
	found := false
	parser.Inspect(expr.MustParse(term), func(n parser.Node, _ []parser.Node) error {
		b, ok := n.(*parser.BinaryExpr)
		found = found || ok && (b.Op.IsComparisonOperator() && !b.ReturnBool || b.Op == parser.LAND || b.Op == parser.LUNLESS)
		return nil
	})
	return found
}

// had says whether a leaf had data before the incident.
func had(p analysis.Pieces, leaf int) bool {
	for _, piece := range append([][]float64{p.Hour, p.Baseline}, p.Recent...) {
		if leaf < len(piece) && !math.IsNaN(piece[leaf]) && piece[leaf] != 0 {
			return true
		}
	}
	return false
}
