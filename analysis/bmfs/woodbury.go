// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"

	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

// woodbury holds q(beta) without forming its covariance, for p >> n. With
// A diagonal and U = [sqrt(alpha) X, sqrt(gamma) L^1/2 F] (p by 2n),
//
//	J = A + U U',  T = I + U'A^-1 U = L L',  W = A^-1 U L^-T
//	Sigma = A^-1 - W W'
//
// T has no eigenvalue below 1, so its factor is always well conditioned.
type woodbury struct {
	n, p, m int        // m = columns of U
	f       *mat.Dense // nil when K is diagonal
	k0, kd  []float64
	x       *mat.Dense
	t       []float64
	xtra    []float64
	xy      []float64

	ai   []float64 // 1/A
	w    *mat.Dense
	tt   *mat.SymDense
	chol mat.Cholesky
	low  mat.TriDense
	ws   *mat.Dense // F'(S W), then scratch
	fw   *mat.Dense
	g    gaussian
}

func newWoodbury(d *design) *woodbury {
	b := &woodbury{n: d.n, p: d.p, m: d.n, f: d.f, k0: d.k0, kd: d.kDiag()}
	if d.f != nil {
		b.m = 2 * d.n
		b.fw = mat.NewDense(b.n, b.m, nil)
	}
	b.w, b.ws = mat.NewDense(b.p, b.m, nil), mat.NewDense(b.p, b.m, nil)
	b.tt = mat.NewSymDense(b.m, nil)
	b.ai, b.xy = make([]float64, d.p), make([]float64, d.p)
	b.g.mu, b.g.second = make([]float64, d.p), make([]float64, d.p)
	b.load(d)
	return b
}

func (b *woodbury) load(d *design) {
	b.x, b.t, b.xtra = d.x, d.t, d.extra
	mul(b.xy, d.x, d.t)
}

// update is described at woodbury; l - s^2 is the variance of sqrt(lambda), so A is positive.
func (b *woodbury) update(pr prior) gaussian {
	for j, s := range pr.root {
		a := pr.gamma*(b.kd[j]*(pr.mean[j]-s*s)+b.k0[j]*s*s) + pr.alpha*b.xtra[j] + pr.ridge
		b.ai[j] = 1 / a
	}
	b.g.ridge = pr.ridge
	b.factor(pr)
	b.means(pr.alpha)
	return b.g
}

// factor computes T, its Cholesky factor and W.
func (b *woodbury) factor(pr prior) {
	ra, rg := math.Sqrt(pr.alpha), math.Sqrt(pr.gamma)
	half := b.ws // A^-1/2 U, so that T is one symmetric product
	for j := range b.p {
		u, h := b.w.RawRowView(j), half.RawRowView(j)
		floats.ScaleTo(u[:b.n], ra, b.x.RawRowView(j))
		if b.f != nil {
			floats.ScaleTo(u[b.n:], rg*pr.root[j], b.f.RawRowView(j))
		}
		floats.ScaleTo(h, math.Sqrt(b.ai[j]), u)
		floats.Scale(b.ai[j], u)
	}
	b.tt.SymOuterK(1, half.T())
	addDiagonal(b.tt, 1)
	b.chol.Factorize(b.tt) // cannot fail: T >= I
	b.chol.LTo(&b.low)
	blas64.Trsm(blas.Right, trans, 1, b.low.RawTriangular(), b.w.RawMatrix())
}

