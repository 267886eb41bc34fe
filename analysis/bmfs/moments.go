// SPDX-License-Identifier: Apache-2.0

package bmfs

import "math"

// local holds the moments of q(lambda) = exp(-d lambda) / ((1+lambda) h),
// h = e^d E1(d), the variational posterior of one local scale.
type local struct {
	logH     float64 // ln h
	invH     float64 // 1/h
	mean     float64 // <lambda>
	root     float64 // <sqrt lambda>
	ratio    float64 // (d root/dd) / (d mean/dd)
	variance float64 // Var(lambda) = -d mean/dd
}

const (
	eulerGamma = 0.57721566490153286060651209008240243
	sqrtPi     = 1.77245385090551602729816748334114518
)

// moments evaluates q(lambda) at d > 0. The textbook forms with incomplete
// gamma functions cancel for large d; relative errors here stay below 1e-12 on
// 1e-12 <= d <= 1e12.
func moments(d float64) local {
	if d < 2 {
		return momentsSeries(d)
	}
	return momentsFraction(d)
}

// momentsSeries uses E1(d) = -gamma - ln d - sum_k (-d)^k/(k k!).
func momentsSeries(d float64) local {
	sum, term := 0.0, 1.0
	for k := 1.0; k < 40; k++ {
		term *= -d / k
		sum -= term / k
	}
	ed := math.Exp(d)
	h := ed * (sum - eulerGamma - math.Log(d))
	rd := math.Sqrt(d)
	m := local{logH: math.Log(h), invH: 1 / h, mean: 1/(d*h) - 1}
	m.root = (sqrtPi/rd - math.Pi*ed*math.Erfc(rd)) / h
	m.ratio = (m.root - sqrtPi/2/rd) / (m.mean - 1/d)
	m.variance = (1/d - m.mean) / (d * h)
	return m
}

// momentsFraction evaluates the continued fractions of E1 and erfc from their
// tails, and takes every difference of nearly equal numbers analytically:
// h = 1/(d+t), t = 1/(1+w), and sqrt(pi d) e^d erfc(sqrt d) = 1/(1+m).
func momentsFraction(d float64) local {
	terms := 20.0
	if d < 10 {
		terms = 60
	}
	f := d
	for k := terms; k > 1; k-- {
		f = d + k/(1+k/f)
	}
	w := 1 / f
	t := 1 / (1 + w)
	a := 1 / (2 * d)
	c := 1.0
	for k := 2 * terms; k > 2; k-- {
		c = 1 + k*a/c
	}
	m2 := 2 * a / c
	c1 := 1 / (1 + m2)
	m := a * c1
	rt := sqrtPi / math.Sqrt(d)
	return local{
		logH:     -math.Log(d + t),
		invH:     d + t,
		mean:     t / d,
		root:     rt * m / (1 + m) * (d + t),
		ratio:    rt * (-m2*c1/2 + m*(t-0.5)) / (1 + m) / (-w * t / d),
		variance: w * t / d * (d + t) / d,
	}
}

// scales is q(lambda) of all candidates, one slice per moment.
type scales struct {
	d               []float64
	mean, root      []float64
	ratio, variance []float64
	entropy         float64 // sum_j ln h_j - d_j + 1/h_j
}

func newScales(p int) *scales {
	buf := make([]float64, 5*p)
	cut := func() []float64 {
		s := buf[:p:p]
		buf = buf[p:]
		return s
	}
	return &scales{d: cut(), mean: cut(), root: cut(), ratio: cut(), variance: cut()}
}

// evaluate recomputes the moments after d has changed.
func (s *scales) evaluate() {
	s.entropy = 0
	for j, d := range s.d {
		m := moments(d)
		s.mean[j], s.root[j] = m.mean, m.root
		s.ratio[j], s.variance[j] = m.ratio, m.variance
		s.entropy += m.logH - d + m.invH
	}
}

// kappa writes <lambda>/(1+<lambda>) to dst.
func (s *scales) kappa(dst []float64) {
	for j, m := range s.mean {
		dst[j] = m / (1 + m)
	}
}
