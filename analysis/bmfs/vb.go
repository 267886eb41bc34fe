// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// inference is the state of the variational iterations.
type inference struct {
	d   *design
	opt settings
	q   posterior
	g   gaussian

	alpha, gamma float64
	local, next  *scales
	off, offNext []float64 // coupling at local.root, next.root
	kd           []float64
	pull         float64 // B: <beta' L^1/2 K L^1/2 beta>

	kappa      []float64
	trace      []float64
	iterations int
	converged  bool
	ridge      float64 // the largest ridge that q(beta) needed
	failed     bool
}

func newInference(d *design, opt settings) *inference {
	v := &inference{
		d: d, opt: opt, alpha: 1, gamma: 10, kd: d.kDiag(), ridge: ridge,
		local: newScales(d.p), next: newScales(d.p),
		off: make([]float64, d.p), offNext: make([]float64, d.p), kappa: make([]float64, d.p),
	}
	start := ridgeSolve(d.x, d.t, 0.1*float64(d.n))
	v.q = newPosterior(d, opt, start)
	for j, m := range start {
		v.local.d[j] = v.gamma/2*m*m + 1e-2
	}
	v.local.evaluate()
	v.local.kappa(v.kappa)
	v.g.mu = start
	return v
}

// newPosterior chooses the form of q(beta). For the positive variant it moves start to the mean
// of the log-normals.
func newPosterior(d *design, opt settings, start []float64) posterior {
	wide := opt.Solver == Woodbury || opt.Solver == Auto && d.p > 5*d.n
	var q interface {
		posterior
		quadratic
	}
	if wide {
		q = newWoodbury(d)
	} else {
		q = newDense(d)
	}
	if !opt.Positive {
		return q
	}
	pos := newPositive(q, d, start)
	copy(start, pos.mu)
	return pos
}

// run iterates until the mean and kappa converge.
func (v *inference) run() {
	old, oldKappa := make([]float64, v.d.p), make([]float64, v.d.p)
	for v.iterations < v.opt.MaxIterations && !v.converged && !v.failed {
		v.iterations++
		copy(old, v.g.mu)
		copy(oldKappa, v.kappa)
		v.iterate()
		v.local.kappa(v.kappa)
		n := float64(v.d.p)
		v.converged = floats.Distance(v.g.mu, old, 1)/n <= v.opt.TolMean &&
			floats.Distance(v.kappa, oldKappa, 1)/n <= v.opt.TolRelevance
	}
}

// iterate updates q(beta), q(lambda), q(alpha) and q(gamma), in this order, and records the
// bound after each.
func (v *inference) iterate() {
	v.g = v.q.update(prior{v.alpha, v.gamma, v.local.mean, v.local.root, ridge})
	if v.ridge = math.Max(v.ridge, v.g.ridge); v.g.failed {
		v.failed = true
		return
	}
	v.q.coupling(v.off, v.local.root)
	v.pull = v.quadratic(v.local, v.off)
	v.trace = append(v.trace, v.bound())
	v.shrink()
	v.trace = append(v.trace, v.bound())
	n, p := float64(v.d.n), float64(v.d.p)
	v.alpha = n / (v.g.resid + v.opt.noiseFloor*n)
	v.gamma = p / (v.pull + tiny*p)
	v.trace = append(v.trace, v.bound())
	if v.d.gaps && v.opt.Preset == Paper {
		v.d.fillFromTarget(v.q, v.g.mu)
		v.q.load(v.d)
	}
}

// quadratic is sum_j K_jj M_jj <l_j> + sum_{j != k} K_jk M_jk s_j s_k.
func (v *inference) quadratic(s *scales, off []float64) float64 {
	b := floats.Dot(s.root, off)
	for j, m := range s.mean {
		b += v.kd[j] * v.g.second[j] * m
	}
	return b
}

// shrink takes one natural-gradient step on all parameters of q(lambda): the
// fixed point is d_j = w_j/2 + r_j u_j with w_j = gamma K_jj M_jj and u the
// coupling. The Fisher information of d_j is Var(lambda_j), so the plain
// gradient is the natural one times that variance. The step is halved until
// the bound rises enough.
func (v *inference) shrink() {
	step := make([]float64, v.d.p)
	var slope float64
	for j, d := range v.local.d {
		w := v.gamma * v.kd[j] * v.g.second[j]
		step[j] = w/2 + v.local.ratio[j]*v.gamma*v.off[j] - d
		slope += step[j] * step[j] * v.local.variance[j]
	}
	f0 := v.local.entropy - v.gamma*v.pull/2
	for eta, try := stepMax, 0; try < 100; eta, try = eta/2, try+1 {
		floats.AddScaledTo(v.next.d, v.local.d, eta, step)
		if floats.Min(v.next.d) <= 1e-12 || floats.Max(v.next.d) > v.opt.dMax {
			continue
		}
		v.next.evaluate()
		v.q.coupling(v.offNext, v.next.root)
		pull := v.quadratic(v.next, v.offNext)
		if v.next.entropy-v.gamma*pull/2 >= f0+armijo*eta*slope {
			v.local, v.next = v.next, v.local
			v.pull = pull
			return
		}
	}
}

// bound is the evidence lower bound up to a constant, with q(alpha) and
// q(gamma) collapsed.
func (v *inference) bound() float64 {
	n, p := float64(v.d.n), float64(v.d.p)
	return n/2*math.Log(v.alpha) - v.alpha/2*(v.g.resid+v.opt.noiseFloor*n) +
		p/2*math.Log(v.gamma) - v.gamma/2*(v.pull+tiny*p) -
		v.g.ridge/2*floats.Sum(v.g.second) + v.g.logDet/2 + v.local.entropy
}

// falls returns the largest relative decrease of the recorded bound, 0 if there is none.
func (v *inference) falls() float64 {
	worst, scale := 0.0, 1.0
	for _, b := range v.trace {
		scale = math.Max(scale, math.Abs(b))
	}
	for i := 1; i < len(v.trace); i++ {
		worst = math.Max(worst, (v.trace[i-1]-v.trace[i])/scale)
	}
	return worst
}
