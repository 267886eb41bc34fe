// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	tableWidth = 100 // characters of a line
	nameWidth  = 30  // of a label's value
	mostValues = 10  // per label
)

// dimensionsTable prints an attribution to labels for a terminal: the verdict, the causes, and the
// measure by each label.
type dimensionsTable struct {
	w     io.Writer
	width int
	wide  bool // nothing is cut
}

func (t *dimensionsTable) print(file string, r report.Report) error {
	if file != "" {
		t.line("── %s", file)
	}
	t.wrap("", verdictOf(r))
	for _, c := range r.Result.Causes {
		t.cause(c)
	}
	t.line("")
	t.line("  %s %9s   %-9s %-*s  %8s", pad("BY LABEL", nameWidth), "FORECAST", "NOW", barWidth+9, "SHARE OF THE CHANGE", "SURPRISE")
	for _, d := range r.Result.Dimensions {
		t.dimension(d)
	}
	t.line("")
	if f := r.Result.Forecast; f != "" {
		t.wrap("", "Forecast: "+strings.TrimPrefix(f, "forecast ")+".")
	}
	for _, text := range doubts(r) {
		t.wrap("", "Note: "+text+".")
	}
	_, err := fmt.Fprintln(t.w)
	return err
}

// verdictOf is the answer as a sentence. Without a cause the first warning explains better than the
// general line why.
func verdictOf(r report.Report) string {
	if r.Result.Verdict != analysis.Explained && len(r.Result.Warnings) > 0 {
		text := r.Result.Warnings[0].Text
		first, size := utf8.DecodeRuneInString(text)
		return strings.ToUpper(string(first)) + text[size:] + "."
	}
	return strings.TrimSuffix(r.Summary, ".") + "."
}

// doubts are the warnings that the verdict has not mentioned.
func doubts(r report.Report) []string {
	var texts []string
	for i, w := range r.Result.Warnings {
		if i > 0 || r.Result.Verdict == analysis.Explained {
			texts = append(texts, w.Text)
		}
	}
	return texts
}

// cause prints a cause on a line with its bar, and its meaning below.
func (t *dimensionsTable) cause(c analysis.Finding) {
	t.line("")
	t.line("%2d. %s", c.Rank, report.Title(c))
	share := "–"
	if c.Share > 0 {
		share = words.Percent(c.Share)
	}
	t.row(fmt.Sprintf("    %-*s %s, ", barWidth, bar(c.Share), share), styleOf(c.Confidence), c.Confidence.String()+" confidence", "")
	t.wrap("    ", c.Sentence)
}

// dimension prints the measure by one label.
func (t *dimensionsTable) dimension(d analysis.Dimension) {
	switch {
	case len(d.Elements) == 0:
		t.line("%s", d.Label)
	case d.Explained == 0:
		t.line("%s: no value stands out", d.Label)
	default:
		t.line("%s: what stands out explains %s, surprise %s bits", d.Label, words.Percent(d.Explained), words.Number(d.Surprise))
	}
	if d.Note != "" {
		t.wrap("  ", "("+d.Note+")")
	}
	for _, e := range d.Elements[:min(mostValues, len(d.Elements))] {
		t.element(e)
	}
	if n := len(d.Elements) - mostValues; n > 0 {
		t.line("  … and %d less surprising", n)
	}
}

func (t *dimensionsTable) element(e analysis.Element) {
	value := e.Value
	if value == "" {
		value = `""`
	}
	t.line("  %s %9s → %-9s %-*s %8s  %8s  %s", pad(t.cut(value, nameWidth), nameWidth),
		words.Number(e.Forecast), words.Number(e.Actual), barWidth, bar(e.EP), signed(e.EP), words.Number(e.Surprise),
		strings.Join(e.Tags, ", "))
}

// signed formats a share that may be negative.
func signed(share float64) string {
	if share < 0 {
		return "−" + words.Percent(-share)
	}
	return words.Percent(share)
}

// line prints one line, cut to the width, without trailing spaces. Characters that can't be seen
// are escaped first, as that makes it longer.
func (t *dimensionsTable) line(format string, args ...any) {
	text := strings.Map(printable, fmt.Sprintf(format, args...))
	fmt.Fprintln(t.w, strings.TrimRight(t.cut(text, t.width), " "))
}

// row prints one line with a part in a style. Without colours it is [dimensionsTable.line].
func (t *dimensionsTable) row(head string, s style, part, tail string) {
	plain := strings.TrimRight(strings.Map(printable, head+part+tail), " ")
	if v, ok := t.w.(*visible); !ok || !v.colors || s == "" || !t.wide && columns(plain) > t.width {
		t.line("%s", plain)
		return
	}
	if tail = strings.TrimRight(tail, " "); tail == "" {
		part = strings.TrimRight(part, " ")
	}
	fmt.Fprint(t.w, strings.Map(printable, head))
	ink(t.w, s, strings.Map(printable, part))
	fmt.Fprintln(t.w, strings.Map(printable, tail))
}

func printable(r rune) rune {
	if !unicode.IsGraphic(r) {
		return '�'
	}
	return r
}

// cut shortens a text to a width.
func (t *dimensionsTable) cut(text string, width int) string {
	if t.wide || columns(text) <= width {
		return text
	}
	for columns(text) >= width {
		_, size := utf8.DecodeLastRuneInString(text)
		text = text[:len(text)-size]
	}
	return text + "…"
}

// wrap prints a text on as many lines as needed.
func (t *dimensionsTable) wrap(indent, text string) { t.wrapBehind(indent, indent, text) }

// wrapBehind is wrap with another prefix on the first line.
func (t *dimensionsTable) wrapBehind(first, indent, text string) {
	line, bare := first, true
	for _, word := range strings.Fields(text) {
		if !bare && columns(line)+1+columns(word) > t.width {
			t.line("%s", line)
			line, bare = indent, true
		}
		if !bare {
			line += " "
		}
		line, bare = line+word, false
	}
	t.line("%s", line)
}

// pad pads a text with spaces to a width.
func pad(text string, width int) string {
	return text + strings.Repeat(" ", max(0, width-columns(text)))
}

// columns is the width of a text on a terminal: Chinese, Japanese and Korean characters take two
// columns.
func columns(text string) int {
	n := 0
	for _, r := range text {
		n++
		if unicode.In(r, unicode.Han, unicode.Hangul, unicode.Hiragana, unicode.Katakana) || r >= 0xff01 && r <= 0xff60 {
			n++
		}
	}
	return n
}
