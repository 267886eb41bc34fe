// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"fmt"

	"gonum.org/v1/gonum/floats"
)

// Result is the outcome of Fit. Slices of candidates have one entry per candidate, in input
// order; a candidate that did not enter the model has relevance, mean and coefficient 0.
type Result struct {
	// Selected says which candidates explain the target, members of a confusion set included.
	Selected []bool
	// Coefficient is the change of the target per unit of the candidate, in input units; 0
	// unless selected. Intercept + sum_j Coefficient_j x_j is the fitted target.
	Coefficient []float64
	Intercept   float64
	// Beta is Coefficient for the standardised target and candidates.
	Beta []float64
	// Sets are the findings, one per selected candidate that no other selected one can replace
	// without loss. Paper has one set per candidate.
	Sets []Set

	// Mean and Variance are the posterior moments of the standardised
	// coefficients before selection; Relevance is 1-kappa, between 0 (shrunk
	// away) and 1 (kept).
	Mean, Variance, Relevance []float64
	// Kept says which candidates entered the model.
	Kept []bool

	// Alpha is the precision of the noise, in units of the target's variance;
	// Gamma the global scale of the prior.
	Alpha, Gamma float64
	// Bound is the evidence lower bound up to a constant, and Trace its value
	// after each half step: q(beta), q(lambda), q(alpha) q(gamma).
	Bound float64
	Trace []float64
	// Iterations is the number taken; Converged is false if the limit was reached.
	Iterations int
	Converged  bool
	// Explained is the share of the target's variance that the selected candidates explain, at
	// most 1; 0 if nothing is selected.
	Explained float64
	// Warnings say what the data did not allow.
	Warnings []Warning
}

// Set is one finding: a selected candidate and those that the data can't distinguish from it,
// or a block of correlated candidates that acts as a whole.
type Set struct {
	Seed    int      // the selected candidate; for a whole, the likeliest one
	Members []Member // including the seed, in input order
	// Whole says that no member explains the target alone as well as the mean of all. The
	// members then share one coefficient.
	Whole bool
}

// Member is a candidate that could replace a set's seed, or a part of a whole.
type Member struct {
	Candidate int
	Weight    float64 // its share of the set's likelihood, equal for a whole; they add up to 1
	Loss      float64 // of fit relative to the seed or the whole, in -2 log-likelihood
}

// WarningCode names what a warning is about.
type WarningCode string

// The warnings of Fit.
const (
	TooFewRows        WarningCode = "too_few_rows"
	ConstantTarget    WarningCode = "constant_target"
	NoCandidates      WarningCode = "no_candidates"
	RarelyObserved    WarningCode = "rarely_observed"
	ConstantCandidate WarningCode = "constant_candidate"
	ScreenedOut       WarningCode = "screened_out"
	NotConverged      WarningCode = "not_converged"
	BoundFell         WarningCode = "bound_fell"
	RidgeRaised       WarningCode = "ridge_raised"
	NotDefinite       WarningCode = "not_definite"
)

// Warning is one reservation about a result.
type Warning struct {
	Code      WarningCode
	Candidate int // index of the candidate, -1 for the whole fit
	Value     float64
}

// String words the warning, without the candidate's name.
func (w Warning) String() string {
	switch w.Code {
	case TooFewRows:
		return fmt.Sprintf("only %g rows have a target: at least %d are needed", w.Value, minRows)
	case ConstantTarget:
		return fmt.Sprintf("the target does not move: it is %g in every row", w.Value)
	case NoCandidates:
		return "no candidate moves and is observed often enough"
	case RarelyObserved:
		return fmt.Sprintf("left out: observed in %g rows only", w.Value)
	case ConstantCandidate:
		return fmt.Sprintf("left out: it does not move from %g", w.Value)
	case ScreenedOut:
		return fmt.Sprintf("%g candidates were left out by a first screening", w.Value)
	case NotConverged:
		return fmt.Sprintf("the fit has not settled after %g iterations", w.Value)
	case BoundFell:
		return fmt.Sprintf("the evidence bound fell by %.1e of itself: rounding, read the ranking with care", w.Value)
	case RidgeRaised:
		return fmt.Sprintf("nearly equal candidates: the ridge was raised to %g", w.Value)
	case NotDefinite:
		return "the candidates are too similar to separate: nothing was fitted"
	}
	return string(w.Code)
}

// Fit regresses the target y on the candidates x and selects those that explain it. x[j] holds
// the samples of candidate j; NaN, infinities and magnitudes above 1e100 count as missing. Rows
// without a target, constant candidates, and those observed in less than 30 % of the rows are
// left out.
//
// Of exactly equal candidates the first one wins, so their order should mean something, or be
// that of their names.
//
// Fit panics if a candidate differs from y in length.
func Fit(x [][]float64, y []float64, opt Options) Result {
	checkLengths(x, y)
	o := opt.withDefaults()
	if o.Monotone {
		return fitMonotone(x, y, opt)
	}
	d, warn, ok := prepare(x, y, o)
	res := newResult(len(x), d.yMean)
	res.Warnings = warn
	if !ok {
		return res
	}
	if d.gaps && o.Preset == Robust {
		d.fillFromNeighbours()
	}
	v := newInference(d, o)
	v.run()
	res.describe(v)
	if v.failed {
		return res
	}
	res.adopt(d, v.choose())
	return res
}

