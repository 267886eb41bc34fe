// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"

	"github.com/alecthomas/kingpin/v2"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
	"github.com/culprit-dev/culprit/receiver/report"
)

const dimensionsHelp = `Which label values explain a change, from files.

Snapshots: one row per combination of labels. The other columns are real and predict (or numerator_real, numerator_predict, denominator_real, denominator_predict):

  culprit analyze dimensions incident.csv other.csv.gz

Series: one row per combination of labels, one column per time. culprit computes the forecast:

  culprit analyze dimensions --series orders.csv --onset 1536904500 --end 1536905100
  culprit analyze dimensions --numerator errors.csv --denominator requests.csv --onset 2018-09-14T05:55:00Z

Rows with a time column, here with an explicit baseline:

  culprit analyze dimensions --long stalls.csv --time min --numerator-column value --denominator-column cnt --onset 1590856680 --baseline-start 1590856440 --baseline-end 1590856620

Changes (a JSON array, as for analyze candidates) are ranked together with the labels. A change and the labels that describe it become one cause:

  culprit analyze dimensions --series orders.csv --onset 1536904500 --changes releases.json

Marginals, with the columns label, value, real and predict:

  culprit analyze dimensions --marginals labels.csv

Files may be compressed with gzip. - is standard input.`

// dimensionsOptions are the flags of analyze dimensions.
type dimensionsOptions struct {
	files                                   fileNames
	series, overlay, numerator, denominator fileName
	long, marginals, changes                fileName
	columns                                 tabular.LongColumns
	onset, end, baselineStart, baselineEnd  string
	window                                  tabular.Window // parsed from the times
	count, wide                             bool
	labels                                  analysis.LabelOptions
	format                                  string
}

func addAnalyzeDimensions(parent *kingpin.CmdClause, commands map[string]command) {
	cmd := parent.Command("dimensions", dimensionsHelp)
	o := &dimensionsOptions{}
	cmd.Arg("file", "Snapshots.").SetValue(&o.files)
	text := func(name, help, placeholder string, to *string) {
		cmd.Flag(name, help).PlaceHolder(placeholder).StringVar(to)
	}
	file := func(name, help string, to *fileName) { cmd.Flag(name, help).PlaceHolder("FILE").SetValue(to) }
	file("series", "Series of an additive measure.", &o.series)
	file("numerator", "Series of the numerator of a ratio.", &o.numerator)
	file("denominator", "Series of the denominator of a ratio.", &o.denominator)
	file("overlay", "Series whose values replace those during the incident (of a ratio: in its numerator).", &o.overlay)
	file("long", "Rows with a time column.", &o.long)
	file("marginals", "Marginals: one row per label value.", &o.marginals)
	text("time", "With --long: the time column.", "COLUMN", &o.columns.Time)
	text("value", "With --long: the column with an additive measure.", "COLUMN", &o.columns.Value)
	text("numerator-column", "With --long: the column with the numerator of a ratio.", "COLUMN", &o.columns.Numerator)
	text("denominator-column", "With --long: the column with the denominator of a ratio.", "COLUMN", &o.columns.Denominator)
	text("onset", "First time of the incident, Unix seconds or RFC 3339.", "TIME", &o.onset)
	text("end", "Last time of the incident. Default: the last time in the file.", "TIME", &o.end)
	text("baseline-start", "First time of a baseline to use instead of a forecast.", "TIME", &o.baselineStart)
	text("baseline-end", "Last time of that baseline.", "TIME", &o.baselineEnd)
	file("changes", "With a measure over time: "+changesFlagHelp, &o.changes)
	cmd.Flag("count", "The measure counts events.").BoolVar(&o.count)
	cmd.Flag("mode", "auto, complete or nsdi (single labels), or grescan (combinations).").
		Default("auto").StringVar(&o.labels.Mode)
	cmd.Flag("deep", "Also look for causes that barely show in the total.").BoolVar(&o.labels.Deep)
	cmd.Flag("top", "Maximum number of causes.").Default("8").IntVar(&o.labels.Top)
	cmd.Flag("wide", "With --format table: do not shorten names.").BoolVar(&o.wide)
	cmd.Flag("format", "Output format: table or json.").Default("table").EnumVar(&o.format, "table", "json")
	commands[cmd.FullCommand()] = func(_ context.Context, s streams) error { return o.run(s) }
}

