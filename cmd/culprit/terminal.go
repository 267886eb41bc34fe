// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"io"
	"os"

	"golang.org/x/term"

	"github.com/culprit-dev/culprit/analysis"
)

// style is the parameters of the terminal's escape sequence.
type style string

const (
	bold   style = "1"
	faint  style = "2"
	red    style = "1;31"
	green  style = "1;32"
	yellow style = "33"
	cyan   style = "36"
)

// styleOf is the style of a confidence.
func styleOf(c analysis.Confidence) style {
	switch c {
	case analysis.High:
		return green
	case analysis.Medium:
		return yellow
	default:
		return faint
	}
}

// colors reports whether w gets colours: as --color says, or by default if it is a terminal and
// NO_COLOR (https://no-color.org) is not set.
func colors(mode string, w io.Writer) bool {
	switch mode {
	case "always":
		return true
	case "never":
		return false
	}
	return os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && isTerminal(w)
}

// ink prints a text in a style, if w has colours.
func ink(w io.Writer, s style, text string) {
	v, ok := w.(*visible)
	if !ok || !v.colors {
		_, _ = io.WriteString(w, text) // like fmt.Fprint elsewhere
		return
	}
	_, _ = io.WriteString(v.w, "\x1b["+string(s)+"m")
	_, _ = v.Write([]byte(text))
	_, _ = io.WriteString(v.w, "\x1b[0m")
}

// Range of terminal widths that tables adapt to.
const (
	narrowest = 60
	widest    = 160
)

// widthOf is the width of w in characters; usual if it is not a terminal.
func widthOf(w io.Writer, usual int) int {
	f, ok := fileOf(w)
	if !ok {
		return usual
	}
	n, _, err := term.GetSize(int(f.Fd()))
	if err != nil {
		return usual
	}
	return min(max(cmp.Or(n, usual), narrowest), widest)
}

// fileOf returns the file behind w.
func fileOf(w io.Writer) (*os.File, bool) {
	if v, ok := w.(*visible); ok {
		w = v.w
	}
	f, ok := w.(*os.File)
	return f, ok
}

// isTerminal reports whether w is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := fileOf(w)
	return ok && term.IsTerminal(int(f.Fd()))
}
