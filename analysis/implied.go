// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"maps"
	"slices"
)

// implied adds to a set of labels those that all leaves of the set have with one value:
// an instance is of one service. It tells whose the set is, where its own labels don't.
func (t Target) implied(set Set) Set {
	for _, b := range []*Breakdown{t.Breakdown, t.Beside} {
		if all := b.implied(set); all != nil {
			return all
		}
	}
	return set
}

// implied returns nil where no leaf is of the set.
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
