package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	barWidth   = 10
	sparkWidth = 30
)

// printReport writes a report for a terminal: the answer on one line, the
// causes as a table, and the queries if they are wanted.
func printReport(w io.Writer, r report.Report, queries bool) error {
	var text bytes.Buffer
	fmt.Fprintf(&text, "%s\n\n", r.Summary)
	printCauses(&text, r)
	if queries {
		printQueries(&text, r.Plan)
	}
	_, err := w.Write(trimLines(text.Bytes()))
	return err
}

// trimLines removes the blanks with which a table fills its last column.
func trimLines(text []byte) []byte {
	lines := bytes.Split(text, []byte("\n"))
	for i := range lines {
		lines[i] = bytes.TrimRight(lines[i], " ")
	}
	return bytes.Join(lines, []byte("\n"))
}

// printCauses writes the KPI and below it the causes, each with its share, how
// it moved, how sure it is, and its line.
func printCauses(w io.Writer, r report.Report) {
	t := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(t, "#\tCAUSE\tSHARE\t\tBEFORE → NOW\tCONFIDENCE\t")
	if c := r.Result.Change; c != nil {
		u := r.Unit()
		fmt.Fprintf(t, "\t%s\t\t\t%s → %s\t\t%s\n", r.KPI(), u.Format(c.Forecast), u.Format(c.Actual), sparkOf(r, r.KPI()))
	}
	for _, c := range r.Result.Causes {
		fmt.Fprintf(t, "%d\t%s\t%s\t%s\t%s\t%s\t%s\n", c.Rank, report.Title(c), share(c), bar(c.Share), moved(r, c), c.Confidence, sparkOf(r, c.Series))
	}
	_ = t.Flush() // a buffer takes everything
	if len(r.Result.Causes) == 0 {
		fmt.Fprintln(w, "no causes")
	}
}

func share(c analysis.Finding) string {
	if c.Share <= 0 {
		return ""
	}
	return words.Percent(min(c.Share, 1))
}

// moved is the level of a cause before and in the incident. The unit of a set
// of labels is that of the KPI's parts; that of a series is not known.
func moved(r report.Report, c analysis.Finding) string {
	before, after, ok := report.Moved(c)
	if !ok {
		return ""
	}
	var u words.Unit
	if c.Kind == analysis.KindLabels {
		u = r.PartUnit()
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

// sparkOf draws the chart of a name; it is empty if there is none.
func sparkOf(r report.Report, name string) string {
	i := slices.IndexFunc(r.Charts, func(c report.Chart) bool { return name != "" && c.Name == name })
	if i < 0 {
		return ""
	}
	return spark(r.Charts[i].Values)
}

// spark draws values as a line of blocks between the smallest and the largest
// of them; of several that share a block the one farthest from the middle of
// all is shown, so that a spike stays one. A missing value is a space.
func spark(values []*float64) string {
	lo, hi := math.Inf(1), math.Inf(-1)
	for _, v := range values {
		if v != nil {
			lo, hi = min(lo, *v), max(hi, *v)
		}
	}
	n := min(sparkWidth, len(values))
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

func printQueries(w io.Writer, p report.Plan) {
	fmt.Fprintf(w, "\nasked for %s to %s every %s:\n", p.Start.UTC().Format(timeLayout), p.End.UTC().Format(timeLayout), p.Step)
	for _, q := range p.Queries {
		fmt.Fprintf(w, "  # %s %s\n  %s\n", q.Role, q.Name, q.Query)
	}
}

// timeLayout is how times are shown to people.
const timeLayout = "2006-01-02 15:04:05Z"

// number counts things: "1 alert", "2 alerts".
func number(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}
