// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"math"

	"github.com/culprit-dev/culprit/analysis"
)

// Families are the kinds of incidents, in the order of the table.
func Families() []Family {
	snap := func(table, series, rules int) map[Level]int {
		return map[Level]int{Table: table, Series: series, Rules: rules}
	}
	return []Family{
		{Name: "dominant", Title: "the value with nearly all of the KPI moves alone", Count: snap(10, 6, 10), draw: dominant},
		{Name: "alike", Title: "all move by one factor, mostly beside a dominant value", Count: snap(10, 6, 10), draw: alike},
		{Name: "violent", Title: "a small table, one violent fall", Count: snap(10, 6, 6), draw: violent},
		{Name: "rate", Title: "a ratio or a mean moves because one part does", Count: snap(12, 6, 10), draw: rate},
		{Name: "mix", Title: "a ratio or a mean moves because the traffic does", Count: snap(12, 6, 8), draw: mix},
		{Name: "better", Title: "a ratio worsens in one part, and another gets better", Count: snap(10, 0, 6), draw: better},
		{Name: "swap", Title: "the total stands still, one value takes from another", Count: snap(10, 6, 6), draw: swap},
		{Name: "two", Title: "two values, or two combinations", Count: snap(10, 6, 8), draw: two},
		{Name: "combination", Title: "a combination of two labels", Count: snap(10, 6, 8), draw: combination},
		{Name: "grain", Title: "all of one value, in a table of several labels", Count: snap(10, 6, 8), draw: grain},
		{Name: "article", Title: "the two stories that label attribution is told with, also a second time", Count: snap(6, 8, 12), draw: article},
		{Name: "zero", Title: "errors of one value, where there were none", Count: snap(8, 0, 10), draw: zero},
		{Name: "appears", Title: "a value appears, or vanishes", Count: snap(8, 0, 8), draw: appears},
		{Name: "again", Title: "the same place was at fault 12–40 minutes before", Count: snap(0, 8, 10), draw: again},
		{Name: "elsewhere", Title: "another place was at fault 12–40 minutes before", Count: snap(0, 8, 10), draw: elsewhere},
		{Name: "week", Title: "an earlier incident in eight days of history", Count: snap(0, 8, 0), draw: week},
		{Name: "morning", Title: "a fault in the steep part of the day", Count: snap(0, 8, 0), draw: morning},
		{Name: "late", Title: "the alert comes 8–25 minutes after the fault, or it grows slowly", Count: snap(0, 8, 10), draw: late},
		{Name: "guilty", Title: "a rollout that brings the fault", Count: snap(0, 0, 8), draw: guilty},
		{Name: "innocent", Title: "a rollout beside the fault of another label", Count: snap(0, 0, 8), draw: innocent},
		{Name: "level", Title: "an alert about a level, nothing has changed", Count: snap(6, 0, 8), draw: level},
		{Name: "sumby", Title: "sum by (x), one x of many", Count: snap(0, 0, 10), draw: sumBy},
		{Name: "maxby", Title: "max by (x), one x of many", Count: snap(0, 0, 8), draw: maxBy},
		{Name: "single", Title: "an alert on each series, one of many", Count: snap(0, 0, 8), draw: single},
		{Name: "siblings", Title: "an alert by (x), and all x moved alike", Count: snap(0, 0, 8), draw: siblings},
		{Name: "limit", Title: "a level beside its limit", Count: snap(0, 0, 8), draw: limit},
		{Name: "yesterday", Title: "a KPI beside that of yesterday", Count: snap(0, 0, 6), draw: compared},
		{Name: "outlier", Title: "one of several, beside the mean of all", Count: snap(0, 0, 6), draw: outlier},
		{Name: "why", Title: "an instance fails, and its processor shows why", Count: snap(0, 0, 10), draw: why},
		{Name: "units", Title: "the same world in other units and under other names", Count: snap(16, 0, 12), twins: 4, draw: inUnits},
		{Name: "reason", Title: "one series goes, the KPI follows", Count: candidates(10), series: reason},
		{Name: "burst", Title: "a series that was zero before", Count: candidates(10), series: burst},
		{Name: "load", Title: "more work for everybody", Count: candidates(8), series: load},
		{Name: "idle", Title: "no series moved", Count: candidates(8), series: idle},
		{Name: "scales", Title: "the series in other units", Count: candidates(12), twins: 4, series: reason},
	}
}

func candidates(n int) map[Level]int { return map[Level]int{Candidates: n} }

// asRatio turns a sum into a ratio or a mean in which each leaf has about the same part.
func (s *scene) asRatio(d drawer, k kind) {
	s.kind = k
	usual := d.between(0.02, 0.06) // share of errors
	if k == mean {
		usual = d.between(0.05, 0.4) // seconds
	}
	for i := range s.leaves {
		s.leaves[i].part = usual * d.size(0.15)
	}
}

// oneLarge draws a label with one value, the first leaf, that has nearly all.
func (d drawer) oneLarge() *scene {
	s := d.cube(0.5, d.number(3, 8))
	large := d.between(0.9, 0.98)
	rest, total := 0.0, 0.0
	for i, l := range s.leaves {
		total += l.rate
		if i > 0 {
			rest += l.rate
		}
	}
	total = math.Max(total, 300) // so that the others can be seen
	for i := range s.leaves {
		s.leaves[i].rate *= total * (1 - large) / rest
	}
	s.leaves[0].rate = total * large
	s.wobble /= 2
	if d.coin() {
		s.asRatio(d, ratio)
	}
	return s
}