func (o *dimensionsOptions) run(s streams) error {
	if err := o.check(); err != nil {
		return usageError{err}
	}
	if len(o.files) == 0 {
		r, err := o.explain(s.in, "")
		if err != nil {
			return err
		}
		return o.print(s.out, "", r)
	}
	for _, file := range o.files {
		r, err := o.explain(s.in, file)
		if err != nil {
			return err
		}
		name := ""
		if len(o.files) > 1 {
			name = file
		}
		if err := o.print(s.out, name, r); err != nil {
			return err
		}
	}
	return nil
}

// check validates the combination of flags, and parses the times.
func (o *dimensionsOptions) check() error {
	var forms []string
	for _, f := range []struct {
		name  string
		given bool
	}{
		{"FILE", len(o.files) > 0},
		{"--series", o.series != ""},
		{"--numerator", o.numerator != ""},
		{"--long", o.long != ""},
		{"--marginals", o.marginals != ""},
	} {
		if f.given {
			forms = append(forms, f.name)
		}
	}
	switch {
	case (o.numerator == "") != (o.denominator == ""):
		return errors.New("a ratio needs both --numerator and --denominator")
	case len(forms) == 0:
		return errors.New("there is nothing to read: name a FILE, or give --series, --numerator with --denominator, --long or --marginals")
	case len(forms) > 1:
		return fmt.Errorf("%s are different forms of input: give one of them", strings.Join(forms, " and "))
	case o.overlay != "" && o.series == "" && o.numerator == "":
		return errors.New("--overlay replaces values of series: give --series, or --numerator with --denominator")
	case !slices.Contains(analysis.LabelModes(), o.labels.Mode):
		if hint, gone := analysis.GoneMode(o.labels.Mode); gone {
			return fmt.Errorf("--mode %s is gone: %s", o.labels.Mode, hint)
		}
		return fmt.Errorf("--mode is %q: use one of %s", o.labels.Mode, strings.Join(analysis.LabelModes(), ", "))
	case o.marginals != "" && o.labels.Mode == "grescan":
		return fmt.Errorf("--mode %s looks for combinations of labels, which --marginals does not have: use auto, complete or nsdi", o.labels.Mode)
	case o.changes != "" && !o.overTime():
		return errors.New("--changes says what was done before an incident, and snapshots have no time; hint: give --series, --numerator or --long with --onset")
	case o.labels.Top < 1:
		return fmt.Errorf("--top is %d: it must be at least 1", o.labels.Top)
	case o.readsTwice():
		return errors.New("standard input can be read once only: name a file in place of one of the -")
	}
	if err := o.checkColumns(); err != nil {
		return err
	}
	return o.checkTimes()
}

// readsTwice reports whether two inputs are standard input.
func (o *dimensionsOptions) readsTwice() bool {
	n := 0
	for _, file := range o.files {
		if file == stdinName {
			n++
		}
	}
	for _, file := range []fileName{o.series, o.numerator, o.denominator, o.overlay, o.long, o.marginals, o.changes} {
		if file == stdinName {
			n++
		}
	}
	return n > 1
}

func (o *dimensionsOptions) checkColumns() error {
	c := o.columns
	ratio := c.Numerator != "" || c.Denominator != ""
	switch {
	case o.long == "" && c != tabular.LongColumns{}:
		return errors.New("--time, --value, --numerator-column and --denominator-column name columns of the file of --long: give it")
	case o.long == "":
		return nil
	case c.Time == "":
		return errors.New("--long needs --time: which column holds the time?")
	case c.Value == "" && !ratio:
		return errors.New("--long needs --value, or --numerator-column and --denominator-column: which columns are the measure?")
	case c.Value != "" && ratio:
		return errors.New("--value is an additive measure, --numerator-column and --denominator-column are a ratio: give one of them")
	case ratio && (c.Numerator == "" || c.Denominator == ""):
		return errors.New("a ratio needs both --numerator-column and --denominator-column")
	}
	return nil
}

// overTime reports whether the input is a measure over time.
func (o *dimensionsOptions) overTime() bool {
	return o.series != "" || o.numerator != "" || o.long != ""
}