// fitMonotone selects on normal scores.
func fitMonotone(x [][]float64, y []float64, opt Options) Result {
	opt.Monotone = false
	r := Fit(allNormalScores(x), normalScores(y), opt)
	o := opt.withDefaults()
	o.Screen = 0
	r.rescale(x, y, o)
	return r
}

func checkLengths(x [][]float64, y []float64) {
	for j, col := range x {
		if len(col) != len(y) {
			panic(fmt.Sprintf("bmfs: candidate %d has %d samples, the target %d", j, len(col), len(y)))
		}
	}
}

// choose selects candidates by the preset's rule.
func (v *inference) choose() selection {
	if v.opt.Preset == Paper {
		return v.d.selectByKappa(v.kappa)
	}
	sel := v.d.selectByEBIC(v.g.mu, v.opt.Confusion)
	if v.opt.Positive {
		sel.keepPositive()
	}
	return sel
}

// keepPositive drops members whose coefficient is not positive: unlike the posterior, the refit
// is not restricted.
func (s *selection) keepPositive() {
	var sets []Set
	for _, set := range s.sets {
		var members []Member
		var total float64
		for _, m := range set.Members {
			if s.beta[m.Candidate] > 0 {
				members = append(members, m)
				total += m.Weight
			}
		}
		if len(members) == 0 {
			continue
		}
		for i := range members {
			members[i].Weight /= total
		}
		sets = append(sets, Set{Seed: heaviest(set.Seed, members), Members: members, Whole: set.Whole})
	}
	s.sets = sets
	for j, b := range s.beta {
		if b <= 0 {
			s.beta[j], s.selected[j] = 0, false
		}
	}
}

// heaviest returns the seed if it is among the members, else the likeliest of them.
func heaviest(seed int, members []Member) int {
	best := members[0]
	for _, m := range members {
		if m.Candidate == seed {
			return seed
		}
		if m.Weight > best.Weight {
			best = m
		}
	}
	return best.Candidate
}

func newResult(p int, mean float64) Result {
	zero := func() []float64 { return make([]float64, p) }
	return Result{
		Selected: make([]bool, p), Kept: make([]bool, p), Intercept: mean,
		Coefficient: zero(), Beta: zero(), Mean: zero(), Variance: zero(), Relevance: zero(),
	}
}

// describe copies the posterior into the result.
func (r *Result) describe(v *inference) {
	r.Alpha, r.Gamma = v.alpha, v.gamma
	r.Iterations, r.Converged, r.Trace = v.iterations, v.converged, v.trace
	if len(v.trace) > 0 {
		r.Bound = v.trace[len(v.trace)-1]
	}
	for i, j := range v.d.kept {
		r.Kept[j] = true
		r.Relevance[j] = 1 - v.kappa[i]
		if !v.failed {
			r.Mean[j] = v.g.mu[i]
			r.Variance[j] = max(v.g.second[i]-v.g.mu[i]*v.g.mu[i], 0)
		}
	}
	add := func(code WarningCode, value float64) {
		r.Warnings = append(r.Warnings, Warning{Code: code, Candidate: -1, Value: value})
	}
	switch {
	case v.failed:
		add(NotDefinite, 0)
	case !v.converged:
		add(NotConverged, float64(v.iterations))
	}
	if v.ridge > ridge {
		add(RidgeRaised, v.ridge)
	}
	if fall := v.falls(); fall > 1e-9 {
		add(BoundFell, fall)
	}
}

// adopt converts a selection to the units and the order of the input.
func (r *Result) adopt(d *design, sel selection) {
	fit := make([]float64, d.n)
	for i, j := range d.kept {
		r.Selected[j], r.Beta[j] = sel.selected[i], sel.beta[i]
		r.Coefficient[j] = sel.beta[i] * d.yUnit / d.unit[i]
		r.Intercept -= r.Coefficient[j] * d.center[i]
		floats.AddScaled(fit, sel.beta[i], d.column(i))
	}
	for _, s := range sel.sets {
		s.Seed = d.kept[s.Seed]
		for i := range s.Members {
			s.Members[i].Candidate = d.kept[s.Members[i].Candidate]
		}
		r.Sets = append(r.Sets, s)
	}
	r.Explained = d.explained(fit)
}

// explained returns the share of the target's variance explained by a fit, which it overwrites.
func (d *design) explained(fit []float64) float64 {
	floats.SubTo(fit, d.t, fit)
	return max(0, 1-floats.Dot(fit, fit)/floats.Dot(d.t, d.t))
}
