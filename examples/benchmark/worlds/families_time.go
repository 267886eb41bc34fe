// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
)

// zero is a ratio, or a sum, of errors that were 0 before.
func zero(d drawer, _ Level) *scene {
	s := d.cube(0.5, d.number(3, 6), d.number(1, 3))
	i := d.IntN(len(s.leaves))
	set := s.set(i, 0)
	s.lazy = d.coin()
	if d.coin() {
		s.kind = ratio
		share := d.between(0.1, 0.5)
		s.appear(set, func(l *leaf) { l.part = share })
	} else {
		for k := range s.leaves {
			s.leaves[k].rate /= 20 // errors are rarer
		}
		s.appear(set, func(*leaf) {})
		for k := range s.leaves {
			if !s.in(k, set) {
				s.leaves[k].rate = 0
			}
		}
	}
	s.truth.Sets = []map[string]string{set}
	return s
}

// appear makes leaves of a set begin at the fault, from 0.
func (s *scene) appear(set map[string]string, give func(*leaf)) {
	for _, i := range s.within(set) {
		l := &s.leaves[i]
		give(l)
		byPart := s.kind == ratio
		l.move = func(minute float64) (float64, float64) {
			switch {
			case minute >= 0:
				return 1, 1
			case byPart:
				return 1, 0
			default:
				return 0, 1
			}
		}
	}
}

// appears is a new value beside the others, or one that is gone.
func appears(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(4, 8))
	i := d.IntN(len(s.leaves))
	l := &s.leaves[i]
	if d.coin() {
		l.rate *= d.between(1, 3)
		l.from, l.to = 0, math.Inf(1)
	} else {
		l.from, l.to = math.Inf(-1), 0
	}
	s.truth.Sets = []map[string]string{s.set(i, 0)}
	return s
}

// before makes a set faulty for some minutes, once or twice, 12 to 40 minutes before the fault.
func (s *scene) before(d drawer, set map[string]string, f float64) {
	for range d.number(1, 2) {
		begin := -d.between(16, 40)
		end := math.Min(begin+d.between(3, 6), -12)
		if s.kind == ratio {
			s.during(set, begin, end, 1, f)
		} else {
			s.during(set, begin, end, f, 1)
		}
	}
}

func again(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(4, 6), d.number(1, 3))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	set := s.set(d.IntN(len(s.leaves)), 0)
	f := d.factor(s.kind == sum && d.coin())
	s.before(d, set, f)
	s.hit(set, f)
	s.truth.Sets = []map[string]string{set}
	return s
}

func elsewhere(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(4, 6), d.number(1, 3))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	values := s.values(0)
	set, other := map[string]string{s.labels[0]: values[0]}, map[string]string{s.labels[0]: values[1]}
	f := d.factor(s.kind == sum && d.coin())
	s.before(d, other, f)
	s.hit(set, f)
	s.truth.Sets = []map[string]string{set}
	return s
}

// article is one of the two stories often told about attribution to label values: errors that rise
// in one region on one interface, and orders of one region that fall while two others stand still.
// Half of them also happened 15 minutes before.
func article(d drawer, _ Level) *scene {
	s := d.cubeOf([]name{{"region", []string{"bj", "sh", "sz"}}}, 0.4, 3)
	s.labels = append(s.labels, "api")
	s.split([]string{"api1", "api2"}, []float64{d.size(0.3), d.size(0.3)})
	set, f := map[string]string{"region": "bj", "api": "api1"}, d.between(8, 50)
	if d.coin() {
		set, f = s.set(d.IntN(len(s.leaves)), 0), d.between(0.05, 0.3)
	}
	if d.coin() {
		s.during(set, -15, -10, f, 1)
	}
	s.hit(set, f)
	s.truth.Sets = []map[string]string{set}
	return s
}

const dayLong = 24 * 60 // minutes

// daily is a daily season: its amplitude as a share of the mean, and the minute of its fastest
// rise.
func daily(swing, steepest float64) func(float64) float64 {
	return func(minute float64) float64 { return 1 + swing*math.Sin(2*math.Pi*(minute-steepest)/dayLong) }
}

