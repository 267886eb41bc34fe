// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"cmp"
	"slices"
)

// rank sorts the accepted sets of the tables: by surprise, then the smaller set, the greater EP
// and the earlier dimension. In complete mode aliases are dropped, and rollovers and labels
// that only refine another are moved back.
func rank(tables []Table, opt Options) []Set {
	var sets []Set
	for i := range tables {
		if tables[i].Set.Accepted && (opt.Mode == NSDI || tables[i].AliasOf < 0) {
			sets = append(sets, tables[i].Set)
		}
	}
	slices.SortStableFunc(sets, func(a, b Set) int {
		return cmp.Or(
			cmp.Compare(b.Adjusted, a.Adjusted),
			cmp.Compare(len(a.Elements), len(b.Elements)),
			cmp.Compare(b.EP, a.EP),
		)
	})
	if opt.Mode == Complete {
		sets = coarserFirst(sets, opt.Parents)
		sets = rolloversBack(sets)
	}
	return sets
}

// coarserFirst moves a label before a finer one that determines it, if it says nearly as much
// with fewer values. By the data-processing inequality the finer label is always at least as
// surprising, which is no advantage.
func coarserFirst(sets []Set, parents [][]int) []Set {
	if parents == nil {
		return sets
	}
	for i := 1; i < len(sets); i++ {
		coarse := sets[i]
		at := slices.IndexFunc(sets[:i], func(fine Set) bool {
			return slices.Contains(parents[fine.Dimension], coarse.Dimension) &&
				len(coarse.Elements) < len(fine.Elements) &&
				coarse.Adjusted >= coarserRatio*fine.Adjusted
		})
		if at >= 0 {
			sets = slices.Insert(slices.Delete(sets, i, i+1), at, coarse)
		}
	}
	return sets
}

// rolloversBack moves each rollover behind the last other set with at least half its surprise:
// a deploy shows what changed, seldom what broke.
func rolloversBack(sets []Set) []Set {
	for i := len(sets) - 1; i >= 0; i-- {
		roll := sets[i]
		if !roll.Rollover {
			continue
		}
		last := i
		for j := i + 1; j < len(sets); j++ {
			if !sets[j].Rollover && sets[j].Adjusted >= rolloverRatio*roll.Adjusted {
				last = j
			}
		}
		if last > i {
			sets = slices.Insert(slices.Delete(sets, i, i+1), last, roll)
		}
	}
	return sets
}

// markAliases marks dimensions equivalent to an earlier one: each determines the other.
func markAliases(tables []Table, parents [][]int) {
	for i := range parents {
		for _, j := range parents[i] {
			if j < i && slices.Contains(parents[j], i) {
				tables[i].AliasOf = j
				break
			}
		}
	}
}

// Refinements finds the functional dependencies between labels: for each dimension, the
// dimensions that its values determine, ascending. codes[d][i] is the value of label d on leaf
// i, in [0, cards[d]). Two dimensions that determine each other are aliases. A dimension with a
// single value is left out: every other one determines it, and it determines nothing.
//
// The cost is O(n²·leaves) at worst, and O(n²·C) for independent labels, because one
// counterexample ends a comparison.
func Refinements(codes [][]int32, cards []int) [][]int {
	parents := make([][]int, len(codes))
	for fine := range codes {
		for coarse := range codes {
			if fine != coarse && determines(codes[fine], codes[coarse], cards[fine]) &&
				several(codes[fine]) && several(codes[coarse]) {
				parents[fine] = append(parents[fine], coarse)
			}
		}
	}
	return parents
}

// determines says whether each value of fine occurs with a single value of coarse.
func determines(fine, coarse []int32, card int) bool {
	of := make([]int32, card)
	for i, f := range fine {
		switch of[f] {
		case 0:
			of[f] = coarse[i] + 1
		case coarse[i] + 1:
		default:
			return false
		}
	}
	return true
}

// several says whether a label has more than one value.
func several(code []int32) bool {
	return slices.ContainsFunc(code, func(c int32) bool { return c != code[0] })
}
