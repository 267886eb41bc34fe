// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
)

// suggest returns a hint for an illegal word: the nearest legal one if it may be a typo, and all of
// them.
func suggest(word string, legal []string) string {
	all := "use one of " + strings.Join(legal, ", ")
	if hint, near := Meant(word, legal); near {
		return hint + " " + all
	}
	return all
}

// Meant suggests the nearest legal word if a third of the letters at most is wrong, or else the
// only one that begins with the word.
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

// begunBy returns the only legal word that begins with start, if that has at least three letters.
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

// distance is the number of insertions, deletions, replacements and swaps of adjacent letters that
// turn a into b (optimal string alignment).
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
