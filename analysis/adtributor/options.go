// SPDX-License-Identifier: Apache-2.0

package adtributor

import "math"

// Mode says how the elements of a set are chosen.
type Mode int

const (
	// Complete takes all elements whose EP passes the threshold, and applies the corrections
	// listed in the package comment.
	Complete Mode = iota
	// NSDI is the published algorithm (figure 2 of the paper), without corrections: the greedy
	// prefix by surprise that explains enough.
	NSDI
)

// Options are the settings of [Explain]. The zero value is the default.
type Options struct {
	Mode Mode

	SetShare     float64 // T_EP: share that a set must exceed; 0 means 0.67
	ElementShare float64 // T_EEP: share that an element must exceed; 0 means 0.10
	Top          int     // sets in the answer; 0 means 3, negative means all

	Gate   Gate    // below it, the total counts as unmoved
	Totals *Totals // of the measure; nil: the largest sum of any dimension

	// Count says that the measure is a number of events within the window (a rate times its
	// seconds). The surprise that chance alone gives to such small counts is then subtracted.
	Count bool

	Fold         int  // elements per dimension, the largest; 0 means 2000
	KeepVolatile bool // let a dimension whose values mostly come and go give a set

	// Parents maps each dimension to those that it determines, as found by [Refinements]. nil:
	// unknown.
	Parents [][]int
}

// Gate decides whether a total has moved: by more than both bounds.
type Gate struct {
	Relative float64 // share of the forecast; 0 means 0.02, negative means none
	SD       float64 // robust standard deviation of the total's past residuals; three are needed
}

// Totals of the measure (for a ratio, of its numerator) and of the denominator.
type Totals struct {
	Forecast, Actual       float64
	ForecastDen, ActualDen float64
}

// moved says whether the change from f to a passes the gate.
func (g Gate) moved(f, a float64) bool {
	rel := g.Relative
	switch {
	case rel == 0:
		rel = 0.02
	case rel < 0:
		rel = 0
	}
	d := math.Abs(a - f)
	return d > 0 && d >= max(rel*math.Abs(f), 3*g.SD)
}

// withDefaults replaces zero values.
func (o Options) withDefaults() Options {
	if o.SetShare == 0 {
		o.SetShare = 0.67
	}
	if o.ElementShare == 0 {
		o.ElementShare = 0.10
	}
	if o.Top == 0 {
		o.Top = 3
	}
	if o.Fold <= 0 {
		o.Fold = 2000
	}
	return o
}

// Plus adds two totals.
func (t Totals) Plus(u Totals) Totals {
	return t.merge(u, func(a, b float64) float64 { return a + b })
}