// means fills mu, <beta_j^2>, ln|Sigma| and the expected residual.
func (b *woodbury) means(alpha float64) {
	rhs := make([]float64, b.p)
	floats.ScaleTo(rhs, alpha, b.xy)
	wb := make([]float64, b.m)
	mulT(wb, b.w, rhs)
	mul(b.g.mu, b.w, wb)
	var logA, spread float64
	for j, a := range b.ai {
		b.g.mu[j] = rhs[j]*a - b.g.mu[j]
		logA -= math.Log(a)
		w, x := b.w.RawRowView(j), b.x.RawRowView(j)
		b.g.second[j] = b.g.mu[j]*b.g.mu[j] + math.Max(a-floats.Dot(w, w), 0)
		spread += floats.Dot(x, x) * a
	}
	b.g.logDet = -logA - b.chol.LogDet()

	xw := mat.NewDense(b.n, b.m, nil)
	gemm(trans, b.x, b.w, xw)
	spread -= sumSquares(xw)
	fit := make([]float64, b.n)
	mulT(fit, b.x, b.g.mu)
	floats.SubTo(fit, b.t, fit)
	b.g.resid = floats.Dot(fit, fit) + math.Max(spread, 0) + floats.Dot(b.xtra, b.g.second)
}

func gemm(ta blas.Transpose, a, b, c *mat.Dense) {
	blas64.Gemm(ta, noTrans, 1, a.RawMatrix(), b.RawMatrix(), 0, c.RawMatrix())
}

func sumSquares(a *mat.Dense) float64 {
	var ss float64
	for i := range a.RawMatrix().Rows {
		row := a.RawRowView(i)
		ss += floats.Dot(row, row)
	}
	return ss
}

// coupling computes (K o <beta beta'>) s - diagonal without a p by p matrix:
//
//	mu o K(mu o s) + K_jj s_j/A_j - rowsum(W o (K S W)) - K_jj <beta_j^2> s_j
func (b *woodbury) coupling(dst, s []float64) {
	ms := make([]float64, b.p)
	floats.MulTo(ms, b.g.mu, s)
	b.kTimes(dst, ms)
	if b.f != nil {
		for j := range b.p {
			floats.ScaleTo(b.ws.RawRowView(j), s[j], b.w.RawRowView(j))
		}
		gemm(trans, b.f, b.ws, b.fw)
		gemm(noTrans, b.f, b.fw, b.ws)
	}
	for j := range b.p {
		w := b.w.RawRowView(j)
		kw := b.k0[j] * s[j] * floats.Dot(w, w)
		if b.f != nil {
			kw += floats.Dot(w, b.ws.RawRowView(j))
		}
		dst[j] = b.g.mu[j]*dst[j] + b.kd[j]*s[j]*(b.ai[j]-b.g.second[j]) - kw
	}
}

// kTimes sets dst = K v.
func (b *woodbury) kTimes(dst, v []float64) {
	floats.MulTo(dst, b.k0, v)
	if b.f == nil {
		return
	}
	fv := make([]float64, b.n)
	mulT(fv, b.f, v)
	blas64.Gemv(noTrans, 1, b.f.RawMatrix(), vector(fv), 1, vector(dst))
}

func (b *woodbury) block(u, o []int) (uu, uo []float64) {
	return blockOf(u, o, func(j, k int) float64 {
		v := b.g.mu[j]*b.g.mu[k] - floats.Dot(b.w.RawRowView(j), b.w.RawRowView(k))
		if j == k {
			v += b.ai[j]
		}
		return v
	})
}

func (b *woodbury) diagonal(dst []float64, pr prior) {
	for j := range dst {
		x := b.x.RawRowView(j)
		dst[j] = pr.alpha*(floats.Dot(x, x)+b.xtra[j]) + pr.gamma*b.kd[j]*pr.mean[j] + pr.ridge
	}
}

func (b *woodbury) offTimes(dst []float64, pr prior, v []float64) {
	sv := make([]float64, b.p)
	floats.MulTo(sv, pr.root, v)
	b.kTimes(dst, sv)
	xv, fit := make([]float64, b.p), make([]float64, b.n)
	mulT(fit, b.x, v)
	mul(xv, b.x, fit)
	for j, s := range pr.root {
		x := b.x.RawRowView(j)
		dst[j] = pr.alpha*(xv[j]-floats.Dot(x, x)*v[j]) + pr.gamma*s*(dst[j]-b.kd[j]*s*v[j])
	}
}

func (b *woodbury) target() []float64 { return b.xy }
