// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"
)

// OddsOfScore is the logarithm of the odds that one more of score is worth: a service
// that is a score of 1 before another one is e^3.5 = 33 times as likely. On each of the sets in
// the package's documentation the likeliest value is between 2 and 5.
const OddsOfScore = 3.5

// expect lowers the score of each service by as much as it is less likely to begin with
// than the likeliest: what stands out there, but was not touched, stands back
// behind what was. The likeliest services stay as they are among each other.
func expect(gs []group, odds []float64) {
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
