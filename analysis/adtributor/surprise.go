// SPDX-License-Identifier: Apache-2.0

package adtributor

import "math"

// divergence returns an element's part of the Jensen–Shannon divergence of the prior p and the
// posterior q, in bits (equation 7, with 0·log 0 = 0).
//
// It is never negative; rounding is cut off at 0.
func divergence(p, q float64) float64 {
	if p == q {
		return 0
	}
	var s float64
	if p > 0 {
		s += p * math.Log(2*p/(p+q))
	}
	if q > 0 {
		s += q * math.Log(2*q/(p+q))
	}
	return max(0, s/(2*math.Ln2))
}

// surprise of an element; for a ratio, the sum over its numerator and its denominator, assumed
// independent (section 4 of the paper).
func (m *measure) surprise(e *Element) float64 {
	s := divergence(share(e.Forecast, m.total.Forecast), share(e.Actual, m.total.Actual))
	if m.ratio {
		s += divergence(share(e.ForecastDen, m.total.ForecastDen), share(e.ActualDen, m.total.ActualDen))
	}
	return s
}

// floor returns the surprise, in bits, that sampling alone gives to k elements of counts. The
// divergence of two samples of sizes N_F and N_A from one distribution is about (1/8)(1/N_F +
// 1/N_A) nats per element.
func (m *measure) floor(k int) float64 {
	inv := reciprocal(m.total.Forecast) + reciprocal(m.total.Actual)
	if m.ratio {
		inv += reciprocal(m.total.ForecastDen) + reciprocal(m.total.ActualDen)
	}
	return float64(k) / 8 * inv / math.Ln2
}

func reciprocal(x float64) float64 {
	if x <= 0 {
		return 0
	}
	return 1 / x
}

// share returns part/total, and 0 if there is no total.
func share(part, total float64) float64 {
	if total == 0 {
		return 0
	}
	return part / total
}
