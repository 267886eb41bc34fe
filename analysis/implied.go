// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"maps"
	"slices"
)

// implied extends a label set by the labels that have a single value in all of its leaves: an
// instance belongs to one service. This says whose the set is if its own labels don't.
func (t Target) implied(set Set) Set {
	for _, b := range []*Breakdown{t.Breakdown, t.Beside} {
		if all := b.implied(set); all != nil {
			return all
		}
	}
	return set
}

// implied returns nil if the set selects no leaf.
func (b *Breakdown) implied(set Set) Set {
	if b == nil {
		return nil
	}
	var all Set
	for _, leaf := range b.Leaves {
		own := Set{}
		for i, name := range b.Labels {
			if leaf[i] != "" {
				own[name] = leaf[i]
			}
		}
		for name, value := range set {
			if slices.Contains(b.Labels, name) && own[name] != value {
				own = nil
				break
			}
		}
		switch {
		case own == nil:
		case all == nil:
			all = own
		default:
			maps.DeleteFunc(all, func(name, value string) bool { return own[name] != value })
		}
	}
	if all != nil {
		maps.Copy(all, set)
	}
	return all
}
