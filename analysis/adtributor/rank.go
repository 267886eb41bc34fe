// SPDX-License-Identifier: Apache-2.0

package adtributor

import (
	"cmp"
	"slices"
)

// rank orders the accepted sets of the tables: by surprise, then the smaller
// set, the greater EP and the earlier dimension. In complete mode an alias, a
// roll-over and a label that only refines another stand back.
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

// coarserFirst lets a label that the finer one determines go before it, if it
// says nearly as much with fewer values. By the data-processing inequality the
// finer label is always at least as surprising, which is no merit of its own.
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

// rolloversBack moves each roll-over behind the last other set that has at
// least half its surprise: a deploy shows what changed, seldom what broke.
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

// markAliases notes the dimensions that say the same as an earlier one: each
// determines the other.
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

// Refinements finds the functional dependencies between labels: the answer
// holds, for each dimension, the dimensions that each of its values determines,
// ascending. codes[d][i] is the value of label d on leaf i, in [0, cards[d]).
// Two dimensions that determine one another are aliases. A dimension with a
// single value is determined by all and determines nothing worth knowing: it
// is left out.
//
// The cost is O(n²·leaves) at worst, and O(n²·C) for labels that are
// independent, since one counterexample ends a comparison.
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

// determines tells whether each value of fine goes with one value of coarse.
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

// several tells whether a label has more than one value.
func several(code []int32) bool {
	return slices.ContainsFunc(code, func(c int32) bool { return c != code[0] })
}