// week is a history of eight days with an incident in it, at the same time of day or at another.
func week(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(4, 6), d.number(1, 2))
	s.past, s.every = 8*dayLong, 5
	s.lag, s.look = 5, 10
	s.season = daily(d.between(0.2, 0.5), d.between(0, dayLong))
	values := s.values(0)
	set := map[string]string{s.labels[0]: values[0]}
	f := d.factor(d.coin())
	earlier := map[string]string{s.labels[0]: values[d.IntN(2)]}
	begin := -float64(d.number(1, 7)) * dayLong
	if d.coin() {
		begin += d.between(-300, 300)
	}
	s.during(earlier, begin, begin+d.between(20, 120), f, 1)
	s.hit(set, f)
	s.truth.Sets = []map[string]string{set}
	return s
}

// morning is a fault while everything rises.
func morning(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(4, 6), d.number(1, 2))
	s.past, s.every = 8*dayLong, 5
	s.lag, s.look = 5, 10
	s.season = daily(d.between(0.4, 0.7), d.between(-60, 60))
	set := s.set(d.IntN(len(s.leaves)), 0)
	s.hit(set, d.factor(d.coin()))
	s.truth.Sets = []map[string]string{set}
	return s
}

// late is an alert long after the fault, or after a fault that grows.
func late(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(4, 6), d.number(1, 3))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	s.lag = d.between(8, 25)
	set := s.set(d.IntN(len(s.leaves)), 0)
	f := d.factor(s.kind == sum && d.coin())
	if d.coin() {
		s.hit(set, f)
	} else {
		s.grow(set, f, d.between(3, s.lag))
	}
	s.truth.Sets = []map[string]string{set}
	return s
}

// grow makes a set fail increasingly over so many minutes.
func (s *scene) grow(set map[string]string, f, minutes float64) {
	for _, i := range s.within(set) {
		s.leaves[i].move = func(minute float64) (rate, part float64) {
			g := 1 + (f-1)*math.Min(1, math.Max(0, minute)/minutes)
			if s.kind == ratio {
				return 1, g
			}
			return g, 1
		}
	}
}

// rollout draws pods of an old version that end and of a new one that begin two minutes before the
// fault, with a further label.
func (d drawer) rollout() (s *scene, fresh map[string]string) {
	notVersion := slices.DeleteFunc(names(), func(n name) bool { return n.label == "version" })
	s = d.cubeOf(notVersion, 0.3, d.number(2, 4))
	s.byRule = false
	s.labels = append(s.labels, "version", "pod")
	var leaves []leaf
	for _, l := range s.leaves {
		for _, version := range []string{"v1.4.2", "v1.5.0"} {
			for pod := range 3 {
				more := l
				more.values = []string{l.values[0], version, fmt.Sprintf("shop-%s-%d", version[1:], pod)}
				more.rate = l.rate / 3
				more.from, more.to = math.Inf(-1), -2
				if version == "v1.5.0" {
					more.from, more.to = -2, math.Inf(1)
				}
				leaves = append(leaves, more)
			}
		}
	}
	s.leaves = leaves
	s.asRatio(d, ratio)
	return s, map[string]string{"version": "v1.5.0"}
}

func guilty(d drawer, _ Level) *scene {
	s, fresh := d.rollout()
	s.from0(fresh, 1, d.between(4, 8))
	s.truth.Sets = []map[string]string{fresh}
	return s
}

// innocent is a rollout of a good version just before one value of the other label fails.
func innocent(d drawer, _ Level) *scene {
	s, _ := d.rollout()
	set := s.set(0, 0)
	s.from0(set, 1, d.between(4, 8))
	s.truth.Sets = []map[string]string{set}
	return s
}

// level is an alert on a level that has always been so.
func level(d drawer, _ Level) *scene {
	s := d.cube(0.5, d.number(3, 6), d.number(1, 3))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	s.truth = Truth{Verdict: analysis.NoChange}
	return s
}
