// SPDX-License-Identifier: Apache-2.0

package grescan

import (
	"math"
	"runtime"
	"slices"
)

// Constants of the scan.
const (
	deeper        = 0.05   // relative gain of the score required for one more label
	stopRelative  = 0.02   // share of the first score at which the search stops, unless deep
	minDeviation  = 0.08   // |d̄| of an element
	minHomogenous = 0.3    // R² of an element
	shareDeep     = 0.0001 // smallest share of the change, deep
	shareMax      = 0.05   // the same by default, at most
	shareMin      = 0.002  // and at least
	shareSD       = 2      // in between: this many standard deviations of the total
	churnShare    = 0.1    // of Σ|v−f|, used as the change if that is smaller
	barOffset     = 3      // S must exceed ln(elements) by this
	opposed       = 0.2    // share of the first score required for a cause in the other direction
	nearlyEqual   = 1e-9   // relative difference of scores due to rounding
)

// Options are the settings of [Scan]. The zero value is the default.
type Options struct {
	Count bool // values are numbers of events: noise is at least Poisson
	Deep  bool // look for causes that hardly show in the total
	Both  bool // the total has no direction: use that of the strongest cause

	// Noise and the median positive forecast of the leaves, if known from [FitNoise].
	Noise  *Noise
	Median float64

	// Errors of each leaf's own past forecasts, relative to the mean of forecast and actual
	// value: lower bounds of its noise. nil: unknown.
	Errors []float64

	MaxCauses int // 0 means 8
	MaxLayer  int // labels in a combination; 0 means 4, deep 5
	Workers   int // 0 means one per processor
}

func (o Options) withDefaults() Options {
	if o.MaxCauses <= 0 {
		o.MaxCauses = 8
	}
	if o.MaxLayer <= 0 {
		o.MaxLayer = 4
		if o.Deep {
			o.MaxLayer = 5
		}
	}
	if o.Workers <= 0 {
		o.Workers = runtime.GOMAXPROCS(0)
	}
	return o
}

// Result is the answer of [Scan].
type Result struct {
	Causes   []Cause // in the order found: mostly by score
	Noise    Noise
	Bar      float64 // score that chance hardly reaches among Elements
	Elements int     // combinations considered
}

// Cause is a combination of label values whose leaves moved alike.
type Cause struct {
	Dims  []int   // labels, ascending
	Codes []int32 // their values

	Score     float64 // S
	Ratio     float64 // actual / forecast common to its leaves
	R2        float64 // homogeneity
	Share     float64 // of the change of the total; 0 if that did not move
	Forecast  float64
	Actual    float64
	Leaves    int
	LowChance bool // chance could explain it: its score is below Result.Bar
}

// Scan searches for the combinations of label values that explain the change from forecast to
// actual. codes[d][i] is the value of label d on leaf i, in [0, cards[d]).
//
// It returns a [*ValueError] if a value is negative, not finite or beyond 1e100, and no causes
// if nothing stands out. It panics if the lengths differ or a code is out of range.
//
// Cost: all leaves once per choice of MaxLayer labels, and the cells of all cuboids once per
// cause.
func Scan(codes [][]int32, cards []int, forecast, actual []float64, opt Options) (Result, error) {
	check(codes, cards, forecast, actual)
	opt = opt.withDefaults()
	t, err := newTable(codes, cards, forecast, actual, opt)
	if err != nil {
		return Result{}, err
	}
	r := Result{Noise: t.noise}
	if len(t.codes) == 0 {
		return r, nil
	}
	rule := t.rule(opt)
	if rule.least == 0 {
		return r, nil
	}
	c := newCube(t, rule, opt.MaxLayer, opt.Workers)
	r.Elements = c.elements()
	r.Bar = math.Log(float64(r.Elements)) + barOffset
	if opt.Deep {
		rule.alone = 2 * r.Bar
	}
	for len(r.Causes) < opt.MaxCauses {
		best := c.best(rule, r.Bar, opt.Workers)
		first := len(r.Causes) == 0
		if best.score == 0 || !first && (best.score < r.Bar || !opt.Deep && best.score < stopRelative*r.Causes[0].Score) {
			break
		}
		leaves := t.under(best.dims, best.leaf)
		r.Causes = append(r.Causes, t.cause(best, leaves, r.Bar, forecast, actual))
		if first && opt.Both {
			rule.rises, rule.against = best.wd > 0, opposed*best.score
		}
		if best.score < r.Bar {
			break
		}
		for _, i := range leaves {
			t.alive[i] = false
		}
		c.remove(leaves, opt.Workers)
	}
	return r, nil
}

// check panics on wrong shapes.
func check(codes [][]int32, cards []int, forecast, actual []float64) {
	if len(codes) != len(cards) || len(forecast) != len(actual) {
		panic("grescan: lengths differ")
	}
	for d := range codes {
		if len(codes[d]) != len(forecast) {
			panic("grescan: lengths differ")
		}
		for _, c := range codes[d] {
			if c < 0 || int(c) >= cards[d] {
				panic("grescan: code out of range")
			}
		}
	}
}

