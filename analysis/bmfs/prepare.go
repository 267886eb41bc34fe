// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	huge        = 1e100 // larger magnitudes count as missing: their squares overflow
	minRows     = 4     // fewer rows can't carry a regression
	minObserved = 0.3   // share of the rows in which a candidate must be observed
	constant    = 1e-12 // range relative to the magnitude, below which it is constant
	negligible  = 1e-6  // deviation relative to the common scale, below which it is constant
)

// design is the standardised regression problem, with one candidate per row, so that a
// candidate's samples are contiguous.
type design struct {
	n, p  int
	kinds float64    // distinct candidates offered, per candidate left after screening
	x     *mat.Dense // p by n; missing entries are 0 until filled in
	t     []float64  // target, mean 0, sd 1
	f     *mat.Dense // p by n: K = F F' + diag(k0) is the prior correlation
	k0    []float64

	missing [][]int     // rows in which candidate j is missing, nil when none
	doubt   [][]float64 // variance of each of these entries once filled in
	extra   []float64   // their sum, part of E[X'X]_jj
	gaps    bool

	kept         []int     // the caller's column for each of the p
	center, unit []float64 // of the p candidates: x = (raw - center) / unit
	yMean, yUnit float64
}

func (d *design) column(j int) []float64 { return d.x.RawRowView(j) }

// gathered copies the candidates of s.
func (d *design) gathered(s []int) *mat.Dense {
	x := mat.NewDense(len(s), d.n, nil)
	for i, j := range s {
		copy(x.RawRowView(i), d.column(j))
	}
	return x
}

// prepare drops rows without a target and unusable candidates, standardises, and builds the
// prior correlation. ok is false, with the reason among the warnings, if there is nothing to
// fit.
func prepare(x [][]float64, y []float64, opt settings) (d *design, warn []Warning, ok bool) {
	rows := observed(y)
	d = &design{n: len(rows)}
	t := gather(y, rows)
	d.yMean, d.yUnit, _ = meanSD(t)
	if len(rows) < minRows {
		return d, []Warning{{Code: TooFewRows, Candidate: -1, Value: float64(len(rows))}}, false
	}
	if lo, hi := floats.Min(t), floats.Max(t); isConstant(lo, hi) || d.yUnit == 0 {
		return d, []Warning{{Code: ConstantTarget, Candidate: -1, Value: d.yMean}}, false
	}
	raw := make([][]float64, 0, len(x))
	for j, col := range x {
		c := gather(col, rows)
		if w, bad := unusable(c, j); bad {
			warn = append(warn, w)
			continue
		}
		raw, d.kept = append(raw, c), append(d.kept, j)
	}
	if d.p = len(raw); d.p == 0 {
		return d, append(warn, Warning{Code: NoCandidates, Candidate: -1}), false
	}
	d.t = t
	for i := range d.t {
		d.t[i] = (d.t[i] - d.yMean) / d.yUnit
	}
	d.standardise(raw, opt.Scale)
	if opt.Scale == Common {
		warn = append(warn, d.dropNegligible()...)
	}
	if d.kinds = 1; opt.Screen > 0 && d.p > opt.Screen {
		offered := d.p
		d.screen(opt.Screen)
		warn = append(warn, Warning{Code: ScreenedOut, Candidate: -1, Value: float64(offered - d.p)})
	}
	d.correlate(opt.Independent)
	return d, warn, true
}

// observed lists the rows with a usable target.
func observed(y []float64) []int {
	var rows []int
	for i, v := range y {
		if usable(v) {
			rows = append(rows, i)
		}
	}
	return rows
}

func usable(v float64) bool { return math.Abs(v) <= huge } // false for NaN

func gather(col []float64, rows []int) []float64 {
	out := make([]float64, len(rows))
	for i, r := range rows {
		out[i] = col[r]
	}
	return out
}

// unusable says why a candidate can't enter the model.
func unusable(c []float64, j int) (Warning, bool) {
	seen, lo, hi := 0, math.Inf(1), math.Inf(-1)
	for _, v := range c {
		if usable(v) {
			seen++
			lo, hi = min(lo, v), max(hi, v)
		}
	}
	switch {
	case float64(seen) < max(2, minObserved*float64(len(c))):
		return Warning{Code: RarelyObserved, Candidate: j, Value: float64(seen)}, true
	case isConstant(lo, hi):
		return Warning{Code: ConstantCandidate, Candidate: j, Value: lo}, true
	}
	return Warning{}, false
}

