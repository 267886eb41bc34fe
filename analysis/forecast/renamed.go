// SPDX-License-Identifier: Apache-2.0

package forecast

// Limits for one leaf taking the place of another.
const (
	handover = 2 // steps within which one leaf ends and another begins
	asMuch   = 2 // largest ratio between what begins and what ended
)

// life is the steps during which a leaf exists without a gap. An intermittent leaf has none.
type life struct {
	begin, end int     // the first step and the one after the last
	ends       bool    // it is gone by the incident
	level      float64 // mean without the first step, which may be incomplete
}

// renamed gives leaves of an additive measure that replaced others, such as the pods of a
// workload after a rollout, a past at the level that they have had since, and the others a past
// of 0. Neither has then deviated.
func (a *aside) renamed() {
	lives := a.lives()
	begun, ended := a.handovers(lives)
	now, before := sumOf(lives, begun), sumOf(lives, ended)
	if now == 0 || before == 0 || !alike(now, before) {
		return
	}
	a.copy()
	n := len(a.num.Recent)
	for _, e := range begun {
		switch l := lives[e]; {
		case l.end < n: // it is gone itself
		case l.begin == n-1: // its only step is incomplete: scale them to the level of the others
			a.rewrite(e, l.begin, l.level*before/now)
		default:
			a.rewrite(e, l.begin+1, l.level)
		}
	}
	for _, e := range ended {
		a.rewrite(e, lives[e].end, 0)
	}
}

// rewrite replaces a leaf's values before a step.
func (a *aside) rewrite(e, since int, level float64) {
	before := make([]bool, len(a.num.Recent))
	for t := range since {
		before[t] = true
	}
	a.put(e, a.course(leafOf(e)), before, level)
}

func alike(a, b float64) bool { return a <= asMuch*b && b <= asMuch*a }

func sumOf(lives []life, leaves []int) (sum float64) {
	for _, e := range leaves {
		sum += lives[e].level
	}
	return sum
}

// lives returns the life of each leaf.
func (a *aside) lives() []life {
	lives := make([]life, len(a.num.Recent[0]))
	for e := range lives {
		lives[e] = a.life(leafOf(e))
		lives[e].ends = lives[e].end < len(a.num.Recent) || a.num.Actual != nil && leafOf(e)(a.num.Actual) == 0
	}
	return lives
}

func (a *aside) life(of func([]float64) float64) life {
	l := life{begin: -1}
	n := 0
	var sum float64
	for t, step := range a.num.Recent {
		x := of(step)
		if x == 0 {
			continue
		}
		if l.begin < 0 {
			l.begin = t
		} else {
			sum += x
		}
		l.end = t + 1
		n++
	}
	switch {
	case n == 0 || n < l.end-l.begin:
		return life{begin: -1}
	case n == 1:
		l.level = of(a.num.Recent[l.begin])
	default:
		l.level = sum / float64(n-1)
	}
	return l
}

// handovers returns the leaves that began when others ended, and those others.
func (a *aside) handovers(lives []life) (begun, ended []int) {
	n := len(a.num.Recent)
	begins, ends := make([]bool, n+1), make([]bool, n+1)
	for _, l := range lives {
		if l.begin > 0 {
			begins[l.begin] = true
		}
		if l.begin >= 0 && l.ends {
			ends[l.end] = true
		}
	}
	for e, l := range lives {
		if l.begin > 0 && nearby(ends, l.begin) {
			begun = append(begun, e)
		}
		if l.begin >= 0 && l.ends && nearby(begins, l.end) {
			ended = append(ended, e)
		}
	}
	return begun, ended
}

// nearby says whether there is a mark within a handover of a step.
func nearby(marks []bool, at int) bool {
	for t := max(0, at-handover); t <= min(len(marks)-1, at+handover); t++ {
		if marks[t] {
			return true
		}
	}
	return false
}