// rule says which elements may be causes.
type rule struct {
	rises   bool    // the direction of causes
	against float64 // score required in the other direction
	least   float64 // smallest change of an element
	alone   float64 // deviance of v−f required for a single leaf; deep
}

// rule returns the requirements for a cause. By default its smallest change is two standard
// deviations of the total noise, between 0.2 and 5 % of the change: a smaller one isn't visible
// in the total. Deep goes down to 0.01 %. If the total stood still, a tenth of the gross
// movement replaces the change.
func (t *table) rule(opt Options) rule {
	base := max(math.Abs(t.change), churnShare*t.churn)
	share := shareDeep
	if !opt.Deep && base > 0 {
		share = min(shareMax, max(shareMin, shareSD*t.sd/base))
	}
	against := math.Inf(1)
	if opt.Both {
		against = 0
	}
	return rule{rises: t.change >= 0, against: against, least: share * base}
}

// possible says whether an element may bring enough change after others are removed.
func (r rule) possible(c *cell) bool {
	down := c.up - c.e
	if math.IsInf(r.against, 1) {
		return r.rises && c.up >= r.least || !r.rises && down >= r.least
	}
	return max(c.up, down) >= r.least
}

// score returns the score of a cell, or 0 if it may not be a cause.
func (r rule) score(c *cell) float64 {
	rises := c.wd > 0
	e := c.e
	if !rises {
		e = -e
	}
	if c.n == 0 || e < r.least || rises != r.rises && math.IsInf(r.against, 1) {
		return 0
	}
	if math.Abs(c.wd) < minDeviation*c.w {
		return 0
	}
	q := c.deviance()
	r2 := c.homogeneity(q)
	if r2 < minHomogenous {
		return 0
	}
	s := q / 2 * math.Sqrt(r2)
	if rises != r.rises && s < r.against {
		return 0
	}
	return s
}

// homogeneity returns R², the share of the element's own deviance that one common deviation
// explains, corrected for noise.
func (c *cell) homogeneity(q float64) float64 {
	return min(max((q-1)/max(c.wdd-float64(c.n-1), q), 0), 1)
}

// candidate is the best element of some cuboids.
type candidate struct {
	cell
	dims  []int
	score float64
}

// best returns the best element: of the shallowest layer, unless a deeper one is better by a
// margin, or by evidence. Its score is 0 if there is none.
func (c *cube) best(r rule, bar float64, workers int) candidate {
	var best candidate
	for _, layer := range c.layers {
		found := make([]candidate, len(layer))
		parallel(len(layer), worth(cellsOf(layer), workers), func(_, i int) { found[i] = layer[i].best(c.t, r) })
		var top candidate
		for _, f := range found {
			if f.score > top.score*(1+nearlyEqual) {
				top = f
			}
		}
		if top.score > best.score*(1+deeper) || c.t.narrows(top, best, bar) {
			best = top
		}
	}
	return best
}

// narrows says whether the part of a wider element outside of a narrower one certainly stood
// still: the narrower explains more deviance by itself than the wider, by more than chance.
// That part may be a hundredth of the wider element's score, if errors have increased a
// hundredfold, and then is not visible as a margin.
func (t *table) narrows(narrow, wide candidate, bar float64) bool {
	if wide.score == 0 || narrow.score <= wide.score*(1+nearlyEqual) || narrow.deviance()-wide.deviance() < 2*bar {
		return false
	}
	inside := t.under(narrow.dims, narrow.leaf)
	return !slices.ContainsFunc(inside, func(i int32) bool { return !t.same(wide.dims, wide.leaf, i) })
}

// deviance returns what one common deviation of all leaves explains.
func (c *cell) deviance() float64 { return c.wd * c.wd / c.w }

// best returns the best element of a cuboid; on a tie, the one with the smallest codes.
func (c *cuboid) best(t *table, r rule) candidate {
	var best candidate
	for i := range c.cells {
		s := r.score(&c.cells[i])
		if s > 0 && c.cells[i].n == 1 && !t.seenAlone(c.cells[i].leaf, r.alone) {
			continue
		}
		if s > 0 && (s > best.score ||
			s == best.score && t.key(c.dims, c.cells[i].leaf) < t.key(c.dims, best.leaf)) {
			best = candidate{cell: c.cells[i], dims: c.dims, score: s}
		}
	}
	return best
}

// cause converts a candidate for the caller.
func (t *table) cause(b candidate, leaves []int32, bar float64, forecast, actual []float64) Cause {
	q := b.deviance()
	d := b.wd / b.w
	c := Cause{
		Score:     b.score,
		Ratio:     (2 + d) / max(2-d, 1e-9),
		R2:        b.homogeneity(q),
		Leaves:    int(b.n),
		LowChance: b.score < bar,
	}
	for _, k := range b.dims {
		c.Dims = append(c.Dims, t.dims[k])
		c.Codes = append(c.Codes, t.codes[k][b.leaf])
	}
	for _, i := range leaves {
		c.Forecast += forecast[t.leaf[i]]
		c.Actual += actual[t.leaf[i]]
	}
	if t.change != 0 {
		c.Share = (c.Actual - c.Forecast) / t.change
	}
	return c
}