// hit makes a set faulty from minute 0 on: its rate, or the part of a ratio.
func (s *scene) hit(set map[string]string, f float64) {
	if s.kind == ratio || s.kind == mean {
		s.from0(set, 1, f)
		return
	}
	s.from0(set, f, 1)
}

func dominant(d drawer, _ Level) *scene {
	s := d.oneLarge()
	set := s.set(0, 0)
	s.twin = d.factor(d.coin())
	s.hit(set, s.twin)
	s.truth.Sets = []map[string]string{set}
	return s
}

// alike is dominant's twin: all others move as the large one does.
func alike(d drawer, _ Level) *scene {
	s := d.oneLarge()
	if d.coin() {
		s = d.cube(0.7, d.number(3, 5), d.number(2, 4))
	}
	s.twin = d.factor(d.coin())
	s.hit(nil, s.twin)
	s.truth = Truth{Verdict: analysis.External, Everywhere: analysis.MovedAlike}
	return s
}

// violent is a table that is obvious at a glance.
func violent(d drawer, _ Level) *scene {
	s := d.cube(0.3, d.number(4, 8))
	if d.coin() {
		s = d.cube(0.3, d.number(2, 4), d.number(2, 3))
	}
	s.wobble = 0.005
	i := d.IntN(len(s.leaves))
	for k, l := range s.leaves {
		if l.rate > s.leaves[i].rate {
			i = k
		}
	}
	set := map[string]string{}
	for k, label := range s.labels {
		set[label] = s.leaves[i].values[k]
	}
	s.hit(set, d.between(0.05, 0.4))
	s.truth.Sets = []map[string]string{set}
	return s
}

func rate(d drawer, _ Level) *scene {
	s := d.cube(0.5, d.number(3, 6), d.number(2, 4))
	s.asRatio(d, []kind{ratio, mean}[d.IntN(2)])
	set := s.set(d.IntN(len(s.leaves)), d.IntN(2))
	s.hit(set, d.between(3, 8))
	s.truth.Sets = []map[string]string{set}
	return s
}

// mix lets the traffic of the value that was always worse grow, or end.
func mix(d drawer, _ Level) *scene {
	s := d.cube(0.5, d.number(3, 6))
	s.asRatio(d, []kind{ratio, mean}[d.IntN(2)])
	worse := d.between(5, 10)
	s.leaves[0].part *= worse
	s.from0(s.set(0, 0), d.between(3, 8), 1)
	s.truth = Truth{Verdict: analysis.External, Everywhere: analysis.MixShifted, Mix: s.set(0, 0)}
	return s
}

// better is a fault of one value while another one improves.
func better(d drawer, _ Level) *scene {
	s := d.cube(0.3, d.number(4, 8))
	s.asRatio(d, ratio)
	bad, good := s.set(0, 0), s.set(1, 0)
	s.hit(bad, d.between(4, 8))
	s.hit(good, 0.1)
	s.truth.Sets = []map[string]string{bad}
	if s.kpi(s.asked(), s.end(), s.at) < s.kpi(s.asked(), s.end(), s.usually) {
		return nil
	}
	return s
}

// swap moves a part of one value's rate to another.
func swap(d drawer, _ Level) *scene {
	s := d.cube(0.3, d.number(4, 8))
	s.wobble /= 2
	share := d.between(0.6, 0.9)
	s.from0(s.set(0, 0), 1-share, 1)
	s.from0(s.set(1, 0), 1+share*s.leaves[0].rate/s.leaves[1].rate, 1)
	s.truth.Sets = []map[string]string{s.set(0, 0), s.set(1, 0)}
	s.truth.Still = true
	return s
}

// two values of one label, or two combinations that share none.
func two(d drawer, _ Level) *scene {
	f := d.factor(d.coin())
	if d.coin() {
		s := d.cube(0.3, d.number(5, 8))
		a, b := s.set(0, 0), s.set(1, 0)
		s.hit(a, f)
		s.hit(b, f*d.between(0.8, 1.2))
		s.truth.Sets = []map[string]string{a, b}
		return s
	}
	s := d.cube(0.3, d.number(3, 5), d.number(3, 4))
	other := d.IntN(len(s.leaves))
	if s.leaves[other].values[0] == s.leaves[0].values[0] || s.leaves[other].values[1] == s.leaves[0].values[1] {
		return nil
	}
	a, b := s.set(0, 0, 1), s.set(other, 0, 1)
	s.hit(a, f)
	s.hit(b, f*d.between(0.8, 1.2))
	s.truth.Sets = []map[string]string{a, b}
	return s
}

func combination(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(3, 5), d.number(3, 4), d.number(1, 2)*2)
	if d.coin() {
		s.asRatio(d, ratio)
	}
	set := s.set(d.IntN(len(s.leaves)), 0, 1)
	f := d.factor(s.kind == sum && d.coin())
	s.hit(set, f)
	s.truth.Sets = []map[string]string{set}
	return s
}

func grain(d drawer, _ Level) *scene {
	s := d.cube(0.5, d.number(3, 5), d.number(2, 4), d.number(2, 3))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	set := s.set(d.IntN(len(s.leaves)), d.IntN(3))
	s.hit(set, d.factor(s.kind == sum && d.coin()))
	s.truth.Sets = []map[string]string{set}
	return s
}
