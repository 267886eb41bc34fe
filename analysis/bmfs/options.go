// SPDX-License-Identifier: Apache-2.0

package bmfs

// Preset bundles the choices in which the published method and the default differ: the noise
// floor, the treatment of missing values, and the selection of candidates from the posterior.
type Preset int

const (
	// Robust has a noise floor of 1 % of the target's variance, fills missing
	// values from correlated candidates, and selects by the extended BIC.
	Robust Preset = iota
	// Paper follows the published program: no noise floor, but lambda stops where that
	// program's arithmetic underflows (d <= 738), missing values are fitted to the target, and
	// a two-component mixture cuts kappa.
	Paper
)

// Scale says what a column is divided by.
type Scale int

const (
	// Each divides every candidate by its own standard deviation.
	Each Scale = iota
	// Common divides all candidates by one standard deviation. It is meant
	// for candidates of one unit, where a larger swing is a larger cause.
	Common
)

// Solver says how q(beta) is computed. All give the same numbers.
type Solver int

const (
	// Auto is Dense while p <= 5n and Woodbury above, where the two cost the same.
	Auto Solver = iota
	// Dense factorises the p by p precision.
	Dense
	// Woodbury factorises a 2n by 2n matrix instead.
	Woodbury
)

// Options configures Fit. The zero value is the recommended default.
type Options struct {
	Preset Preset
	Scale  Scale
	Solver Solver

	// Positive restricts all coefficients to be positive, for candidates that
	// can only add to the target, such as the parts of a sum.
	Positive bool

	// Independent drops the correlation from the prior (K = I): automatic relevance
	// determination with a horseshoe.
	Independent bool

	// Monotone selects on normal scores of target and candidates, for
	// relations that are monotone but not linear. Coefficients are still those
	// of a linear model in the units of the input.
	Monotone bool

	// Screen is the largest number of candidates in the model: if there are more, a linear
	// screening pass chooses them. 0 means 400 (Robust) or no limit (Paper), a negative value
	// no limit.
	Screen int

	// MaxIterations bounds the iterations; 0 means 1000.
	MaxIterations int

	// TolMean and TolRelevance stop the iterations once the mean absolute changes of the
	// posterior mean and of kappa are below them; 0 means 1e-2 and 1e-3.
	TolMean, TolRelevance float64

	// Confusion is the loss of fit, on the scale of -2 log-likelihood, up to
	// which a correlated candidate counts as indistinguishable from a selected
	// one; 0 means 5.99, odds of 20 to 1. Robust only.
	Confusion float64
}

const (
	mix     = 0.9  // weight of the correlation in K
	ridge   = 1e-2 // added to the precision of q(beta): the factor N(beta; 0, 100 I)
	tiny    = 1e-8 // regularises the closed forms of alpha and gamma
	stepMax = 0.9  // first step of a line search
	armijo  = 1e-4 // share of the promised gain that a step must bring
)

// settings is Options with every default filled in.
type settings struct {
	Options
	noiseFloor float64 // in units of the target's variance
	dMax       float64 // bound on the parameter of q(lambda)
}

func (o Options) withDefaults() settings {
	if o.MaxIterations <= 0 {
		o.MaxIterations = 1000
	}
	if o.TolMean <= 0 {
		o.TolMean = 1e-2
	}
	if o.TolRelevance <= 0 {
		o.TolRelevance = 1e-3
	}
	if o.Confusion <= 0 {
		o.Confusion = 5.99
	}
	if o.Screen == 0 && o.Preset == Robust {
		o.Screen = 400
	}
	s := settings{Options: o, noiseFloor: 1e-2, dMax: 1e12}
	if o.Preset == Paper {
		// The published program takes log E1(d) of an E1 that underflows near d = 738. No line
		// search passes that point, which stops lambda, and with it the runaway of alpha for p
		// >= n: its accuracy depends on that.
		s.noiseFloor, s.dMax = 1e-8, 738
	}
	return s
}