func isConstant(lo, hi float64) bool {
	return hi-lo <= max(constant*max(math.Abs(lo), math.Abs(hi)), 1/huge)
}

// meanSD returns the mean and the standard deviation (n-1) of the usable values.
func meanSD(c []float64) (mean, sd float64, seen int) {
	for _, v := range c {
		if usable(v) {
			mean += v
			seen++
		}
	}
	if seen < 2 {
		return mean, 0, seen
	}
	mean /= float64(seen)
	scale := 0.0 // keeps the squares in range
	for _, v := range c {
		if usable(v) {
			scale = max(scale, math.Abs(v-mean))
		}
	}
	if scale == 0 {
		return mean, 0, seen
	}
	var ss float64
	for _, v := range c {
		if usable(v) {
			z := (v - mean) / scale
			ss += z * z
		}
	}
	return mean, scale * math.Sqrt(ss/float64(seen-1)), seen
}

// standardise fills x, center, unit and missing from the raw candidates.
func (d *design) standardise(raw [][]float64, scale Scale) {
	d.x = mat.NewDense(d.p, d.n, nil)
	d.center, d.unit = make([]float64, d.p), make([]float64, d.p)
	d.missing, d.doubt, d.extra = make([][]int, d.p), make([][]float64, d.p), make([]float64, d.p)
	var all float64
	if scale == Common {
		all = pooledSD(raw)
	}
	for j, c := range raw {
		d.center[j], d.unit[j], _ = meanSD(c)
		if scale == Common {
			d.unit[j] = all
		}
		row := d.column(j)
		for i, v := range c {
			if !usable(v) {
				d.missing[j] = append(d.missing[j], i)
				d.gaps = true
				continue
			}
			row[i] = (v - d.center[j]) / d.unit[j]
		}
	}
}

// dropNegligible drops candidates that do not move on the common scale: their precision would
// be the prior's alone, and underflow.
func (d *design) dropNegligible() (warn []Warning) {
	take := make([]bool, d.p)
	for j := range take {
		c := d.column(j)
		take[j] = floats.Norm(c, 2) > negligible*math.Sqrt(float64(d.n))
		if !take[j] {
			warn = append(warn, Warning{Code: ConstantCandidate, Candidate: d.kept[j], Value: d.center[j]})
		}
	}
	d.restrict(take)
	return warn
}

// pooledSD returns the standard deviation of all values of all candidates together (denominator
// N), the common unit of the published program.
func pooledSD(raw [][]float64) float64 {
	var all []float64
	for _, c := range raw {
		all = append(all, c...)
	}
	_, sd, seen := meanSD(all)
	return sd * math.Sqrt(float64(seen-1)/float64(seen))
}

// correlate builds K = D (0.9 C + 0.1 I) D as F F' + diag(k0), where C is the correlation of
// the candidates with missing entries at the mean, and D their standard deviations. A product
// is never indefinite, unlike a matrix of pairwise complete correlations.
func (d *design) correlate(independent bool) {
	d.k0 = make([]float64, d.p)
	for j := range d.p {
		c := d.column(j)
		seen := d.n - len(d.missing[j])
		v := floats.Dot(c, c) / math.Max(float64(seen-1), 1)
		if d.k0[j] = v; !independent {
			d.k0[j] *= 1 - mix
		}
	}
	if independent {
		return
	}
	d.f = mat.NewDense(d.p, d.n, nil)
	for j := range d.p {
		row := d.f.RawRowView(j)
		copy(row, d.column(j))
		floats.AddConst(-floats.Sum(row)/float64(d.n), row)
		if norm := floats.Norm(row, 2); norm > 0 {
			floats.Scale(math.Sqrt(mix*d.k0[j]/(1-mix))/norm, row)
		}
	}
}

// kDiag returns the diagonal of K.
func (d *design) kDiag() []float64 {
	k := append([]float64(nil), d.k0...)
	if d.f != nil {
		for j := range k {
			row := d.f.RawRowView(j)
			k[j] += floats.Dot(row, row)
		}
	}
	return k
}
