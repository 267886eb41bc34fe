// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	guardMin   = 5     // rows before the onset that never calibrate: the onset may be late
	maxMissing = 0.6   // share of missing baseline samples above which a series is skipped
	hugeValue  = 1e100 // limit for squares and sums in float64
	maxZ       = 1e12  // bound of a standard score
	neverRows  = 3     // the rule of three, see scaleOf
)

// table is the prepared input: rows are aligned samples, and the KPI and each candidate are
// finite and have standard scores.
type table struct {
	rows, onset int // first row of the incident as given
	late        int // see Input.Late
	core        int // rows [0, core) scale and calibrate; the guard rows up to onset don't
	kpi         series
	cand        []series
	moving      int // candidates with more than one value
}

// series is one prepared column.
type series struct {
	column  int // index in Input.Series, -1 for the KPI
	service int
	metric  int // series of one metric share a unit; 0: unknown
	kind    Metric
	own     bool      // see Series.Own
	x       []float64 // values: missing ones filled, ratios near their bound flipped
	z       []float64 // (x-centre)/scale, 0 where missing
	gap     []bool    // rows whose value is missing; nil: none
	floor   float64   // smallest scale allowed by the kind of value and by its peers
	centre  float64
	scale   float64
	varies  bool // in the baseline
}

// prepare builds the table: ratios flipped, all columns scaled, gaps filled with the centre. It
// also returns the skipped series: one that is missing for most of the baseline, or for all of
// the incident, can't be compared.
func prepare(in Input) (t *table, skipped []int) {
	return prepareWithout(earlierRows(in.KPI.Values, in.Onset), in)
}

func prepareWithout(earlier []bool, in Input) (t *table, skipped []int) {
	n := len(in.KPI.Values)
	t = &table{rows: n, onset: in.Onset, core: coreRows(n, in.Onset, in.Late), late: in.Late}
	t.kpi = t.column(in.KPI, -1, earlier)
	for j, s := range in.Series {
		if missing(s.Values[:in.Onset]) > maxMissing || missing(s.Values[in.Onset:]) == 1 {
			skipped = append(skipped, j)
			continue
		}
		t.cand = append(t.cand, t.column(s, j, earlier))
	}
	t.countMoving()
	t.peerFloors()
	t.stillFloors()
	t.standardise(t.core)
	return t, skipped
}

// countMoving counts the candidates with more than one value. Constant ones show nothing, and
// must not count among those that may stand out by chance.
func (t *table) countMoving() {
	for j := range t.cand {
		if t.cand[j].moves() {
			t.moving++
		}
	}
}

func (s *series) moves() bool {
	first := -1
	for i, v := range s.x {
		switch {
		case s.missing(i):
		case first < 0:
			first = i
		case v != s.x[first]:
			return true
		}
	}
	return false
}

