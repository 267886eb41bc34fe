// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
	"gonum.org/v1/gonum/mat"
)

const (
	neighbours     = 10   // largest number of columns used for a missing value
	neighbourCorr  = 0.6  // smallest correlation of each
	neighbourRows  = 8    // over at least so many rows
	neighbourSlack = 5e-3 // keeps a perfect copy from being infinitely certain
)

// fillFromNeighbours replaces the missing entries of X by their posterior mean given the most
// correlated columns that were observed in the same row: z_ij ~ N(0,1) and z_ik | z_ij ~ N(r
// z_ij, 1-r^2+slack). It does not use the target, which would flatter the fit. Remaining
// uncertainty enters the model as extra variance of the column, so that a half-missing column
// does not look certain.
func (d *design) fillFromNeighbours() {
	z := mat.DenseCopyOf(d.x)
	seen := d.observedMask()
	sd := make([]float64, d.p)
	for j := range d.p {
		col := z.RawRowView(j)
		sd[j] = math.Sqrt(floats.Dot(col, col) / math.Max(float64(d.n-len(d.missing[j])-1), 1))
	}
	for j, rows := range d.missing {
		if len(rows) == 0 {
			continue
		}
		near := d.neighboursOf(j, z, seen)
		col := d.column(j)
		for _, i := range rows {
			v, known := vote(near, i, z, seen, sd)
			col[i] = sd[j] * v
			d.doubt[j] = append(d.doubt[j], sd[j]*sd[j]*(1-known))
			d.extra[j] += sd[j] * sd[j] * (1 - known)
		}
	}
}

func (d *design) observedMask() *mat.Dense {
	seen := mat.NewDense(d.p, d.n, nil)
	for j, rows := range d.missing {
		row := seen.RawRowView(j)
		floats.AddConst(1, row)
		for _, i := range rows {
			row[i] = 0
		}
	}
	return seen
}

// neighbour is a column used to fill another, and its correlation.
type neighbour struct {
	k int
	r float64
}

// neighboursOf returns the columns with the largest pairwise-complete correlation to column j,
// strongest first.
func (d *design) neighboursOf(j int, z, seen *mat.Dense) []neighbour {
	var near []neighbour
	zj, sj := z.RawRowView(j), seen.RawRowView(j)
	for k := range d.p {
		if k == j {
			continue
		}
		r, rows := pairwise(zj, sj, z.RawRowView(k), seen.RawRowView(k))
		enough := math.Max(neighbourCorr, 3.5/math.Sqrt(math.Max(rows, 1)))
		if rows < neighbourRows || math.Abs(r) < enough {
			continue
		}
		near = append(near, neighbour{k, math.Max(-.9999, math.Min(r, .9999))})
	}
	slices.SortStableFunc(near, func(a, b neighbour) int {
		switch {
		case math.Abs(a.r) > math.Abs(b.r):
			return -1
		case math.Abs(a.r) < math.Abs(b.r):
			return 1
		}
		return a.k - b.k
	})
	return near[:min(len(near), neighbours)]
}

// pairwise returns the correlation about 0 over the rows in which both are observed, and their
// number. Missing entries are 0 in za and zb.
func pairwise(za, sa, zb, sb []float64) (r, rows float64) {
	rows = floats.Dot(sa, sb)
	var ab, aa, bb float64
	for i, a := range za {
		b := zb[i]
		ab += a * b
		aa += a * a * sb[i]
		bb += b * b * sa[i]
	}
	if den := math.Sqrt(aa * bb); den > 0 {
		r = ab / den
	}
	return r, rows
}

// vote returns the posterior mean of a missing entry of row i, and the share of its variance
// that the best neighbour explains.
func vote(near []neighbour, i int, z, seen *mat.Dense, sd []float64) (mean, known float64) {
	var num float64
	den := 1.0
	for _, b := range near {
		if seen.At(b.k, i) == 0 {
			continue
		}
		weight := b.r / (1 - b.r*b.r + neighbourSlack)
		num += weight * z.At(b.k, i) / sd[b.k]
		den += weight * b.r
		known = math.Max(known, b.r*b.r)
	}
	return num / den, known
}

// fillFromTarget is the published treatment: in each row the missing entries u
// maximise the expected likelihood given the observed ones o,
//
//	x_u = <beta_u beta_u'>^-1 (y mu_u - <beta_u beta_o'> x_o)
//
// It lets X follow y and so overfits; only the paper preset uses it.
func (d *design) fillFromTarget(q posterior, mu []float64) {
	unknown := make([][]int, d.n)
	for j, rows := range d.missing {
		for _, i := range rows {
			unknown[i] = append(unknown[i], j)
		}
	}
	for i, u := range unknown {
		if len(u) > 0 {
			d.fillRow(q, mu, i, u)
		}
	}
}

func (d *design) fillRow(q posterior, mu []float64, i int, u []int) {
	o := make([]int, 0, d.p-len(u))
	for j, next := 0, 0; j < d.p; j++ {
		if next < len(u) && u[next] == j {
			next++
			continue
		}
		o = append(o, j)
	}
	uu, uo := q.block(u, o)
	rhs := make([]float64, len(u))
	for a, j := range u {
		rhs[a] = d.t[i] * mu[j]
		for b, k := range o {
			rhs[a] -= uo[a*len(o)+b] * d.x.At(k, i)
		}
	}
	var chol mat.Cholesky
	if !chol.Factorize(mat.NewSymDense(len(u), uu)) {
		return // exact copies: keep the row as it is
	}
	x := mat.NewVecDense(len(u), rhs)
	solve(&chol, x, x)
	for a, j := range u {
		d.x.Set(j, i, rhs[a])
	}
}
