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

// visible filters everything that a person reads. Labels, names, files and server errors may
// contain characters that affect a terminal: escape sequences, other control characters, marks that
// change the direction of text. They are escaped as in JSON, so that JSON stays the same.
type visible struct {
	w      io.Writer
	colors bool // whether [ink] uses colours

	mu   sync.Mutex
	rest []byte // of an incomplete character
	err  error  // the first error of w
}

// Write implements io.Writer.
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

// flush writes an incomplete character.
func (v *visible) flush() {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, b := range v.rest {
		fmt.Fprintf(v.w, `\x%02x`, b)
	}
	v.rest = nil
}

// over lets the next text overwrite the last line, if w is a terminal.
func over(w io.Writer) {
	if v, ok := w.(*visible); ok {
		w = v.w
	}
	fmt.Fprint(w, "\r\x1b[K")
}

// appendVisible appends a character decoded from raw.
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
