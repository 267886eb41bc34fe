// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/lapack/lapack64"
	"gonum.org/v1/gonum/mat"
)

// dense holds q(beta) with its full covariance: O(p^3) an iteration, X'X once.
type dense struct {
	p    int
	k    *mat.SymDense // prior correlation
	xx   *mat.SymDense // E[X'X]
	xy   []float64
	xtra []float64 // part of the diagonal of xx
	x    *mat.Dense
	t    []float64

	sigma *mat.SymDense // the precision J, then its inverse
	km    *mat.SymDense // K o <beta beta'>
	g     gaussian
	fit   []float64
}

func newDense(d *design) *dense {
	b := &dense{p: d.p, k: mat.NewSymDense(d.p, nil), km: mat.NewSymDense(d.p, nil)}
	if d.f != nil {
		b.k.SymOuterK(1, d.f)
	}
	for j, v := range d.k0 {
		b.k.SetSym(j, j, b.k.At(j, j)+v)
	}
	b.sigma = mat.NewSymDense(d.p, nil)
	b.g.mu, b.g.second = make([]float64, d.p), make([]float64, d.p)
	b.fit = make([]float64, d.n)
	b.load(d)
	return b
}

func (b *dense) load(d *design) {
	b.x, b.t, b.xtra = d.x, d.t, d.extra
	if b.xx == nil {
		b.xx, b.xy = mat.NewSymDense(d.p, nil), make([]float64, d.p)
	}
	b.xx.SymOuterK(1, d.x)
	for j, q := range d.extra {
		b.xx.SetSym(j, j, b.xx.At(j, j)+q)
	}
	mul(b.xy, d.x, d.t)
}

// update sets Sigma = J^-1 and mu = alpha Sigma X'y with
// J = alpha X'X + gamma (K o <L^1/2 1 1' L^1/2>) + ridge I.
func (b *dense) update(pr prior) gaussian {
	factor, ok := b.factor(pr)
	for raise := 0; !ok && raise < 5; raise++ {
		pr.ridge *= 10
		factor, ok = b.factor(pr)
	}
	b.g.ridge, b.g.failed = pr.ridge, !ok
	if !ok {
		return b.g
	}
	b.g.logDet = 0
	for j := range b.p {
		b.g.logDet -= 2 * math.Log(b.sigma.At(j, j))
	}
	floats.ScaleTo(b.g.mu, pr.alpha, b.xy)
	blas64.Trsv(trans, factor, vector(b.g.mu))
	blas64.Trsv(noTrans, factor, vector(b.g.mu))
	lapack64.Potri(factor)
	b.products()
	return b.g
}

// factor writes J to sigma and factorises it in place. It calls LAPACK directly, because the
// condition number that mat.Cholesky computes would take a tenth of the whole fit.
func (b *dense) factor(pr prior) (blas64.Triangular, bool) {
	j, k, xx := b.sigma.RawSymmetric(), b.k.RawSymmetric(), b.xx.RawSymmetric()
	for r := range b.p {
		row, krow, xrow := j.Data[r*j.Stride:], k.Data[r*k.Stride:], xx.Data[r*xx.Stride:]
		sr := pr.gamma * pr.root[r]
		for c := r + 1; c < b.p; c++ {
			row[c] = sr*pr.root[c]*krow[c] + pr.alpha*xrow[c]
		}
		row[r] = pr.gamma*pr.mean[r]*krow[r] + pr.alpha*xrow[r] + pr.ridge
	}
	return lapack64.Potrf(j)
}

// products fills <beta_j^2>, K o <beta beta'> and the expected residual
// |y - X mu|^2 + tr(X'X Sigma) from mu and Sigma.
func (b *dense) products() {
	s, k, xx, km := b.sigma.RawSymmetric(), b.k.RawSymmetric(), b.xx.RawSymmetric(), b.km.RawSymmetric()
	var trace float64
	for r := range b.p {
		srow, krow := s.Data[r*s.Stride:], k.Data[r*k.Stride:]
		xrow, out := xx.Data[r*xx.Stride:], km.Data[r*km.Stride:]
		m := b.g.mu[r]
		b.g.second[r] = m*m + srow[r]
		var off float64
		for c := r; c < b.p; c++ {
			out[c] = krow[c] * (m*b.g.mu[c] + srow[c])
			off += srow[c] * xrow[c]
		}
		trace += 2*off - srow[r]*xrow[r]
	}
	mulT(b.fit, b.x, b.g.mu)
	b.g.resid = math.Max(trace, 0)
	for i, t := range b.t {
		e := t - b.fit[i]
		b.g.resid += e * e
	}
	for j, q := range b.xtra {
		b.g.resid += q * b.g.mu[j] * b.g.mu[j]
	}
}

func (b *dense) coupling(dst, s []float64) {
	symv(dst, b.km, s)
	for j := range dst {
		dst[j] -= b.km.At(j, j) * s[j]
	}
}

func (b *dense) block(u, o []int) (uu, uo []float64) {
	entry := func(j, k int) float64 { return b.g.mu[j]*b.g.mu[k] + b.sigma.At(j, k) }
	return blockOf(u, o, entry)
}

// blockOf builds the matrices of entries u by u and u by o, row by row.
func blockOf(u, o []int, entry func(j, k int) float64) (uu, uo []float64) {
	for _, j := range u {
		for _, k := range u {
			uu = append(uu, entry(j, k))
		}
		for _, k := range o {
			uo = append(uo, entry(j, k))
		}
	}
	return uu, uo
}

// diagonal and offTimes give the precision J to the positive variant.
func (b *dense) diagonal(dst []float64, pr prior) {
	for j := range dst {
		dst[j] = pr.alpha*b.xx.At(j, j) + pr.gamma*b.k.At(j, j)*pr.mean[j] + pr.ridge
	}
}

func (b *dense) offTimes(dst []float64, pr prior, v []float64) {
	sv := make([]float64, b.p)
	floats.MulTo(sv, pr.root, v)
	symv(dst, b.k, sv)
	xv := make([]float64, b.p)
	symv(xv, b.xx, v)
	for j, s := range pr.root {
		own := pr.alpha*b.xx.At(j, j) + pr.gamma*b.k.At(j, j)*s*s
		dst[j] = pr.alpha*xv[j] + pr.gamma*s*dst[j] - own*v[j]
	}
}

func (b *dense) target() []float64 { return b.xy }

func symv(dst []float64, a *mat.SymDense, v []float64) {
	blas64.Symv(1, a.RawSymmetric(), vector(v), 0, vector(dst))
}
