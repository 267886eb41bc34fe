// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// kind is the kind of a scene's KPI.
type kind int

const (
	sum   kind = iota // of events: rate
	ratio             // errors by requests: rate is that of requests, part the share of errors
	mean              // seconds by requests: rate is that of requests, part the mean
	gauge             // the sum of levels: rate is a level
)

// scene is an incident before it is shown: what happens in each leaf, minute by minute. The fault
// is at minute 0.
type scene struct {
	labels []string
	leaves []leaf
	kind   kind
	wobble float64               // relative noise of each leaf, besides that of counting
	drift  float64               // relative wander of each leaf within a quarter of an hour
	tide   float64               // wander of all leaves together within an hour
	season func(float64) float64 // seasonal factor of everything; may be nil

	lag      float64 // minutes from the fault until the alert begins
	look     float64 // minutes from then until culprit explains it
	past     float64 // minutes of history; 0: what the level needs
	every    float64 // minutes of a series' column; 0: one
	lazy     bool    // a counter is exported only once it has counted something
	gaps     bool    // some scrapes fail
	restarts bool    // counters restart at times
	byRule   bool    // a rule names the KPI and its labels; otherwise the alert's own expression does

	busy  string // an instance whose CPU is busy because of the fault; empty: no CPUs are examined
	alert alert
	unit  unit
	twin  float64 // factor of the largest leaf; it must be visible whether all others moved by it, too; 0: no twin
	truth Truth
}

// leaf is one combination of label values.
type leaf struct {
	values   []string
	rate     float64                                   // per second
	part     float64                                   // see kind
	move     func(minute float64) (rate, part float64) // factors; nil: constant
	from, to float64                                   // minutes of its life; both 0: always
}

// alert is how an alert measures the KPI, where that is not simply its sum or ratio.
type alert struct {
	own    map[string]string          // labels besides alertname
	by     string                     // the aggregation, with a label: "sum by (x)", "max by (x)"; empty: over everything
	top    func(a, b float64) float64 // it is about the largest, or the smallest, of the leaves; nil: about all
	versus versus
}

// versus is what an alert compares its KPI with.
type versus int

const (
	number    versus = iota
	aLimit           // a gauge beside each leaf
	yesterday        // itself a day before
	peers            // the mean of all
)

// split splits each leaf into one for each value.
func (s *scene) split(values []string, weights []float64) {
	var leaves []leaf
	for _, l := range s.leaves {
		for i, v := range values {
			more := l
			more.values = append(slices.Clone(l.values), v)
			more.rate = l.rate * weights[i]
			leaves = append(leaves, more)
		}
	}
	s.leaves = leaves
}

// values returns the values of a label in order of appearance.
func (s *scene) values(label int) []string {
	var list []string
	for _, l := range s.leaves {
		if !slices.Contains(list, l.values[label]) {
			list = append(list, l.values[label])
		}
	}
	return list
}

// in reports whether a leaf is in a set of label values.
func (s *scene) in(i int, set map[string]string) bool {
	for label, v := range set {
		k := slices.Index(s.labels, label)
		if k < 0 || s.leaves[i].values[k] != v {
			return false
		}
	}
	return true
}

// within returns the leaves of a set.
func (s *scene) within(set map[string]string) []int {
	var list []int
	for i := range s.leaves {
		if s.in(i, set) {
			list = append(list, i)
		}
	}
	return list
}

// set returns the label set of a leaf for one or several labels.
func (s *scene) set(leaf int, labels ...int) map[string]string {
	set := map[string]string{}
	for _, k := range labels {
		set[s.labels[k]] = s.leaves[leaf].values[k]
	}
	return set
}

// from0 multiplies the rate and the part of a set from minute 0 on.
func (s *scene) from0(set map[string]string, rate, part float64) {
	s.during(set, 0, math.Inf(1), rate, part)
}

// during multiplies the rate and the part of a set for some minutes.
func (s *scene) during(set map[string]string, from, to, rate, part float64) {
	for _, i := range s.within(set) {
		before := s.leaves[i].move
		s.leaves[i].move = func(minute float64) (r, p float64) {
			r, p = 1, 1
			if before != nil {
				r, p = before(minute)
			}
			if minute >= from && minute < to {
				r, p = r*rate, p*part
			}
			return r, p
		}
	}
}

// at returns a leaf's rate per second at a minute: numerator and denominator for a ratio or mean.
// Both are 0 where the leaf does not exist.
func (s *scene) at(i int, minute float64) (numerator, denominator float64) {
	return s.leaves[i].counts(s.kind, minute, s.seasonal(minute))
}

// usually returns a leaf's rates at a minute without the fault: as just before it, but for the
// season.
func (s *scene) usually(i int, minute float64) (numerator, denominator float64) {
	const before = -1.0 / 64
	return s.leaves[i].counts(s.kind, before, s.seasonal(minute))
}

func (s *scene) seasonal(minute float64) float64 {
	if s.season == nil {
		return 1
	}
	return s.season(minute)
}

