// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"math/rand/v2"
	"testing"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// problem is a small design with two correlated candidates and some missing samples, and a
// state of the other factors.
func problem(n, p int, missing float64) (*design, prior) {
	rng := rand.New(rand.NewPCG(uint64(n), uint64(p)))
	x, y := make([][]float64, p), make([]float64, n)
	for j := range x {
		x[j] = make([]float64, n)
		for i := range x[j] {
			x[j][i] = rng.NormFloat64()
			if j == 1 {
				x[j][i] = x[0][i] + .1*x[j][i]
			}
		}
	}
	for i := range y {
		y[i] = x[0][i] - x[2][i] + .2*rng.NormFloat64()
	}
	for j := range x {
		for i := range x[j] {
			if rng.Float64() < missing {
				x[j][i] = math.NaN()
			}
		}
	}
	d, _, _ := prepare(x, y, Options{}.withDefaults())
	if d.gaps {
		d.fillFromNeighbours()
	}
	s := newScales(d.p)
	for j := range s.d {
		s.d[j] = .1 + rng.Float64()
	}
	s.evaluate()
	return d, prior{alpha: 3, gamma: 7, mean: s.mean, root: s.root, ridge: ridge}
}

// precision computes J from its definition, entry by entry.
func (d *design) precision(pr prior) *mat.SymDense {
	j := mat.NewSymDense(d.p, nil)
	for a := range d.p {
		for b := a; b < d.p; b++ {
			k := 0.0
			if d.f != nil {
				k = floats.Dot(d.f.RawRowView(a), d.f.RawRowView(b))
			}
			v := pr.alpha*floats.Dot(d.column(a), d.column(b)) + pr.gamma*k*pr.root[a]*pr.root[b]
			if a == b {
				v = pr.alpha*(floats.Dot(d.column(a), d.column(a))+d.extra[a]) + pr.gamma*(k+d.k0[a])*pr.mean[a] + pr.ridge
			}
			j.SetSym(a, b, v)
		}
	}
	return j
}

func TestPosteriorFromTheDefinition(t *testing.T) {
	for _, missing := range []float64{0, .2} {
		d, pr := problem(15, 9, missing)
		var chol mat.Cholesky
		chol.Factorize(d.precision(pr))
		var sigma mat.SymDense
		_ = chol.InverseTo(&sigma)
		xy := make([]float64, d.p)
		mul(xy, d.x, d.t)
		var mu mat.VecDense
		mu.MulVec(&sigma, mat.NewVecDense(d.p, xy))
		mu.ScaleVec(pr.alpha, &mu)
		for name, q := range map[string]posterior{"dense": newDense(d), "woodbury": newWoodbury(d)} {
			g := q.update(pr)
			check := func(what string, got, want float64) {
				if math.Abs(got-want) > 1e-9*(1+math.Abs(want)) {
					t.Errorf("%s, %g missing: %s is %g, want %g", name, missing, what, got, want)
				}
			}
			check("log determinant", g.logDet, -chol.LogDet())
			check("residual", g.resid, d.expectedResidual(mu.RawVector().Data, &sigma))
			off := make([]float64, d.p)
			q.coupling(off, pr.root)
			for j := range d.p {
				check("mean", g.mu[j], mu.AtVec(j))
				check("second moment", g.second[j], mu.AtVec(j)*mu.AtVec(j)+sigma.At(j, j))
				check("coupling", off[j], d.couplingOf(j, mu.RawVector().Data, &sigma, pr.root))
			}
			uu, uo := q.block([]int{1, 4}, []int{0, 2, 3})
			check("block", uu[1], mu.AtVec(1)*mu.AtVec(4)+sigma.At(1, 4))
			check("block", uu[3], mu.AtVec(4)*mu.AtVec(4)+sigma.At(4, 4))
			check("block", uo[5], mu.AtVec(4)*mu.AtVec(3)+sigma.At(4, 3))
		}
	}
}

// expectedResidual is <|y - X beta|^2> with the variance of what was filled in.
func (d *design) expectedResidual(mu []float64, sigma *mat.SymDense) float64 {
	fit := make([]float64, d.n)
	mulT(fit, d.x, mu)
	floats.SubTo(fit, d.t, fit)
	sum := floats.Dot(fit, fit)
	for a := range d.p {
		for b := range d.p {
			sum += floats.Dot(d.column(a), d.column(b)) * sigma.At(a, b)
		}
		sum += d.extra[a] * (mu[a]*mu[a] + sigma.At(a, a))
	}
	return sum
}

func (d *design) couplingOf(j int, mu []float64, sigma *mat.SymDense, s []float64) float64 {
	sum := 0.0
	for k := range d.p {
		if k != j {
			sum += floats.Dot(d.f.RawRowView(j), d.f.RawRowView(k)) * (mu[j]*mu[k] + sigma.At(j, k)) * s[k]
		}
	}
	return sum
}

