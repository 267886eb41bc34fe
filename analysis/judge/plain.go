// SPDX-License-Identifier: Apache-2.0

package judge

import (
	"cmp"
	"slices"
)

// Leaves can't tell which of two choices of values is meant if both select the same ones, and
// hardly if everything outside two narrower choices shows nothing: on real series three of four
// such answers are not the true choice.

const (
	heaviest = 2 // parts of a set by a label, without which it must still have moved
	visible  = 1 // gain needed to be visible, that of noise
)

// unambiguous says whether no other choice of values could be meant by the leaves of a set: no
// further label is constant on them, unless the set's labels determine it, and by each label
// the set also moved without its two heaviest parts.
func (t *Table) unambiguous(s *Set, f fit) bool {
	for d := range t.codes {
		if slices.Contains(s.Dims, d) {
			continue
		}
		parts := t.parts(d, s, f)
		if len(parts) == 1 && !t.implied(d, s) || len(parts) > heaviest && !restMoved(parts) {
			return false
		}
	}
	return true
}

// parts sums a set by the values of a label.
func (t *Table) parts(d int, s *Set, f fit) []sums {
	all := make([]sums, t.cards[d])
	for _, i := range s.leaves {
		all[t.codes[d][i]].add(f.noise.w[i], t.d[i])
	}
	return slices.DeleteFunc(all, func(p sums) bool { return p.n == 0 })
}

// restMoved says whether what remains without the heaviest parts moved like them.
func restMoved(parts []sums) bool {
	slices.SortFunc(parts, func(a, b sums) int { return cmp.Compare(b.gain(), a.gain()) })
	var rest sums
	for _, p := range parts[heaviest:] {
		rest.w += p.w
		rest.c += p.c
	}
	return rest.gain() >= visible && rest.c*parts[0].c > 0
}

// implied says whether a label of the set determines another label.
func (t *Table) implied(d int, s *Set) bool {
	return slices.ContainsFunc(s.Dims, func(k int) bool { return k < len(t.opt.Implies) && slices.Contains(t.opt.Implies[k], d) })
}