func (l leaf) counts(k kind, minute, season float64) (numerator, denominator float64) {
	if !l.lives(minute) {
		return 0, 0
	}
	rate, part := l.rate*season, l.part
	if l.move != nil {
		r, p := l.move(minute)
		rate, part = rate*r, part*p
	}
	switch k {
	case sum, gauge:
		return rate, 0
	case ratio:
		part = math.Min(part, 1)
	}
	return rate * part, rate
}

func (l leaf) lives(minute float64) bool {
	return l.from == l.to || minute >= l.from && minute < l.to
}

// kpi returns the level of the KPI over some leaves.
func (s *scene) kpi(leaves []int, minute float64, at func(int, float64) (float64, float64)) float64 {
	var num, den float64
	for k, i := range leaves {
		n, d := at(i, minute)
		if s.alert.top != nil && k > 0 {
			num = s.alert.top(num, n)
			continue
		}
		num, den = num+n, den+d
	}
	if den > 0 {
		return num / den
	}
	return num
}

// asked returns the leaves of the alert's KPI: those with the alert's labels.
func (s *scene) asked() []int { return s.within(s.alert.own) }

// end is the minute at which culprit explains the alert.
func (s *scene) end() float64 { return s.lag + s.look }

// measure fills in the truth's levels, counted over the given seconds.
func (s *scene) measure(t *Truth, seconds float64) {
	scale := s.unit.factor
	switch s.kind {
	case ratio:
		scale = 1
	case sum, gauge:
		scale *= seconds
	}
	t.Usual = s.kpi(s.asked(), s.end(), s.usually) * scale
	t.Now = s.kpi(s.asked(), s.end(), s.at) * scale
	t.Falling = t.Now < t.Usual
}

// counts returns the seconds over which a level's figures are counted.
func (s *scene) counts(level Level) float64 {
	switch level {
	case Table:
		return window
	case Series:
		return 60 * s.columns()
	default:
		return 1
	}
}

// columns returns the minutes in a column of a series.
func (s *scene) columns() float64 {
	if s.every == 0 {
		return 1
	}
	return s.every
}

// The least that makes a fault visible to a person.
const (
	leastMove  = 0.08 // of the KPI
	leastSigma = 6    // of what moved, in units of its noise of counting in five minutes
)

// comparable reports whether the alert's KPI is reported as a level of its own.
func (a alert) comparable() bool { return a.versus == number || a.versus == yesterday }

// plain reports whether a person who sees all of the scene finds its truth: the KPI moves, unless
// it is about that, and each set moves far beyond its noise.
func (s *scene) plain(Level) bool {
	usual, now := s.kpi(s.asked(), s.end(), s.usually), s.kpi(s.asked(), s.end(), s.at)
	moved := math.Abs(now-usual) >= (leastMove+4*(s.tide+s.drift/2))*usual && now != usual
	if !moved && !s.truth.Still && s.truth.Verdict != analysis.NoChange {
		return false
	}
	if s.twin != 0 && !s.othersTell() {
		return false
	}
	for _, set := range s.truth.Sets {
		if !s.stands(set) {
			return false
		}
	}
	return true
}

// stands reports whether a set moved by more than its counting noise.
func (s *scene) stands(set map[string]string) bool {
	var num, den, was, had float64
	for _, i := range s.within(set) {
		n, d := s.at(i, s.end())
		u, h := s.usually(i, s.end())
		num, den, was, had = num+n, den+d, was+u, had+h
	}
	const seconds = 300
	expected := was
	if had > 0 && den > 0 {
		expected = was / had * den
	}
	wander := s.wobble + s.drift + s.tide
	if s.kind == mean || s.kind == gauge {
		return math.Abs(num-expected) > leastSigma*wander*expected
	}
	noise := math.Sqrt(math.Max(num, expected)*seconds) + wander*expected*seconds
	return math.Abs(num-expected)*seconds > leastSigma*noise
}

// othersTell reports whether it is visible that all but the first leaf moved by the twin's factor,
// or that they did not.
func (s *scene) othersTell() bool {
	var usual float64
	for i := range s.leaves[1:] {
		n, _ := s.usually(i+1, s.end())
		usual += n
	}
	const seconds = 120
	noise := math.Sqrt(usual*math.Max(1, s.twin)*seconds) + (s.wobble+s.drift+s.tide)*usual*seconds
	return math.Abs(s.twin-1)*usual*seconds > leastSigma*noise
}

// ask explains the scene at a level.
func (s *scene) ask(ctx context.Context, level Level, d drawer) (analysis.Result, error) {
	switch level {
	case Table:
		return s.asTable(d)
	case Series:
		return s.asSeries(d)
	case Rules:
		return s.asRules(ctx, d)
	default:
		return analysis.Result{}, fmt.Errorf("a scene is not shown as %s", level)
	}
}

// selects returns the leaves of a union of sets, as a key.
func (s *scene) selects(sets []map[string]string) string {
	chosen := map[int]bool{}
	for _, set := range sets {
		for _, i := range s.within(set) {
			chosen[i] = true
		}
	}
	return fmt.Sprint(slices.Sorted(maps.Keys(chosen)))
}
