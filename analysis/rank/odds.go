// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"
)

// OddsOfScore is the logarithm of the odds that one more of score is worth: a service
// that is a score of 1 before another one is e^3.5 = 33 times as likely. The systems of
// the package's documentation have their likeliest values between 2.5 and 6; for each of
// them, the others would choose 3.5 or 4 (go run ./examples/benchmark changes --odds).
const OddsOfScore = 3.5

// expect lowers the score of each service by as much as it is less likely to begin with
// than the likeliest: what stands out there, but was not touched, stands back
// behind what was. The likeliest services stay as they are among each other. For the
// confidence it counts half, as the root of the odds: that something was done may bring a
// service to the first place, and not alone make it certain.
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

// lower divides the odds of a score, and never takes more than there is.
func lower(score, by float64) float64 {
	if by <= 1 {
		return score
	}
	return math.Log1p(math.Expm1(OddsOfScore*score)/by) / OddsOfScore
}

// Raise gives back to a score what [Input.Odds] have taken, of a service that is less
// likely by so much.
func Raise(score, by float64) float64 {
	if by <= 1 {
		return score
	}
	return math.Log1p(math.Expm1(OddsOfScore*score)*by) / OddsOfScore
}
