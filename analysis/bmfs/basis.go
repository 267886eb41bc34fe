package bmfs

import (
	"math"

	"gonum.org/v1/gonum/floats"
)

// basis is an orthonormal basis of a few columns, grown by modified
// Gram-Schmidt, and the residual of the target on it.
type basis struct {
	q     [][]float64
	resid []float64
}

func newBasis(t []float64) *basis {
	return &basis{resid: append([]float64(nil), t...)}
}

// project takes the part in the span out of v, twice: once is not enough when
// v lies nearly in it.
func (b *basis) project(v []float64) {
	for range 2 {
		for _, q := range b.q {
			floats.AddScaled(v, -floats.Dot(q, v), q)
		}
	}
}

// add puts column c into the basis unless less than share of its norm lies
// outside the span. It returns the new direction, or nil.
func (b *basis) add(c []float64, share float64) []float64 {
	v := append([]float64(nil), c...)
	b.project(v)
	norm := floats.Norm(v, 2)
	if norm <= share*floats.Norm(c, 2) || norm == 0 {
		return nil
	}
	floats.Scale(1/norm, v)
	b.q = append(b.q, v)
	floats.AddScaled(b.resid, -floats.Dot(v, b.resid), v)
	return v
}

func (b *basis) rss() float64 { return floats.Dot(b.resid, b.resid) }

// basisOf spans the columns of S.
func (d *design) basisOf(s []int) *basis {
	b := newBasis(d.t)
	for _, j := range s {
		b.add(d.column(j), 1e-8)
	}
	return b
}

// without is s without its i-th element.
func without(s []int, i int) []int {
	return append(append(make([]int, 0, len(s)), s[:i]...), s[i+1:]...)
}

// gain is the fall of the residual sum of squares by column r, already
// orthogonal to the span, and -1 for a column of norm that is nearly in it.
func gain(r, resid []float64, norm float64) float64 {
	den := floats.Dot(r, r)
	if !(den > 1e-6*norm*norm) {
		return -1
	}
	dot := floats.Dot(r, resid)
	return dot * dot / den
}

// scorer turns residual sums of squares into -2 log-likelihood, with a floor
// under the noise, and prices a column by the extended BIC
//
//	Chen and Chen, Extended Bayesian information criteria for model selection
//	with large model spaces, Biometrika 95(3), 2008.
type scorer struct {
	n, total, price float64
}

const likelihoodFloor = 1e-3 // in units of the target's sum of squares

func (d *design) scorer(p int) scorer {
	n := float64(d.n)
	return scorer{n: n, total: floats.Dot(d.t, d.t), price: math.Log(n) + 2*math.Log(float64(p))}
}

func (s scorer) loss(rss float64) float64 {
	return s.n * math.Log(math.Max(rss, 0)/s.n+likelihoodFloor*s.total/s.n)
}
