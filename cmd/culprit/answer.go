// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	barWidth    = 10
	sparkWidth  = 30
	answerWidth = 80 // characters of a line, as many as any terminal has
)

// printReport prints a report for a terminal: the one-line answer, a table of the causes, and the
// queries if wanted.
func printReport(w io.Writer, r report.Report, queries bool) error {
	t := &dimensionsTable{w: w, width: widthOf(w, answerWidth), wide: true}
	t.row("", bold, r.Summary, "")
	t.line("")
	t.answer(r)
	for _, text := range []string{r.Impact(), r.NoChange()} {
		if text != "" {
			t.line("")
			t.wrap("", text)
		}
	}
	if queries {
		t.queries(r.Plan)
	}
	_, err := io.WriteString(w, "") // returns the first error of any line
	return err
}

// trimLines removes trailing spaces, which pad the last column.
func trimLines(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimRight(lines[i], " ")
	}
	return bytes.Join(lines, []byte("\n"))
}

// figures are the columns below a name: share, movement, confidence, and the time series.
type figures struct {
	name, share, moved, confidence string
	course                         []*float64
	explains                       string // which of several KPIs; empty: there is only one
	style                          style  // of the confidence
}

// answer prints the KPI, and below it the causes. Names have lines of their own, as those of series
// may be longer than any column.
func (t *dimensionsTable) answer(r report.Report) {
	kpis := kpisOf(r)
	rows := []figures{{name: "#   CAUSE", share: "SHARE", moved: "BEFORE → NOW", confidence: "CONFIDENCE", style: faint}}
	if c := r.Result.Change; c != nil {
		u := r.Unit()
		rows = append(rows, figures{
			name: "    " + r.KPI(), moved: u.Format(c.Forecast) + " → " + u.Format(c.Actual), course: ofKPI(r),
		})
	}
	for _, c := range r.Result.Causes {
		rows = append(rows, figures{
			name: fmt.Sprintf("%-3d %s", c.Rank, report.Title(c)), share: pad(bar(c.Share), barWidth) + " " + share(c),
			moved: moved(r, c), confidence: report.WithRole(c.Confidence.String(), c), course: courseOf(r, c.Series),
			explains: explained(c, kpis), style: styleOf(c.Confidence),
		})
	}
	if len(rows) == 1 {
		t.line("no causes")
		return
	}
	var shares, moves, sures int
	for _, row := range rows {
		shares, moves, sures = max(shares, columns(row.share)), max(moves, columns(row.moved)), max(sures, columns(row.confidence))
	}
	for _, row := range rows {
		t.wrapBehind(row.name[:4], "    ", row.name[4:])
		head, sure := "    "+pad(row.share, shares)+"  "+pad(row.moved, moves)+"  ", pad(row.confidence, sures)
		t.row(head, row.style, sure, "  "+spark(row.course, min(sparkWidth, t.width-columns(head)-columns(sure)-2)))
		if row.explains != "" {
			t.wrap("    ", row.explains)
		}
	}
	if len(r.Result.Causes) == 0 {
		t.line("no causes")
	}
}

// queries prints the queries.
func (t *dimensionsTable) queries(p report.Plan) {
	t.line("")
	t.line("asked for %s to %s every %s:", p.Start.UTC().Format(timeLayout), p.End.UTC().Format(timeLayout), p.Step)
	for _, q := range p.Queries {
		t.line("  # %s %s", q.Role, q.Name)
		t.line("  %s", q.Query)
	}
}

// kpisOf returns the names of a report's KPIs.
func kpisOf(r report.Report) []string {
	var names []string
	for _, q := range r.Plan.Queries {
		if q.Role == report.RoleTarget {
			names = append(names, q.Name)
		}
	}
	for _, c := range r.Result.Causes {
		names = append(names, c.Explains...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// explained says which of several KPIs a cause explains, and whether it is common to all.
func explained(c analysis.Finding, kpis []string) string {
	switch {
	case len(kpis) < 2 || len(c.Explains) == 0:
		return ""
	case c.Common:
		return fmt.Sprintf("common: explains all %d KPIs, %s", len(kpis), strings.Join(c.Explains, ", "))
	default:
		return fmt.Sprintf("explains %s (%d of %d KPIs)", strings.Join(c.Explains, ", "), c.NumExplained(), len(kpis))
	}
}

func share(c analysis.Finding) string {
	if c.Share <= 0 {
		return ""
	}
	return words.Percent(min(c.Share, 1))
}

// moved is the level of a cause before and during the incident. Label sets are in the unit of the
// KPI's parts; the unit of series is unknown.
func moved(r report.Report, c analysis.Finding) string {
	before, after, ok := c.Evidence.Moved()
	if !ok {
		return ""
	}
	var u words.Unit
	if c.OfLabels() {
		u = r.UnitOf(c)
	}
	return u.Format(before) + " → " + u.Format(after)
}

// bar draws a share of the whole, in eighths of a character.
func bar(share float64) string {
	eighths := int(math.Round(min(max(share, 0), 1) * barWidth * 8))
	text := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		text += string([]rune("▏▎▍▌▋▊▉")[rest-1])
	}
	return text
}

// ofKPI is the KPI's chart, which is the first.
func ofKPI(r report.Report) []*float64 {
	if len(r.Charts) == 0 {
		return nil
	}
	return r.Charts[0].Values
}

// courseOf is the chart with a name; nil if there is none.
func courseOf(r report.Report, name string) []*float64 {
	i := slices.IndexFunc(r.Charts, func(c report.Chart) bool { return name != "" && c.Name == name })
	if i < 0 {
		return nil
	}
	return r.Charts[i].Values
}

// spark draws values as a line of at most width blocks between minimum and maximum. Of several
// values in a block it shows the one farthest from the middle, to keep spikes. A missing value is a
// space.
func spark(values []*float64, width int) string {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v != nil {
			lo, hi = min(lo, *v), max(hi, *v)
		}
	}
	n := min(max(width, 0), len(values))
	line := make([]rune, n)
	for i := range n {
		line[i] = block(values[i*len(values)/n:(i+1)*len(values)/n], lo, hi)
	}
	return strings.TrimRight(string(line), " ")
}

func block(values []*float64, lo, hi float64) rune {
	blocks := []rune("▁▂▃▄▅▆▇█")
	far, found := 0.0, false
	for _, v := range values {
		if v != nil && (!found || math.Abs(*v-(lo+hi)/2) > math.Abs(far-(lo+hi)/2)) {
			far, found = *v, true
		}
	}
	switch {
	case !found:
		return ' '
	case hi == lo:
		return blocks[0]
	default:
		return blocks[int((far-lo)/(hi-lo)*float64(len(blocks)-1)+0.5)]
	}
}

// timeLayout is how people see times.
const timeLayout = "2006-01-02 15:04:05Z"

// number formats a count: "1 alert", "2 alerts".
func number(n int, thing string) string { return plural(n, thing, thing+"s") }

// plural formats a count with an irregular plural.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
