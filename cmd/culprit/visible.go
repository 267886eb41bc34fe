// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"sync"
	"unicode"
	"unicode/utf16"
	"unicode/utf8"
)

// visible is what everything passes that a person reads. Labels, names, files
// and the errors of servers may hold what acts on a terminal in place of being
// seen: escape sequences, other control characters, marks that turn the
// direction of writing. Such a character is written as JSON writes it, so that
// JSON stays what it is.
type visible struct {
	w      io.Writer
	colors bool // of what [ink] writes

	mu   sync.Mutex
	rest []byte // of a character of which only the beginning has come
	err  error  // the first of w, which stays
}

// Write is part of io.Writer.
func (v *visible) Write(p []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	text := append(v.rest, p...)
	out := make([]byte, 0, len(text))
	for len(text) > 0 && utf8.FullRune(text) {
		r, size := utf8.DecodeRune(text)
		out = appendVisible(out, r, text[:size])
		text = text[size:]
	}
	v.rest = append([]byte(nil), text...)
	if _, err := v.w.Write(out); v.err == nil {
		v.err = err
	}
	if v.err != nil {
		return 0, v.err
	}
	return len(p), nil
}

// flush writes what is no whole character.
func (v *visible) flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, b := range v.rest {
		fmt.Fprintf(v.w, `\x%02x`, b)
	}
	v.rest = nil
}

// over lets the next text stand in place of the last line, if w is a terminal.
func over(w io.Writer) {
	if v, ok := w.(*visible); ok {
		w = v.w
	}
	fmt.Fprint(w, "\r\x1b[K")
}

// appendVisible appends a character that was read from raw.
func appendVisible(out []byte, r rune, raw []byte) []byte {
	switch {
	case r == utf8.RuneError && len(raw) == 1:
		return fmt.Appendf(out, `\x%02x`, raw[0])
	case r == '\n' || r == '\t' || unicode.IsGraphic(r):
		return append(out, raw...)
	case r > 0xffff:
		high, low := utf16.EncodeRune(r)
		return fmt.Appendf(out, `\u%04x\u%04x`, high, low)
	default:
		return fmt.Appendf(out, `\u%04x`, r)
	}
}
