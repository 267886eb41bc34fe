// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"
	"maps"
	"math"

	"github.com/culprit-dev/culprit/analysis"
)

// several draws services, or hosts, with parts below them.
func (d drawer) several(label, below string, n, parts int) *scene {
	s := d.cube(0.3, n)
	s.byRule = false
	all := []string{"pay", "cart", "search", "auth", "mail", "stock", "price", "media"}
	s.labels = []string{label, below}
	var leaves []leaf
	for i, l := range s.leaves {
		for k := range parts {
			more := l
			more.values = []string{all[i], fmt.Sprintf("%s-%s-%d", all[i], below, k)}
			more.rate = l.rate / float64(parts) * d.size(0.1)
			leaves = append(leaves, more)
		}
	}
	s.leaves = leaves
	return s
}

// sumBy is an alert on one value of many: all of it moved, or one part of it.
func sumBy(d drawer, _ Level) *scene {
	s := d.several("service", "pod", d.number(4, 7), d.number(2, 5))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	own := s.set(0, 0)
	s.alert = alert{own: own, by: "sum by (service)"}
	set := own
	if d.IntN(3) == 0 {
		set = s.set(0, 0, 1)
	} else if d.IntN(3) == 0 {
		s.regions(d)
		own = s.set(0, 0, 2)
		set = own
		s.alert = alert{own: own, by: "sum by (region, service)"}
	}
	s.hit(set, d.factor(s.kind == sum && d.coin() && len(set) == len(own)))
	s.truth.Sets = []map[string]string{set}
	return s
}

// regions splits all leaves into three regions.
func (s *scene) regions(d drawer) {
	s.labels = append(s.labels, "region")
	s.split([]string{"eu", "us", "ap"}, []float64{d.size(0.3), d.size(0.3), d.size(0.3)})
}

// maxBy is an alert on the largest, or the smallest, of a group: the place is one member.
func maxBy(d drawer, _ Level) *scene {
	s := d.several("service", "queue", d.number(4, 7), d.number(2, 5))
	s.kind = gauge
	own := s.set(0, 0)
	s.alert = alert{own: own, by: "max by (service)", top: math.Max}
	f := d.between(3, 8)
	if d.IntN(3) == 0 {
		s.alert.by, s.alert.top, f = "min by (service)", math.Min, 0.1
	}
	s.even(own)
	set := s.set(0, 0, 1)
	s.hit(set, f)
	s.truth.Sets = []map[string]string{set}
	return s
}

// even gives the leaves of a set about the same level.
func (s *scene) even(set map[string]string) {
	list := s.within(set)
	for _, i := range list {
		s.leaves[i].rate = s.leaves[list[0]].rate
	}
}

// single is an alert on each series, one of which moved.
func single(d drawer, _ Level) *scene {
	s := d.several("host", "device", d.number(3, 6), d.number(2, 3))
	s.kind = []kind{sum, gauge}[d.IntN(2)]
	set := s.set(0, 0, 1)
	s.alert = alert{own: maps.Clone(set), by: eachLeaf}
	s.hit(set, d.factor(d.coin()))
	s.truth.Sets = []map[string]string{set}
	return s
}

// siblings is an alert on one value of many that all moved.
func siblings(d drawer, _ Level) *scene {
	s := d.several("service", "pod", d.number(4, 7), d.number(2, 4))
	if d.coin() {
		s.asRatio(d, ratio)
	}
	s.alert = alert{own: s.set(0, 0), by: "sum by (service)"}
	s.hit(nil, d.factor(s.kind == sum && d.coin()))
	s.truth = Truth{Verdict: analysis.External, Everywhere: analysis.MovedAlike}
	return s
}

// limit is a level that approaches its limit; the part of a leaf is its limit in units of its usual
// level.
func limit(d drawer, _ Level) *scene {
	s := d.several("host", "device", d.number(3, 6), d.number(1, 3))
	s.kind = gauge
	for i := range s.leaves {
		s.leaves[i].part = d.between(2, 3)
	}
	set := s.set(0, 0, 1)
	s.alert = alert{own: maps.Clone(set), by: eachLeaf, versus: aLimit}
	s.hit(set, s.leaves[0].part*d.between(0.93, 0.99))
	s.wobble = 0.01
	s.truth.Sets = []map[string]string{set}
	return s
}

// compared is a KPI at half of its level a day before, in one place.
func compared(d drawer, _ Level) *scene {
	s := d.cube(0.4, d.number(3, 6), d.number(1, 3))
	s.past = dayLong + 150
	s.alert.versus = yesterday
	s.season = daily(d.between(0.1, 0.4), d.between(0, dayLong))
	set := s.set(d.IntN(len(s.leaves)), 0)
	s.hit(set, d.between(0.02, 0.2))
	s.truth.Sets = []map[string]string{set}
	if s.kpi(s.asked(), 3, s.at) > 0.8*s.kpi(s.asked(), 3, s.usually) {
		return nil
	}
	return s
}

// outlier is one of several with twice the mean of all.
func outlier(d drawer, _ Level) *scene {
	s := d.several("host", "device", d.number(4, 7), d.number(1, 3))
	set := s.set(0, 0)
	for i := range s.leaves {
		s.leaves[i].rate = s.leaves[0].rate * d.size(0.1)
	}
	s.alert = alert{own: maps.Clone(set), by: "sum by (host)", versus: peers}
	s.hit(set, d.between(4, 8))
	s.truth.Sets = []map[string]string{set}
	return s
}

// processor is the name of the candidates of a scene, and of their metric.
const (
	processor = "processor"
	busyRatio = "cpu_busy_ratio"
)

// why is an instance that fails because its CPU is busy.
func why(d drawer, _ Level) *scene {
	s := d.several("instance", "path", d.number(3, 6), d.number(2, 3))
	s.byRule = true
	if d.coin() {
		s.asRatio(d, ratio)
	}
	set := s.set(0, 0)
	s.busy = set["instance"]
	s.hit(set, d.between(3, 8))
	s.truth.Sets = []map[string]string{set}
	s.truth.Series = []string{processor + `{instance="` + s.busy + `"}`, busyRatio + `{instance="` + s.busy + `"}`}
	return s
}

// inUnits is a plain world of one of several kinds.
func inUnits(d drawer, l Level) *scene {
	return []func(drawer, Level) *scene{dominant, rate, combination, grain}[d.IntN(4)](d, l)
}