// bumped is q(lambda) with one parameter changed.
func bumped(s *scales, j int, by float64) *scales {
	out := newScales(len(s.d))
	copy(out.d, s.d)
	out.d[j] += by
	out.evaluate()
	return out
}

// The step of q(lambda) is Var(lambda)^-1 times the gradient of the bound.
func TestNaturalGradientOfLambda(t *testing.T) {
	d, _ := problem(15, 9, 0)
	v := newInference(d, Options{}.withDefaults())
	v.iterate()
	v.g = v.q.update(prior{v.alpha, v.gamma, v.local.mean, v.local.root, ridge})
	v.q.coupling(v.off, v.local.root)
	value := func(s *scales) float64 {
		off := make([]float64, d.p)
		v.q.coupling(off, s.root)
		return s.entropy - v.gamma*v.quadratic(s, off)/2
	}
	for j := range d.p {
		h := 1e-5 * v.local.d[j]
		slope := (value(bumped(v.local, j, h)) - value(bumped(v.local, j, -h))) / (2 * h)
		w := v.gamma * v.kd[j] * v.g.second[j]
		step := w/2 + v.local.ratio[j]*v.gamma*v.off[j] - v.local.d[j]
		if want := step * v.local.variance[j]; math.Abs(slope-want) > 1e-5*(1e-3+math.Abs(want)) {
			t.Errorf("candidate %d: slope %g, natural gradient says %g", j, slope, want)
		}
	}
}

// Each update maximises the bound over its own factor: moving it lowers the bound.
func TestAlphaAndGammaMaximiseTheBound(t *testing.T) {
	d, _ := problem(20, 6, 0)
	v := newInference(d, Options{}.withDefaults())
	for range 5 {
		v.iterate()
	}
	best := v.bound()
	for _, move := range []func(){func() { v.alpha *= 1.01 }, func() { v.alpha /= 1.01 }, func() { v.gamma *= 1.01 }, func() { v.gamma /= 1.01 }} {
		alpha, gamma := v.alpha, v.gamma
		if move(); v.bound() >= best {
			t.Errorf("bound %g with alpha %g and gamma %g, %g after the update", v.bound(), v.alpha, v.gamma, best)
		}
		v.alpha, v.gamma = alpha, gamma
	}
}

// The precision of the positive variant, piece by piece, on both solvers.
func TestQuadraticFormOfThePositiveVariant(t *testing.T) {
	d, pr := problem(15, 9, .2)
	j := d.precision(pr)
	v := make([]float64, d.p)
	for i := range v {
		v[i] = float64(i) - 3
	}
	for name, q := range map[string]quadratic{"dense": newDense(d), "woodbury": newWoodbury(d)} {
		diag, off := make([]float64, d.p), make([]float64, d.p)
		q.diagonal(diag, pr)
		q.offTimes(off, pr, v)
		for a := range d.p {
			want := 0.0
			for b := range d.p {
				if a != b {
					want += j.At(a, b) * v[b]
				}
			}
			if math.Abs(diag[a]-j.At(a, a)) > 1e-9 || math.Abs(off[a]-want) > 1e-9 {
				t.Errorf("%s: row %d is %g and %g, want %g and %g", name, a, diag[a], off[a], j.At(a, a), want)
			}
		}
	}
}

func TestPositiveStepsRaiseTheBound(t *testing.T) {
	d, pr := problem(20, 6, 0)
	q := newPositive(newDense(d), d, ridgeSolve(d.x, d.t, 2))
	last := math.Inf(-1)
	for range 30 {
		g := q.update(pr)
		value := q.value(&q.logNormal, pr)
		if value < last-1e-9 {
			t.Fatalf("the bound falls from %g to %g", last, value)
		}
		last = value
		if floats.Min(g.mu) <= 0 {
			t.Fatalf("a mean is %g", floats.Min(g.mu))
		}
	}
	uu, uo := q.block([]int{0}, []int{1})
	if uu[0] != q.second[0] || uo[0] != q.mu[0]*q.mu[1] {
		t.Errorf("blocks %v and %v do not follow from the moments", uu, uo)
	}
}

// If a matrix isn't positive definite, the ridge is raised and reported.
func TestRidgeIsRaisedWhenNeeded(t *testing.T) {
	d, pr := problem(15, 9, 0)
	b := newDense(d)
	b.xx.SetSym(0, 0, b.xx.At(0, 0)-1e3)
	if g := b.update(pr); !g.failed {
		t.Errorf("a negative diagonal of -%g was factorised", 1e3*pr.alpha)
	}
	b = newDense(d)
	own := pr.alpha*b.xx.At(8, 8) + pr.gamma*b.k.At(8, 8)*pr.mean[8]
	b.xx.SetSym(8, 8, b.xx.At(8, 8)-(own+.5)/pr.alpha+40)
	if g := b.update(prior{pr.alpha, pr.gamma, pr.mean, pr.root, 1e-9}); g.failed {
		t.Error("a positive definite matrix failed")
	}
}
