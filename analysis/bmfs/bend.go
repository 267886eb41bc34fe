// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/stat"
)

// Bend is a relation of two straight pieces: a threshold, if one of them is level, or a valley
// or a ridge, if they have opposite slopes.
type Bend struct {
	At           float64 // value of the candidate at which they meet
	Below, Above float64 // slope on each side, in target units per candidate unit
}

const (
	bendKnots = 9    // knots tried, at equal shares of the samples
	bendLeast = 0.5  // of the target's variance, that the two pieces must explain
	bendRest  = 0.75 // of the residual of one line, that two pieces may leave
	bendLevel = 0.25 // of the steeper piece, below which the other one counts as level
)

// Threshold says whether the candidate acts on one side of the bend only.
func (b Bend) Threshold() bool {
	return min(math.Abs(b.Below), math.Abs(b.Above)) < bendLevel*max(math.Abs(b.Below), math.Abs(b.Above))
}

// Bent says whether two straight pieces describe the relation of y to x clearly better than one
// line, and are a threshold or have opposite slopes. A line is then misleading about the effect
// of a move of x. Pass only the samples before the anomaly: two levels, before and in it, are a
// line through two points.
//
// Bent panics if x and y differ in length.
func Bent(x, y []float64) (Bend, bool) {
	checkLengths([][]float64{x}, y)
	var u, v []float64
	for i := range x {
		if usable(x[i]) && usable(y[i]) {
			u, v = append(u, x[i]), append(v, y[i])
		}
	}
	n := float64(len(u))
	if len(u) < 2*minRows+bendKnots {
		return Bend{}, false
	}
	total := n * stat.PopVariance(v, nil)
	intercept, slope := stat.LinearRegression(u, v, nil, false)
	line := 0.0
	for i := range u {
		line += math.Pow(v[i]-intercept-slope*u[i], 2)
	}
	best, least := Bend{}, math.Inf(1)
	sorted := slices.Sorted(slices.Values(u))
	for k := 1; k <= bendKnots; k++ {
		at := stat.Quantile(float64(k)/(bendKnots+1), stat.LinInterp, sorted, nil)
		if b, rss, ok := pieces(u, v, at); ok && rss < least {
			best, least = b, rss
		}
	}
	floor := 1e-9 * total
	worth := n*math.Log((line+floor)/(least+floor)) > math.Log(n)+2*math.Log(bendKnots)+5.991
	if !worth || least > bendRest*line || least > (1-bendLeast)*total || !(total > 0) {
		return Bend{}, false
	}
	return best, best.Threshold() || best.Below*best.Above < 0
}

// pieces fits two lines that meet at a value of x.
func pieces(x, y []float64, at float64) (b Bend, rss float64, ok bool) {
	below, above := make([]float64, len(x)), make([]float64, len(x))
	for i, v := range x {
		below[i], above[i] = math.Min(v-at, 0), math.Max(v-at, 0)
	}
	sbb, saa, sab := stat.Covariance(below, below, nil), stat.Covariance(above, above, nil), stat.Covariance(below, above, nil)
	sby, say := stat.Covariance(below, y, nil), stat.Covariance(above, y, nil)
	det := sbb*saa - sab*sab
	if !(det > 1e-9*sbb*saa) {
		return b, 0, false
	}
	b = Bend{At: at, Below: (sby*saa - say*sab) / det, Above: (say*sbb - sby*sab) / det}
	level := stat.Mean(y, nil) - b.Below*stat.Mean(below, nil) - b.Above*stat.Mean(above, nil)
	for i := range y {
		rss += math.Pow(y[i]-level-b.Below*below[i]-b.Above*above[i], 2)
	}
	return b, rss, true
}
