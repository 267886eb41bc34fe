// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"cmp"
	"slices"
)

// Which choice of values is meant, leaves can't tell where two choices have the
// same ones, and hardly where what is outside of two narrower ones shows nothing:
// on real series three of four such answers are another choice than the true one.

const (
	heaviest = 2 // parts of a set by a label, beside which it must be seen to have moved
	visible  = 1 // gain of what is seen: that of noise
)

// plain tells whether no other choice of values could be meant by the leaves of
// a set: no further label has one value on them, unless that follows from theirs
// everywhere; and by each label the set moved beside its two heaviest parts.
func (t *Table) plain(s *Set, f fit) bool {
	for d := range t.codes {
		if slices.Contains(s.Dims, d) {
			continue
		}
		parts := t.parts(d, s, f)
		if len(parts) == 1 && !t.implied(d, s) || len(parts) > heaviest && !beside(parts) {
			return false
		}
	}
	return true
}

// parts are the sums of a set by the values of a label.
func (t *Table) parts(d int, s *Set, f fit) []sums {
	all := make([]sums, t.cards[d])
	for _, i := range s.leaves {
		all[t.codes[d][i]].add(f.noise.w[i], t.d[i])
	}
	return slices.DeleteFunc(all, func(p sums) bool { return p.n == 0 })
}

// beside tells whether what is left without the heaviest parts moved as they did.
func beside(parts []sums) bool {
	slices.SortFunc(parts, func(a, b sums) int { return cmp.Compare(b.gain(), a.gain()) })
	var rest sums
	for _, p := range parts[heaviest:] {
		rest.w += p.w
		rest.c += p.c
	}
	return rest.gain() >= visible && rest.c*parts[0].c > 0
}

// implied tells whether a label of the set determines the value of another.
func (t *Table) implied(d int, s *Set) bool {
	return slices.ContainsFunc(s.Dims, func(k int) bool { return k < len(t.opt.Implies) && slices.Contains(t.opt.Implies[k], d) })
}
