// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/order"
)

// backfill gives a past to levels that began within the recent steps: a series renamed by a
// rollout was not at 0 before, it had another name. Its earlier steps repeat those since it
// began; earlier days get their median. Everything else that is missing is 0, such as what
// appears with the incident.
func backfill(p *analysis.Pieces) {
	for leaf := range p.Actual {
		var since []float64
		began := slices.IndexFunc(p.Recent, func(step []float64) bool { return !math.IsNaN(step[leaf]) })
		if began >= 0 {
			for _, step := range p.Recent[began:] {
				step[leaf] = orZero(step[leaf])
				since = append(since, step[leaf])
			}
		}
		for k := range p.Recent[:max(0, began)] {
			p.Recent[k][leaf] = since[(began-1-k)%len(since)]
		}
		middle := 0.
		if since != nil {
			middle = order.Median(since)
		}
		for _, piece := range slices.Concat([][]float64{p.Hour, p.Day, p.Baseline}, p.Profile, p.Level, p.Recent) {
			if piece != nil && math.IsNaN(piece[leaf]) {
				piece[leaf] = middle
			}
		}
		for _, piece := range [][]float64{p.Actual, p.Forecast} {
			if piece != nil {
				piece[leaf] = orZero(piece[leaf])
			}
		}
	}
}

func orZero(x float64) float64 {
	if math.IsNaN(x) {
		return 0
	}
	return x
}
