// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
)

// suggest returns a hint for a word that is not one of the legal ones: the
// nearest of them if it is near enough to be a slip, and all of them.
func suggest(word string, legal []string) string {
	all := "use one of " + strings.Join(legal, ", ")
	if hint, near := Meant(word, legal); near {
		return hint + " " + all
	}
	return all
}

// Meant asks whether the nearest of the legal words was meant, if it is near
// enough to be a slip: one of three letters may be wrong. Else it may be the
// beginning of exactly one of them.
func Meant(word string, legal []string) (hint string, near bool) {
	best, least := "", max(1, len(word)/3)+1
	for _, l := range legal {
		if d := distance(strings.ToLower(word), strings.ToLower(l)); d < least {
			best, least = l, d
		}
	}
	if best == "" {
		best = begunBy(word, legal)
	}
	return fmt.Sprintf("did you mean %q?", best), best != ""
}

// begunBy returns the one legal word that begins with three or more letters, and
// nothing if several do.
func begunBy(start string, legal []string) string {
	const fewest = 3
	found := ""
	for _, l := range legal {
		switch {
		case len(start) < fewest || l == found || !strings.HasPrefix(strings.ToLower(l), strings.ToLower(start)):
		case found != "":
			return ""
		default:
			found = l
		}
	}
	return found
}

// distance counts the insertions, deletions, replacements and swaps of
// neighbours that turn a into b (optimal string alignment).
func distance(a, b string) int {
	before, last := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range last {
		last[j] = j
	}
	for i := range len(a) {
		row := make([]int, len(b)+1)
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			row[j+1] = min(last[j+1]+1, row[j]+1, last[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				row[j+1] = min(row[j+1], before[j-1]+1)
			}
		}
		before, last = last, row
	}
	return last[len(b)]
}
