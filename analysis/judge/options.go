// SPDX-License-Identifier: Apache-2.0

package judge

import "fmt"

// Constants of the model. None is fitted to a data set: prices are those of the
// choices that a model makes, in units of −2 ln likelihood.
const (
	setPrice        = 6.0  // of a set, beside 2 ln of the number of sets to choose from
	backgroundPrice = 4.0  // of a factor that all others have in common
	kappaLeast      = 0.01 // the least relative noise: no forecast is better
	kappaUsual      = 0.03 // centre of its prior, which is normal in ln κ with deviation 1
	kappaStep       = 1.4  // ratio of neighbours on the grid of κ
	kappaSteps      = 12   // points of the grid: up to 40 %
	leastDeviation  = 0.02 // |d| of a set
	countRaise      = 0.5  // events by which both sides of a leaf of counts are raised
	sumRaise        = 1e-3 // the same of sums, times the typical forecast
)

// Small is the number of leaves up to which [Table.Search] looks at every set
// and κ is fitted with each model. With more, their bands of size tell it.
const Small = 64

// Noise is the law of the residuals: a value of x errs by a variance of
// φx + (κx)².
type Noise struct {
	Phi, Kappa float64
}

// Options are the settings of [New]. The zero value is the default.
type Options struct {
	Count bool   // values are numbers of events: their noise is at least Poisson's
	Noise *Noise // of a large table; nil: κ is fitted with each model

	Median float64 // of the positive forecasts, where it is known; 0: it is not

	// Errors of each leaf's own past forecasts, each as a part of the middle of
	// forecast and actual value: no leaf errs by less. nil: not known.
	Errors []float64

	Implies [][]int // label → labels whose values it determines; nil: none

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

// ValueError says which leaf has a value that cannot be judged.
type ValueError struct {
	Leaf  int
	Value float64
}

func (e *ValueError) Error() string {
	return fmt.Sprintf("leaf %d: value %g is not a number from 0 to %g", e.Leaf, e.Value, float64(limit))
}
