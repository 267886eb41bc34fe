// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
)

// byRank sorts labels by how well they identify a place: names before addresses, and
// long-lived things before short-lived ones.
func byRank(names []string) []string {
	sorted := slices.Clone(names)
	slices.SortStableFunc(sorted, func(a, b string) int { return cmp.Or(cmp.Compare(labelRank(a), labelRank(b)), cmp.Compare(a, b)) })
	return sorted
}

func labelRank(name string) int {
	switch {
	case name == "pod":
		return 1
	case namesReplica(name) || name == "device":
		return 2
	}
	return 0
}

// labelsByRank returns the labels of a breakdown, the best identifying first.
func (b *Breakdown) labelsByRank() []string {
	sorted := byRank(b.Labels)
	order := make([]int, len(sorted))
	for i, name := range sorted {
		order[i] = slices.Index(b.Labels, name)
	}
	return arrange(b.Labels, b.namesFirst(order))
}

// namesFirst swaps two equivalent labels if the one with ids precedes the one with names:
// people read datname=shop, but have to look up datid=16384. It modifies order, which holds
// indices of labels.
func (b *Breakdown) namesFirst(order []int) []int {
	for i, id := range order {
		for j := i + 1; j < len(order); j++ { // few labels are equivalent, and a difference shows early
			if name := order[j]; labelRank(b.Labels[name]) == 0 && b.sameLabel(id, name) && b.holdsIDs(id) && !b.holdsIDs(name) {
				order[i], order[j] = name, id
				break
			}
		}
	}
	return order
}

// idPattern matches values that nobody reads as a name: without letters, a UUID, a hash.
var idPattern = regexp.MustCompile(`^([^\pL]*|[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}|(0x|sha256:)?[0-9a-fA-F]{8,})$`)

// isID distinguishes IDs from names. A word made of the letters a to f has no digit.
func isID(value string) bool {
	return strings.ContainsAny(value, "0123456789") && idPattern.MatchString(value)
}

// holdsIDs says whether all non-empty values of a label are ids.
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

// sameLabel says whether two labels have several values that correspond one to one.
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
