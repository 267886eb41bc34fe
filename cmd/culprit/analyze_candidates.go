// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/tabular"
	"github.com/culprit-dev/culprit/receiver/report"
)

const candidatesHelp = `Which series explain a change, from tables of series.

  culprit analyze candidates incident.csv --target 'entry|latency_p90' --onset 1661140440 --topology calls.json

The file is CSV. The first column, time, is in Unix seconds or RFC 3339; every other column is a series, named service|metric or like a Prometheus series. An empty cell is a missing sample. All columns are candidates except the KPIs and those of the service called entry.

The case file of a public data set contains all of this:

  culprit analyze candidates --case case.json

Changes are ranked together with the series. They come from a JSON array of {"at": …, "until": …, "title": …, "labels": {"service": …}, "from": …, "to": …} that lists every service. at (when the change began) and until (when it was complete) are Unix seconds or RFC 3339; only at is required:

  culprit analyze candidates incident.csv --target 'entry|latency_p90' --onset 1661140440 --changes releases.json

The published method alone, BMFS and its attribution. Without an onset, the last row is the anomaly:

  culprit analyze candidates sql.csv --target response_time --method balance --scale common --positive --lags=-1,0

Files may be compressed with gzip. - is standard input.`

// changesFlagHelp describes --changes.
const changesFlagHelp = `JSON array of changes: {"at": TIME, "until": TIME, "title": "…", "labels": {"service": "…"}, "from": "…", "to": "…"}. Only at is required.`

// candidatesOptions are the flags of analyze candidates.
type candidatesOptions struct {
	input    seriesInput
	series   analysis.SeriesOptions
	scale    string
	positive bool
	lags     string
	shifts   []int // lags, parsed
	format   string
}

func addAnalyzeCandidates(parent *kingpin.CmdClause, commands map[string]command) {
	cmd := parent.Command("candidates", candidatesHelp)
	o := &candidatesOptions{}
	o.input.addFlags(cmd)
	cmd.Flag("changes", changesFlagHelp).PlaceHolder("FILE").SetValue(&o.input.changes)
	cmd.Flag("top", "Maximum number of series.").Default("5").IntVar(&o.series.Top)
	cmd.Flag("method", "rank, the evaluated ranking, or balance, BMFS and its attribution alone.").
		Default(analysis.SeriesMethods()[0]).EnumVar(&o.series.Method, analysis.SeriesMethods()...)
	cmd.Flag("preset", "Preset of the regression: robust, or paper, as published.").Default("robust").EnumVar(&o.series.Preset, "robust", "paper")
	cmd.Flag("scale", "Scaling of the candidates in the regression: each by itself, or common if they share a unit.").EnumVar(&o.scale, "each", "common")
	cmd.Flag("positive", "The KPI can only rise with a candidate, as a sum does with its parts.").BoolVar(&o.positive)
	cmd.Flag("lags", "Shifts, in rows, of the copies of each candidate in the regression, such as --lags=-1,0.").PlaceHolder("ROWS").StringVar(&o.lags)
	cmd.Flag("candidate-ad", "With --method balance: where to drop candidates that did not move: from the report, before the regression (pre), or nowhere (off).").
		Default("report").EnumVar(&o.series.CandidateAD, "report", "pre", "off")
	cmd.Flag("format", "Output format: table or json.").Default("table").EnumVar(&o.format, "table", "json")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error { return o.run(s) }
}

func (o *candidatesOptions) run(s streams) error {
	if err := o.check(); err != nil {
		return usageError{err}
	}
	return o.input.each(s.in, o.adjust, func(name string, f analysis.Frame) error {
		if f.Onset == 0 && o.series.NeedsOnset() {
			return usageError{errors.New("--onset is missing: when did the incident begin? (--method balance can do without)")}
		}
		f.Warnings = append(f.Warnings, noChanges(o.input.changes, f.Changes)...)
		result := analysis.Run(f, analysis.Options{Series: o.series, Changes: eachOf(f.Changes)})
		r := report.New(report.Input{Result: result, Charts: report.Charts(f, result.Causes)})
		if o.format == "json" {
			return printResult(s.out, name, r.Result)
		}
		return printCandidates(s.out, name, r)
	})
}

// eachOf returns options that keep all changes: whoever lists them wants to hear of each.
func eachOf(list []changes.Change) analysis.ChangeOptions {
	if len(list) == 0 {
		return analysis.ChangeOptions{}
	}
	return analysis.ChangeOptions{Top: math.MaxInt}
}

// noChanges warns that a file of changes is empty.
func noChanges(file fileName, list []changes.Change) []analysis.Warning {
	if file == "" || len(list) > 0 {
		return nil
	}
	return []analysis.Warning{{Source: "changes", Text: fmt.Sprintf("%s lists no change", cmp.Or(strings.TrimPrefix(string(file), stdinName), "standard input"))}}
}

func (o *candidatesOptions) check() error {
	switch {
	case o.series.Top < 1:
		return fmt.Errorf("--top is %d: it must be at least 1", o.series.Top)
	case o.input.changes != "" && !o.series.KnowsChanges():
		return fmt.Errorf("--method %s knows no changes; hint: leave --changes out, or take --method %s", o.series.Method, analysis.SeriesMethods()[0])
	}
	if o.lags != "" {
		for _, text := range strings.Split(o.lags, ",") {
			lag, err := strconv.Atoi(strings.TrimSpace(text))
			if err != nil {
				return fmt.Errorf("--lags: %q is not a number of rows: write --lags=-1,0", text)
			}
			o.shifts = append(o.shifts, lag)
		}
	}
	return o.input.check()
}

// adjust applies the flags for all candidates.
func (o *candidatesOptions) adjust(r *tabular.Roles) {
	r.Scale, r.Positive, r.Lags = o.scale, o.positive, o.shifts
}

// printResult prints a result as JSON; on one line with the input's name if there are several.
func printResult(w io.Writer, name string, result analysis.Result) error {
	if name == "" {
		return printJSON(w, result)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		File string `json:"file"`
		analysis.Result
	}{name, result})
}
