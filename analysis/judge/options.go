// SPDX-License-Identifier: Apache-2.0

package judge

import "fmt"

// Constants of the model. None is fitted to a data set: prices follow from the number of
// choices that a model makes, in units of −2 ln likelihood.
const (
	setPrice        = 6.0  // of a set, besides 2 ln of the number of sets to choose from
	backgroundPrice = 4.0  // of a common factor of the background
	kappaLeast      = 0.01 // smallest relative noise: no forecast is better
	kappaUsual      = 0.03 // centre of its prior, which is normal in ln κ with deviation 1
	kappaStep       = 1.4  // ratio of neighbours on the grid of κ
	kappaSteps      = 12   // points of the grid: up to 40 %
	leastDeviation  = 0.02 // smallest |d| of a set
	countRaise      = 0.5  // events added to both sides of a leaf of counts
	sumRaise        = 1e-3 // the same for sums, times the typical forecast
)

// Small is the number of leaves up to which [Table.Search] considers every set and κ is fitted
// with each model. Larger tables derive it from bands of size.
const Small = 64

// Noise is the noise model: a value x has the variance φx + (κx)².
type Noise struct {
	Phi, Kappa float64
}

// Options are the settings of [New]. The zero value is the default.
type Options struct {
	Count bool   // values are numbers of events, so their noise is at least Poisson
	Noise *Noise // of a large table; nil: κ is fitted with each model

	Median float64 // of the positive forecasts; 0: unknown

	// Errors of each leaf's own past forecasts, relative to the mean of forecast and actual
	// value: lower bounds of its noise. nil: unknown.
	Errors []float64

	Implies [][]int // label → labels that it determines; nil: none

	MaxLayer int // labels of a set; 0 means 5
	MaxSets  int // sets of a model; 0 means 8
}

func (o Options) withDefaults() Options {
	if o.MaxLayer <= 0 {
		o.MaxLayer = 5
	}
	if o.MaxSets <= 0 {
		o.MaxSets = 8
	}
	return o
}

// ValueError says which leaf has an invalid value.
type ValueError struct {
	Leaf  int
	Value float64
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("leaf %d: value %g is not a number from 0 to %g", e.Leaf, e.Value, float64(limit))
}
