// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// dimsRow is a row of the table: a data set and its settings. The peers' figures are micro F1 over
// exact combinations, by their own programs with default settings on the same or sister instances;
// Adtributor's are those of its first set.
type dimsRow struct {
	set     string
	options analysis.LabelOptions
	peers   [5]string // Adtributor, RiskLoc, AutoRoot, Squeeze, RobustSpot
	ms      string    // milliseconds per case of RiskLoc in Python
}

// dimsRows returns the rows, one for each data set, all with default settings; deep looks for
// causes that hardly show in the total, which is what s and l are about.
func dimsRows() []dimsRow {
	deep := analysis.LabelOptions{Deep: true}
	return []dimsRow{
		{"rs", analysis.LabelOptions{}, [5]string{".55", ".03", ".27", ".07", ".43"}, "460"},
		{"ts_aiops19", analysis.LabelOptions{}, [5]string{".33", ".01", ".15", ".08", "–"}, "–"},
		{"ts_ratio19", analysis.LabelOptions{}, [5]string{".32", ".53", ".19", ".05", "–"}, "–"},
		{"b0", analysis.LabelOptions{}, [5]string{".22", ".94", ".89", ".95", "–"}, "340"},
		{"s1d", analysis.LabelOptions{}, [5]string{".93", ".98", "–", "–", "–"}, "–"},
		{"s", analysis.LabelOptions{}, [5]string{".12", ".51", ".46", ".10", "–"}, "3000"},
		{"s", deep, [5]string{".12", ".51", ".46", ".10", "–"}, "3000"},
		{"l", analysis.LabelOptions{}, [5]string{".00", ".71", ".49", ".26", "–"}, "–"},
		{"l", deep, [5]string{".00", ".71", ".49", ".26", "–"}, "–"},
		{"h600k", analysis.LabelOptions{}, [5]string{"–", "–", "–", "–", "–"}, "13200"},
	}
}

// dims measures the attribution to label values on incidents with known causes.
func dims(args []string, out io.Writer) error {
	if len(args) != 1 {
		return errors.New("dims wants one folder: that of the data sets")
	}
	fmt.Fprintln(out, "| data set | cases | precision | recall | F1 | exact | AC@1 | AC@3 | ms | Adtributor | RiskLoc | AutoRoot | Squeeze | RobustSpot | RiskLoc's ms |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|---|---|---|---|")
	var absent, trust []string
	found := 0
	for _, row := range dimsRows() {
		cases, err := dimsCases(filepath.Join(args[0], row.set))
		if errors.Is(err, fs.ErrNotExist) {
			absent = append(absent, row.set)
			continue
		}
		if err != nil {
			return err
		}
		found++
		said, err := row.measure(cases, out)
		if err != nil {
			return err
		}
		trust = append(trust, fmt.Sprintf("| %s | %s |", row.name(), said.cells()))
	}
	for _, set := range slices.Compact(absent) {
		fmt.Fprintf(out, "\n%s is left out: there is no labels.csv or faults.csv in %s\n", set, filepath.Join(args[0], set))
	}
	if found == 0 {
		return fmt.Errorf("there are no data sets in %q: it should hold one folder a data set, such as rs or b0, with a labels.csv or a faults.csv", args[0])
	}
	fmt.Fprintln(out, "\nHow far confidence can be trusted: of the causes said, those that are exactly a cause.")
	fmt.Fprintln(out, "\n| data set | high | medium | low |\n|---|---|---|---|")
	fmt.Fprintln(out, strings.Join(trust, "\n"))
	return published(args[0], out)
}

// name names the row.
func (row dimsRow) name() string {
	if row.options.Deep {
		return row.set + " (deep)"
	}
	return row.set
}

// measure scores one row, and returns how reliable its causes were.
func (row dimsRow) measure(cases []dimsCase, out io.Writer) (reliability, error) {
	score, said := setScore{}, reliability{}
	var spent time.Duration
	for _, c := range cases {
		result, took, err := c.locate(row.options)
		if err != nil {
			return nil, err
		}
		spent += took
		score.add(locatedBy(result.Causes), c.truth)
		said.add(result.Causes, c.truth)
	}
	p := row.peers
	fmt.Fprintf(out, "| %s | %s | %.2f | %s | %s | %s | %s | %s | %s |\n", row.name(), score.cells(),
		spent.Seconds()*1000/float64(len(cases)), p[0], p[1], p[2], p[3], p[4], row.ms)
	return said, nil
}

// locate analyses a case and returns the time for it, without reading files.
func (c dimsCase) locate(opt analysis.LabelOptions) (analysis.Result, time.Duration, error) {
	breakdown, err := c.read()
	if err != nil {
		return analysis.Result{}, 0, err
	}
	start := time.Now()
	result := analysis.Run(tabular.Frame("measure", breakdown), analysis.Options{Labels: opt})
	return result, time.Since(start), nil
}

// published measures single labels alone, as published and with culprit's corrections, on causes
// with one label.
func published(dir string, out io.Writer) error {
	cases, err := dimsCases(filepath.Join(dir, "s1d"))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(out, "\nOne label at a time, on s1d: how often the label of the first set is right, and how often the first set, or one of three, is exactly the cause.")
	fmt.Fprintln(out, "\n| mode | cases | label@1 | exact@1 | exact@3 | F1 of the first set |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|")
	for _, mode := range []string{"nsdi", "complete"} {
		var label, first, three int
		var score setScore
		for _, c := range cases {
			result, _, err := c.locate(analysis.LabelOptions{Mode: mode})
			if err != nil {
				return err
			}
			sets := result.Causes[:min(3, len(result.Causes))]
			for k, f := range sets {
				answer := located(f)
				same := len(answer) == len(c.truth) && hitsOf(answer, c.truth) == len(answer)
				if k == 0 {
					score.add(answer, c.truth)
					label += oneIf(labelOf(answer) == labelOf(c.truth))
					first += oneIf(same)
				}
				three += oneIf(same)
			}
		}
		fmt.Fprintf(out, "| %s | %d | %d | %d | %d | %.3f |\n", mode, len(cases), label, first, three, score.f1())
	}
	return nil
}

func labelOf(combinations []string) string {
	name, _, _ := strings.Cut(combinations[0], "=")
	return name
}

func oneIf(yes bool) int {
	if yes {
		return 1
	}
	return 0
}
