// SPDX-License-Identifier: Apache-2.0

package forecast

// Limits of what takes the place of something else.
const (
	handover = 2 // steps within which one leaf ends and another begins
	asMuch   = 2 // times as much as what has ended may have begun, or the reverse
)

// life is from when to when a leaf is there without a break, in steps. One that is there
// now and then has none.
type life struct {
	begin, end int     // the first step and the one after the last
	ends       bool    // by the incident at the latest
	level      float64 // the mean without the first step, which may be there in part
}

// renamed gives the leaves of an additive measure that have taken the place of others the
// past of these, as the pods of a workload after a rollout: what is usual of them is how
// they have been since, and of the others nothing. That is no deviation of either.
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
		case l.end < n: // it has gone itself
		case l.begin == n-1: // it is known in part only: together they are as much as the others
			a.rewrite(e, l.begin, l.level*before/now)
		default:
			a.rewrite(e, l.begin+1, l.level)
		}
	}
	for _, e := range ended {
		a.rewrite(e, lives[e].end, 0)
	}
}

// rewrite gives a leaf another past before a step.
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

// lives are those of all leaves.
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

// handovers are the leaves that began when others ended, and those others.
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