func (o *dimensionsOptions) checkTimes() error {
	given := o.onset != "" || o.end != "" || o.baselineStart != "" || o.baselineEnd != ""
	switch {
	case !o.overTime() && given:
		return errors.New("--onset, --end, --baseline-start and --baseline-end are for measures over time: give --series, --numerator or --long")
	case !o.overTime():
		return nil
	case o.onset == "":
		return errors.New("--onset is missing: when did the incident begin?")
	case (o.baselineStart == "") != (o.baselineEnd == ""):
		return errors.New("a baseline of your own needs both --baseline-start and --baseline-end")
	}
	for _, t := range []struct {
		flag, text string
		to         *float64
	}{
		{"--onset", o.onset, &o.window.Onset},
		{"--end", o.end, &o.window.End},
		{"--baseline-start", o.baselineStart, &o.window.BaselineStart},
		{"--baseline-end", o.baselineEnd, &o.window.BaselineEnd},
	} {
		if t.text == "" {
			continue
		}
		v, err := tabular.ParseTime(t.text)
		if err != nil {
			return fmt.Errorf("%s: %w", t.flag, err)
		}
		*t.to = v
	}
	return o.window.Check()
}

// explain reads one input and analyses it. An empty file means the inputs named by flags.
func (o *dimensionsOptions) explain(stdin io.Reader, file string) (report.Report, error) {
	name, b, err := o.read(stdin, file)
	if err != nil {
		return report.Report{}, err
	}
	f := tabular.Frame(name, b)
	if o.changes != "" {
		f.Onset = o.window.Onset
		if f.Changes, err = readInput(string(o.changes), stdin, tabular.ReadChanges); err != nil {
			return report.Report{}, err
		}
		f.Warnings = noChanges(o.changes, f.Changes)
	}
	result := analysis.Run(f, analysis.Options{Labels: o.labels, Changes: eachOf(f.Changes)})
	return report.New(report.Input{Result: result}), nil
}

// read returns the breakdown and the name of its measure.
func (o *dimensionsOptions) read(stdin io.Reader, file string) (string, *analysis.Breakdown, error) {
	const unnamed = "measure"
	switch {
	case o.overTime():
		num, den, err := o.tables(stdin)
		if err != nil {
			return "", nil, err
		}
		b, err := tabular.Breakdown(num, den, o.window, o.count)
		return o.name(unnamed), b, err
	case o.marginals != "":
		b, err := readInput(string(o.marginals), stdin, func(r io.Reader) (*analysis.Breakdown, error) { return tabular.ReadMarginals(r, o.count) })
		return unnamed, b, err
	default:
		b, err := readInput(file, stdin, func(r io.Reader) (*analysis.Breakdown, error) { return tabular.ReadSnapshot(r, o.count) })
		return unnamed, b, err
	}
}

// name is the column or file of the measure.
func (o *dimensionsOptions) name(otherwise string) string {
	for _, name := range []string{o.columns.Value, o.columns.Numerator} {
		if name != "" {
			return name
		}
	}
	file := filepath.Base(string(o.series + o.numerator))
	if file == stdinName {
		return otherwise
	}
	return strings.TrimSuffix(strings.TrimSuffix(file, ".gz"), ".csv")
}

// tables reads a measure over time; denominator is nil if it is additive.
func (o *dimensionsOptions) tables(stdin io.Reader) (numerator, denominator *tabular.LeafTable, err error) {
	if o.long != "" {
		parts, err := readInput(string(o.long), stdin, func(r io.Reader) ([2]*tabular.LeafTable, error) {
			n, d, err := tabular.ReadLong(r, o.columns)
			return [2]*tabular.LeafTable{n, d}, err
		})
		return parts[0], parts[1], err
	}
	if numerator, err = readInput(string(o.series+o.numerator), stdin, tabular.ReadWide); err != nil {
		return nil, nil, err
	}
	if o.overlay != "" {
		over, err := readInput(string(o.overlay), stdin, tabular.ReadWide)
		if err != nil {
			return nil, nil, err
		}
		if err := numerator.Overlay(over, o.window); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", o.overlay, err)
		}
	}
	if o.denominator != "" {
		denominator, err = readInput(string(o.denominator), stdin, tabular.ReadWide)
	}
	return numerator, denominator, err
}

// print prints one result; name is its file if there are several.
func (o *dimensionsOptions) print(w io.Writer, name string, r report.Report) error {
	if o.format == "table" {
		t := dimensionsTable{w: w, width: widthOf(w, tableWidth), wide: o.wide}
		return t.print(name, r)
	}
	if name == "" {
		return printJSON(w, r.Result)
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	return enc.Encode(struct {
		File string `json:"file"`
		analysis.Result
	}{name, r.Result})
}
