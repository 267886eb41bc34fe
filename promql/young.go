// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/order"
)

// asSince gives levels that began within the recent steps a past: a series that a
// rollout has named anew was at no zero before, it had another name. Until it was
// there it is taken to have gone on as it has since, over and over, and on earlier
// days to have been at the middle of that. All else that is missing is zero, as of
// what comes with the incident.
func asSince(p *analysis.Pieces) {
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
