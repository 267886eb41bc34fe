// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"
)

// OddsOfScore is the log-odds per unit of score: a service ahead by a score of 1 is e^3.5 = 33
// times as likely. The systems in the package's documentation have their maximum likelihood
// between 2.5 and 6; for each of them, the others would choose 3.5 or 4 (go run
// ./examples/benchmark changes --odds).
const OddsOfScore = 3.5

// expect lowers the score of each service by its prior odds relative to the likeliest one: a
// service that stands out but was not changed moves behind one that was. The order of the
// likeliest services does not change. For confidence the square root of the odds is used: a
// change may bring a service to the first place, but does not alone make it certain.
func expect(gs []group, odds []float64) {
	for i := range gs {
		gs[i].byItself = gs[i].unexplained
	}
	if len(odds) == 0 {
		return
	}
	top := slices.Max(odds)
	for i := range gs {
		rarer := top / odds[gs[i].service]
		gs[i].total = lower(gs[i].total, rarer)
		gs[i].unexplained = lower(gs[i].unexplained, math.Sqrt(rarer))
	}
}

// lower divides the odds of a score, but never below 0.
func lower(score, by float64) float64 {
	if by <= 1 {
		return score
	}
	return math.Log1p(math.Expm1(OddsOfScore*score)/by) / OddsOfScore
}

// Raise undoes the effect of [Input.Odds] on the score of a service.
func Raise(score, by float64) float64 {
	if by <= 1 {
		return score
	}
	return math.Log1p(math.Expm1(OddsOfScore*score)*by) / OddsOfScore
}