// coreRows returns how many rows scale and calibrate: those before the onset except for a guard
// of twice the incident, or as long as an alert may be late, but at most a third of the
// baseline.
func coreRows(rows, onset, late int) int {
	return onset - min(onset/3, max(guardMin, late, 2*(rows-onset)))
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

// column returns one series before scaling. The rows of earlier incidents count as missing.
func (t *table) column(in Series, index int, earlier []bool) series {
	s := series{
		column: index, service: in.Service, metric: in.Metric, kind: in.Kind, own: in.Own,
		x: make([]float64, t.rows), z: make([]float64, t.rows), gap: gaps(in.Values, earlier),
	}
	copy(s.x, in.Values)
	s.shrink()
	if s.kind == Error {
		s.floor = s.flip(t.core)
	}
	return s
}

// gaps marks the rows without a value, nil if there are none.
func gaps(values []float64, earlier []bool) []bool {
	var gap []bool
	for i, v := range values {
		if finite(v) && (earlier == nil || !earlier[i]) {
			continue
		}
		if gap == nil {
			gap = make([]bool, len(values))
		}
		gap[i] = true
	}
	return gap
}

// shrink scales down a column whose values are too large to be squared, and sets missing values
// to 0 until its centre is known.
func (s *series) shrink() {
	top := 0.0
	for i := range s.x {
		if s.missing(i) {
			s.x[i] = 0
		}
		top = max(top, math.Abs(s.x[i]))
	}
	if top > hugeValue {
		for i := range s.x {
			s.x[i] *= hugeValue / top
		}
	}
}

func (s *series) missing(row int) bool { return s.gap != nil && s.gap[row] }

// appendPresent appends the values of rows [from, to) that are not missing to dst. v is s.x or
// s.z.
func (s *series) appendPresent(dst, v []float64, from, to int) []float64 {
	if s.gap == nil {
		return append(dst, v[from:to]...)
	}
	for i := from; i < to; i++ {
		if !s.gap[i] {
			dst = append(dst, v[i])
		}
	}
	return dst
}

// flip turns a success ratio near its bound (within [0,1] or [0,100], median above 90 %) into
// the error ratio, in which a change from 99.9 % to 99 % is tenfold. It returns the smallest
// scale for such a ratio, 0 for other series.
func (s *series) flip(core int) float64 {
	all := s.appendPresent(nil, s.x, 0, len(s.x))
	calm := s.appendPresent(nil, s.x, 0, core)
	if len(calm) == 0 {
		return 0
	}
	lo, hi, middle := slices.Min(all), slices.Max(all), order.MedianInPlace(calm)
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

// standardise sets centre, scale and z of all columns from the first core rows.
func (t *table) standardise(core int) {
	t.core = core
	var buf []float64
	t.kpi.standardise(core, t.onset, &buf)
	for j := range t.cand {
		t.cand[j].standardise(core, t.onset, &buf)
	}
}

func (s *series) standardise(core, onset int, buf *[]float64) {
	s.centre, s.scale = s.scaleOf(core, onset, spikes, buf)
	for i := range s.x {
		if s.missing(i) {
			s.x[i] = s.centre // no evidence: a standard score of 0
		}
		s.z[i] = min(max((s.x[i]-s.centre)/s.scale, -maxZ), maxZ)
	}
}

// spikes is the fraction of the standard deviation used as scale: for spikes that quartiles
// don't see.
const spikes = 0.25

// scaleOf returns the centre of the core rows and the scale of moves away from it: the
// interquartile range in standard deviations, or a fraction of the standard deviation itself.
// 1 % of the level, 0.1 % of the largest value and the series' own floor prevent absurd scores
// of series that hardly moved.
//
// A series that was 0 throughout has no scale, and its unit must not provide one. It shows how
// rare a move is: n rows without one imply a probability of up to 3/n (the rule of three), so
// its largest value from the onset on scores 3n.
func (s *series) scaleOf(core, onset int, share float64, buf *[]float64) (centre, scale float64) {
	*buf = s.appendPresent((*buf)[:0], s.x, 0, core)
	c := *buf
	if len(c) == 0 {
		return 0, 1
	}
	_, sd := moments(c)
	top := maxAbs(c)
	s.varies = sd > 1e-12*top
	if sd < 1e-12*top { // rounding
		sd = 0
	}
	q1, centre, q3 := order.Quartiles(c)
	if scale = max((q3-q1)/1.349, share*sd, 0.01*math.Abs(centre), 0.001*top, s.floor); scale > 0 {
		return centre, scale
	}
	for i := onset; i < len(s.x); i++ {
		if !s.missing(i) {
			scale = max(scale, math.Abs(s.x[i]-centre))
		}
	}
	if scale /= float64(neverRows * len(c)); scale > 0 {
		return centre, scale
	}
	return centre, 1
}

// rebase scales and calibrates again once the incident is dated: the guard rows were excluded
// because the alert might have been late, and up to a few rows before the onset that was found
// they are ordinary baseline. They are its nearest part, and after a long incident a third of
// it.
func (t *table) rebase(p period) {
	if core := p.onset - p.calm - guardMin; core > t.core {
		t.standardise(core)
	}
}
