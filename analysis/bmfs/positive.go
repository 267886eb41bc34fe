// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// quadratic gives the quadratic form of the bound in beta: its precision J and
// the linear term X'y.
type quadratic interface {
	load(d *design)
	// diagonal sets dst_j = J_jj.
	diagonal(dst []float64, pr prior)
	// offTimes sets dst = (J - diag J) v, with <sqrt l><sqrt l>' off the diagonal.
	offTimes(dst []float64, pr prior, v []float64)
	target() []float64
}

// positive is q(beta) = prod_j LogNormal(h_j/z_j, 1/z_j), for coefficients that
// must be positive. It takes natural-gradient steps in (h, z) and needs no
// inverse: O(np) an iteration.
type positive struct {
	quad quadratic
	d    *design
	logNormal
	jd, b, work []float64 // diag J, alpha X'y, scratch
}

// logNormal holds the parameters and moments of independent log-normals.
type logNormal struct {
	h, z       []float64 // natural parameters: log-mean/log-variance, 1/log-variance
	m, v       []float64 // log-mean, log-variance
	mu, second []float64
}

func newLogNormal(p int) logNormal {
	cut := func() []float64 { return make([]float64, p) }
	return logNormal{h: cut(), z: cut(), m: cut(), v: cut(), mu: cut(), second: cut()}
}

// evaluate recomputes the moments from h and z; false when they would overflow.
func (l *logNormal) evaluate() bool {
	for j, z := range l.z {
		m, v := l.h[j]/z, 1/z
		if !(z > 1e-8) || !(m+v < 300) {
			return false
		}
		l.m[j], l.v[j] = m, v
		l.mu[j], l.second[j] = math.Exp(m+v/2), math.Exp(2*(m+v))
	}
	return true
}

func newPositive(q quadratic, d *design, start []float64) *positive {
	b := &positive{quad: q, d: d, logNormal: newLogNormal(d.p)}
	b.jd, b.b, b.work = make([]float64, d.p), make([]float64, d.p), make([]float64, d.p)
	for j, s := range start {
		b.z[j] = 100
		b.h[j] = 100 * math.Log(math.Max(s, 0)+1e-3)
	}
	b.evaluate()
	return b
}

func (b *positive) load(d *design) {
	b.d = d
	b.quad.load(d)
}

// value is the part of the bound that depends on q(beta).
func (b *positive) value(l *logNormal, pr prior) float64 {
	b.quad.offTimes(b.work, pr, l.mu)
	f := -(floats.Dot(b.jd, l.second)+floats.Dot(l.mu, b.work))/2 + floats.Dot(b.b, l.mu)
	for j, v := range l.v {
		f += l.m[j] + math.Log(v)/2
	}
	return f
}

func (b *positive) update(pr prior) gaussian {
	b.quad.diagonal(b.jd, pr)
	floats.ScaleTo(b.b, pr.alpha, b.quad.target())
	b.search(pr)
	return b.summary(pr.ridge)
}

// search takes one natural-gradient step, halved until the bound rises.
func (b *positive) search(pr prior) {
	p := len(b.h)
	dh, dz := make([]float64, p), make([]float64, p)
	f0 := b.value(&b.logNormal, pr)
	var slope float64
	for j := range p {
		m, v, z := b.m[j], b.v[j], b.z[j]
		t1 := b.jd[j] * b.second[j]
		t3 := (b.b[j] - b.work[j]) * b.mu[j]
		dh[j] = t3*(1-m) - t1*(1-2*m) + 1 - b.h[j]
		dz[j] = 2*t1 - t3 - z
		dm, dv := (dh[j]-m*dz[j])/z, -dz[j]/(z*z)
		slope += (t3-t1+1)*dm + (t3/2-t1+0.5/v)*dv
	}
	next := newLogNormal(p)
	for eta, try := stepMax, 0; try < 60; eta, try = eta/2, try+1 {
		floats.AddScaledTo(next.h, b.h, eta, dh)
		floats.AddScaledTo(next.z, b.z, eta, dz)
		if next.evaluate() && b.value(&next, pr) >= f0+armijo*eta*slope {
			b.logNormal = next
			return
		}
	}
}

// summary returns the moments for the other factors. Only the diagonal of <beta beta'> differs
// from mu mu'.
func (b *positive) summary(ridge float64) gaussian {
	fit := make([]float64, b.d.n)
	mulT(fit, b.d.x, b.mu)
	floats.SubTo(fit, b.d.t, fit)
	g := gaussian{mu: b.mu, second: b.second, resid: floats.Dot(fit, fit), ridge: ridge}
	for j := range b.mu {
		x := b.d.column(j)
		g.resid += floats.Dot(x, x)*(b.second[j]-b.mu[j]*b.mu[j]) + b.d.extra[j]*b.second[j]
		g.logDet += 2*b.m[j] + math.Log(b.v[j])
	}
	return g
}

func (b *positive) coupling(dst, s []float64) {
	floats.MulTo(b.work, b.mu, s)
	ones := make([]float64, len(s))
	floats.AddConst(1, ones)
	b.quad.offTimes(dst, prior{gamma: 1, root: ones}, b.work)
	floats.Mul(dst, b.mu)
}

func (b *positive) block(u, o []int) (uu, uo []float64) {
	return blockOf(u, o, func(j, k int) float64 {
		if j == k {
			return b.second[j]
		}
		return b.mu[j] * b.mu[k]
	})
}
