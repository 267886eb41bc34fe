// SPDX-License-Identifier: Apache-2.0

package report

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// clean turns foreign text into one line: control characters (line breaks, escape sequences) and
// invisible ones that change the direction of text become spaces, invalid UTF-8 becomes a
// replacement character, and runs of spaces become one.
func clean(s string) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || unicode.Is(unicode.Cf, r) || unicode.IsSpace(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "�"))
	return strings.Join(strings.Fields(s), " ")
}

// OneLine turns foreign text into one line of at most limit bytes.
func OneLine(s string, limit int) string { return cut(clean(s), limit) }

// cut shortens a text to at most limit bytes, at a character boundary.
func cut(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	end := max(0, limit-len(ellipsis))
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return strings.TrimRight(s[:end], " ,;:") + ellipsis
}

// middle shortens a text to at most limit bytes by cutting its middle: in a series name both the
// metric and the last labels matter most.
func middle(s string, limit int) string {
	const ellipsis = "…"
	if len(s) <= limit {
		return s
	}
	head := (limit - len(ellipsis)) * 2 / 3
	tail := len(s) - (limit - len(ellipsis) - head)
	for head > 0 && !utf8.RuneStart(s[head]) {
		head--
	}
	for tail < len(s) && !utf8.RuneStart(s[tail]) {
		tail++
	}
	return s[:head] + ellipsis + s[tail:]
}
