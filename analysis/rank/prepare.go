// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	guardMin   = 5     // rows before the onset that never calibrate: the onset may be late
	maxMissing = 0.2   // share of missing baseline samples above which a series says nothing
	hugeValue  = 1e100 // beyond it, squares and sums leave the range of float64
	maxZ       = 1e12  // bound of a standard score: nothing is decided above it
	neverRows  = 3     // the rule of three, see surprise
)

// A table is the input after preparation: rows are aligned samples, the KPI
// and each candidate complete, finite and with its standard score.
type table struct {
	rows, onset int // onset is the first row of the incident as given
	core        int // rows 0..core-1 scale and calibrate; the guard rows up to onset don't
	kpi         series
	cand        []series
}

// A series is one prepared column.
type series struct {
	column  int // index in Input.Series, -1 for the KPI
	service int
	kind    Kind
	x       []float64 // values: missing ones filled, ratios near their bound flipped
	z       []float64 // (x-centre)/scale
	floor   float64   // the smallest scale that the kind of value allows
	centre  float64
	scale   float64
	limit   float64 // what the baseline can support, see surprise
}

// prepare makes the table: missing samples filled, ratios flipped, all columns
// scaled. It also returns the series that it left out: one that is missing for
// a fifth of the baseline has been started, stopped or renamed in it, and its
// scale would be that of the filling.
func prepare(in Input) (t *table, skipped []int) {
	n := len(in.KPI.Values)
	t = &table{rows: n, onset: in.Onset, core: coreRows(n, in.Onset)}
	var buf []float64
	t.kpi = t.column(in.KPI, -1, &buf)
	for j, s := range in.Series {
		if missing(s.Values[:in.Onset]) > maxMissing {
			skipped = append(skipped, j)
			continue
		}
		t.cand = append(t.cand, t.column(s, j, &buf))
	}
	return t, skipped
}

// coreRows is how many rows scale and calibrate: those before the onset but
// for a guard of twice the incident, at most a third of the baseline.
func coreRows(rows, onset int) int {
	return onset - min(onset/3, max(guardMin, 2*(rows-onset)))
}

// missing returns the share of values that are not finite.
func missing(x []float64) float64 {
	var n int
	for _, v := range x {
		if !finite(v) {
			n++
		}
	}
	return float64(n) / float64(max(1, len(x)))
}

// appendFinite appends the finite values of a to dst.
func appendFinite(dst, a []float64) []float64 {
	for _, v := range a {
		if finite(v) {
			dst = append(dst, v)
		}
	}
	return dst
}

func finite(v float64) bool { return !math.IsNaN(v) && !math.IsInf(v, 0) }

// column fills, flips and scales one series.
func (t *table) column(in Series, index int, buf *[]float64) series {
	s := series{column: index, service: in.Service, kind: in.Kind, x: make([]float64, t.rows), z: make([]float64, t.rows)}
	copy(s.x, in.Values)
	fill(s.x, t.core, buf)
	if s.kind == Error {
		s.floor = s.flip(t.core, buf)
	}
	s.standardise(t.core, buf)
	return s
}

// fill replaces each missing value by the median of the core's present ones
// (which is no evidence: a standard score of 0), in the incident too. A column
// of values too large to be squared is brought into range.
func fill(x []float64, core int, buf *[]float64) {
	middle, top := present(x[:core], buf), 0.0
	for i, v := range x {
		if !finite(v) {
			x[i] = middle
		}
		top = max(top, math.Abs(x[i]))
	}
	if top > hugeValue {
		for i := range x {
			x[i] *= hugeValue / top
		}
	}
}

// flip turns a success ratio near its bound (within [0,1] or [0,100], median
// above 90 %) into the error ratio, where a change from 99.9 % to 99 % is
// tenfold. It returns the smallest scale that such a ratio may have, 0 for all
// other series.
func (s *series) flip(core int, buf *[]float64) float64 {
	lo, hi := s.x[0], s.x[0]
	for _, v := range s.x {
		lo, hi = min(lo, v), max(hi, v)
	}
	middle := medianOf(s.x[:core], buf)
	for _, top := range []float64{1, 100} {
		if lo < 0 || hi > top || middle <= 0.9*top {
			continue
		}
		for i, v := range s.x {
			s.x[i] = top - v
		}
		return 0.002 * top
	}
	return 0
}

// standardise sets centre, scale, z and limit from the core alone. The floors
// keep a series that hardly moved in the baseline from reaching absurd scores:
// a quarter of the standard deviation (spikes that the quartiles don't see),
// 1 % of the level and 0.1 % of the largest value.
func (s *series) standardise(core int, buf *[]float64) {
	c := s.x[:core]
	*buf = append((*buf)[:0], c...)
	iqr := order.Quantile(*buf, 0.75) - order.Quantile(*buf, 0.25)
	s.centre = order.MedianInPlace(*buf)
	_, sd := moments(c)
	s.scale = max(iqr/1.349, 0.25*sd, 0.01*math.Abs(s.centre), 0.001*maxAbs(c), s.floor)
	switch {
	case s.scale == 0:
		s.scale, s.limit = 1, float64(core)/neverRows
	case iqr == 0 && sd == 0:
		s.limit = float64(core) * neverRows
	default:
		s.limit = math.Inf(1)
	}
	for i, v := range s.x {
		s.z[i] = min(max((v-s.centre)/s.scale, -maxZ), maxZ)
	}
}

// surprise turns a deviation into evidence, ln(1+z), bounded by what the
// baseline can support. A scale that was measured is trusted. A series that
// never varied in n rows has none: the floor of 1 % of its level is a guess,
// and a series of zeros has not even that, only the 1 of whatever unit it is
// counted in. From n rows without a change follows a probability of up to 3/n
// for one (the rule of three), which is odds of n/3: the bound of a series of
// zeros. With a level to compare with, the bound is 3n. The bound is smooth,
// so that a larger deviation stays a larger one.
func (s *series) surprise(z float64) float64 {
	if !math.IsInf(s.limit, 1) {
		z *= s.limit / (z + s.limit)
	}
	return math.Log1p(z)
}

// rebase scales and calibrates anew once the incident is dated: the guard rows
// were kept apart because the alert might have been late, and up to a few rows
// before the onset that was found they are baseline like the rest. They are
// the nearest part of it, and after a long incident a third of it.
func (t *table) rebase(p period) {
	core := p.onset - p.calm - guardMin
	if core <= t.core {
		return
	}
	t.core = core
	var buf []float64
	t.kpi.standardise(core, &buf)
	for j := range t.cand {
		t.cand[j].standardise(core, &buf)
	}
}
