// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// byTelling puts the labels first that say more of a place: a name before an
// address, and that of what stays before that of what comes and goes.
func byTelling(names []string) []string {
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Or(cmp.Compare(telling(a), telling(b)), cmp.Compare(a, b)) })
	return sorted
}

func telling(name string) int {
	switch {
	case name == "pod":
		return 1
	case namesReplica(name) || name == "device":
		return 2
	}
	return 0
}

// byTelling are the labels of a breakdown, the most telling first.
func (b *Breakdown) byTelling() []string {
	sorted := byTelling(b.Labels)
	order := make([]int, len(sorted))
	for i, name := range sorted {
		order[i] = slices.Index(b.Labels, name)
	}
	return arrange(b.Labels, b.namesFirst(order))
}

// namesFirst puts, of two labels that say the same of all leaves, the one whose
// values are names in the place of the one whose values are ids, if that is
// earlier: datname=shop is read, datid=16384 is looked up. order are places of
// labels, and is changed.
func (b *Breakdown) namesFirst(order []int) []int {
	for i, id := range order {
		for j := i + 1; j < len(order); j++ { // few labels are the same, which is soon seen
			if name := order[j]; telling(b.Labels[name]) == 0 && b.sameLabel(id, name) && b.holdsIDs(id) && !b.holdsIDs(name) {
				order[i], order[j] = name, id
				break
			}
		}
	}
	return order
}

// idPattern is what nobody reads as a name: no letter at all, a UUID, a hash.
var idPattern = regexp.MustCompile(`^([^\pL]*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(0x|sha256:)?[0-9a-fA-F]{8,})$`)

// isID tells ids from names; a word of the letters a to f has no digit.
func isID(value string) bool {
	return strings.ContainsAny(value, "0123456789") && idPattern.MatchString(value)
}

// holdsIDs says that all values of a label are ids, as far as it has any.
func (b *Breakdown) holdsIDs(label int) bool {
	some := false
	for _, leaf := range b.Leaves {
		switch v := leaf[label]; {
		case v == "":
		case !isID(v):
			return false
		default:
			some = true
		}
	}
	return some
}

// sameLabel says that two labels have several values, and each of one goes with
// one of the other.
func (b *Breakdown) sameLabel(x, y int) bool {
	of, back := map[string]string{}, map[string]string{}
	for i, leaf := range b.Leaves {
		v, w := leaf[x], leaf[y]
		if i > 0 && v == b.Leaves[i-1][x] && w == b.Leaves[i-1][y] {
			continue
		}
		if known, ok := of[v]; ok && known != w {
			return false
		}
		if known, ok := back[w]; ok && known != v {
			return false
		}
		of[v], back[w] = w, v
	}
	return len(of) > 1
}
