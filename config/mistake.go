// SPDX-License-Identifier: Apache-2.0

package config

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

// Mistake is one mistake in a configuration.
type Mistake struct {
	File   string
	Line   int // from 1; 0: the file as a whole
	Column int // from 1; 0: the line as a whole
	What   string
	Hint   string // what to write instead; may be empty
}

// String returns "file:line: what (hint)".
func (m Mistake) String() string {
	var b strings.Builder
	b.WriteString(m.File)
	if m.Line > 0 {
		fmt.Fprintf(&b, ":%d", m.Line)
	}
	b.WriteString(": " + m.What)
	if m.Hint != "" {
		b.WriteString(" (" + m.Hint + ")")
	}
	return b.String()
}

// Errors are all mistakes of a configuration.
type Errors []Mistake

// Error returns one line per mistake.
func (e Errors) Error() string {
	lines := make([]string, len(e))
	for i, m := range e {
		lines[i] = m.String()
	}
	return strings.Join(lines, "\n")
}

// Sorted sorts the mistakes by line within each file and removes duplicates. Files stay in the
// order in which they were read.
func (e Errors) Sorted() Errors {
	order := map[string]int{}
	for _, m := range e {
		if _, seen := order[m.File]; !seen {
			order[m.File] = len(order)
		}
	}
	slices.SortStableFunc(e, func(a, b Mistake) int {
		return cmp.Or(cmp.Compare(order[a.File], order[b.File]), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
	return slices.Compact(e)
}
