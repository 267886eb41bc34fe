// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	seriesWidth = 45 // characters of a series name
	movedWidth  = 21 // of the levels before and during the incident
	mostMembers = 3  // indistinguishable series to name
)

// printCandidates prints a ranking of series for a terminal: the verdict, the KPI, the series with
// sparklines, and how the incident may have spread.
func printCandidates(w io.Writer, name string, r report.Report) error {
	t := &dimensionsTable{w: w, width: widthOf(w, tableWidth)}
	if name != "" {
		t.line("── %s", name)
	}
	t.wrap("", strings.TrimSuffix(r.Summary, ".")+".")
	t.line("")
	t.line("    %s %s %-*s CONFIDENCE", pad("SERIES", seriesWidth), pad("BEFORE → NOW", movedWidth), barWidth+1, "SCORE")
	if c := r.Result.Change; c != nil {
		t.line("KPI %s %s", pad(shorten(c.Target, seriesWidth), seriesWidth), words.Number(c.Forecast)+" → "+words.Number(c.Actual))
		t.course(r, c.Target, "")
	}
	best := 0.0
	for _, c := range r.Result.Causes {
		best = max(best, c.Score)
	}
	for _, c := range r.Result.Causes {
		t.series(r, c, best)
	}
	if len(r.Result.Causes) == 0 {
		t.line("    no causes")
	}
	t.line("")
	if hurt := r.Impact(); hurt != "" {
		t.wrap("", hurt+".")
	}
	if f := r.Result.Fit; f != nil {
		t.line("%d series looked at, %d of them moved.", f.Series, f.Moved)
	}
	for _, chain := range r.Result.Graph.Chains {
		t.wrap("", "Likely way: "+chain.Sentence+".")
	}
	for _, w := range r.Result.Warnings {
		t.wrap("", "Note: "+strings.TrimSuffix(w.Text, ".")+".")
	}
	_, err := fmt.Fprintln(t.w)
	return err
}

// series prints a cause on one line, with its sparkline and details below.
func (t *dimensionsTable) series(r report.Report, c analysis.Finding, best float64) {
	score := 0.0
	if best > 0 {
		score = c.Score / best
	}
	t.row(fmt.Sprintf("%2d. %s %s %s ", c.Rank, pad(shorten(c.Name, seriesWidth), seriesWidth), pad(moved(r, c), movedWidth),
		pad(bar(score), barWidth+1)), styleOf(c.Confidence), c.Confidence.String(), "")
	text := strings.TrimPrefix(c.Sentence, c.Name+" ")
	if c.Kind == analysis.KindChange {
		text = c.Sentence
	}
	if c.Share > 0 && c.Method == "rank" {
		text += ", makes " + words.Percent(min(c.Share, 1)) + " of the change by the regression"
	}
	t.course(r, c.Series, text)
	if text := explained(c, kpisOf(r)); text != "" {
		t.wrap("    ", text)
	}
	if members := c.Evidence.Members; len(members) > 0 {
		text := "can't be told from " + strings.Join(members[:min(len(members), mostMembers)], ", ")
		if n := len(members) - mostMembers; n > 0 {
			text += fmt.Sprintf(" and %d more", n)
		}
		t.wrap("    ", text)
	}
}

// course prints a sparkline, with a text next to it or below.
func (t *dimensionsTable) course(r report.Report, name, text string) {
	line := "    " + pad(spark(courseOf(r, name), sparkWidth), sparkWidth)
	if columns(line)+2+columns(text) <= t.width {
		t.line("%s  %s", line, text)
		return
	}
	t.line("%s", line)
	t.wrap("    ", text)
}

// shorten cuts a name to a width, at its end. In service|metric it cuts the service as long as
// enough of it remains: the metric says more.
func shorten(name string, width int) string {
	const enough = 8
	t := dimensionsTable{}
	if service, metric, ok := strings.Cut(name, "|"); ok && columns(name) > width {
		if room := width - columns(metric) - 1; room >= enough {
			return t.cut(service, room) + "|" + metric
		}
	}
	return t.cut(name, width)
}
