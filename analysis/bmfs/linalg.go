// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"gonum.org/v1/gonum/blas"
	"gonum.org/v1/gonum/blas/blas64"
	"gonum.org/v1/gonum/mat"
)

const (
	noTrans = blas.NoTrans
	trans   = blas.Trans
)

func vector(v []float64) blas64.Vector {
	return blas64.Vector{N: len(v), Data: v, Inc: 1}
}

func addDiagonal(s *mat.SymDense, v float64) {
	for i := range s.SymmetricDim() {
		s.SetSym(i, i, s.At(i, i)+v)
	}
}

// solve sets dst to the solution. A large condition number is reported by
// gonum as an error with a usable result; every matrix here is regularised, so
// the result stands.
func solve(chol *mat.Cholesky, dst, b *mat.VecDense) { _ = chol.SolveVecTo(dst, b) }

// mul sets dst = A v.
func mul(dst []float64, a *mat.Dense, v []float64) {
	blas64.Gemv(noTrans, 1, a.RawMatrix(), vector(v), 0, vector(dst))
}

// mulT sets dst = A' v.
func mulT(dst []float64, a *mat.Dense, v []float64) {
	blas64.Gemv(trans, 1, a.RawMatrix(), vector(v), 0, vector(dst))
}

// ridgeSolve returns (X X' + penalty I)^-1 X t for X with one candidate per row, solved in the
// smaller of its two dimensions.
func ridgeSolve(x *mat.Dense, t []float64, penalty float64) []float64 {
	p, n := x.Dims()
	b := make([]float64, p)
	var g mat.SymDense
	var chol mat.Cholesky
	if p <= n {
		mul(b, x, t)
		g.SymOuterK(1, x)
		addDiagonal(&g, penalty)
		chol.Factorize(&g)
		v := mat.NewVecDense(p, b)
		solve(&chol, v, v)
		return b
	}
	g.SymOuterK(1, x.T())
	addDiagonal(&g, penalty)
	chol.Factorize(&g)
	u := mat.NewVecDense(n, nil)
	solve(&chol, u, mat.NewVecDense(n, t))
	mul(b, x, u.RawVector().Data)
	return b
}
