// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	_ "embed"
	"encoding/csv"
	"flag"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

//go:embed problems.csv
var problemTable []byte

// regressions measures the selection of candidates: on synthetic problems beside published figures,
// on incidents of a database and, if present, on container faults.
func regressions(args []string, out io.Writer) error {
	flags := flag.NewFlagSet("bmfs", flag.ContinueOnError)
	flags.SetOutput(io.Discard) // the error says it
	seeds := flags.Int("seeds", 5, "problems of each description")
	only := flags.String("only", "", "measure only the tables with this in their name, such as \"correlated blocks\"")
	paper := flags.Bool("paper", false, "measure the preset paper, too (ten times as slow where samples are missing)")
	if err := flags.Parse(args); err != nil {
		return err
	}
	problems, err := readProblems(problemTable)
	if err != nil {
		return err
	}
	problems = slices.DeleteFunc(problems, func(p problem) bool { return !strings.Contains(p.table, *only) })
	if err := selections(problems, *seeds, *paper, out); err != nil || *only != "" {
		return err
	}
	statements(out)
	if flags.NArg() == 0 {
		fmt.Fprintln(out, "\nContainer faults are left out: name the folder that holds container.csv and label.json.")
		return nil
	}
	return containers(flags.Arg(0), out)
}

// problem describes a synthetic problem and published results on it.
type problem struct {
	table                        string
	n, p, blocks, size, active   int
	rho, r2, noise, missing      float64
	all                          bool
	lasso, elasticNet, ard, omps string
}

// readProblems reads the table; a cell that does not apply is empty.
func readProblems(table []byte) ([]problem, error) {
	rows := csv.NewReader(bytes.NewReader(table))
	rows.Comment = '#'
	records, err := rows.ReadAll()
	if err != nil {
		return nil, err
	}
	var problems []problem
	for _, r := range records[1:] {
		whole := func(i int) int { return int(number(r[i])) }
		problems = append(problems, problem{
			table: r[0], n: whole(1), p: whole(2), blocks: whole(3), size: whole(4), active: whole(8),
			rho: number(r[5]), r2: number(r[7]), noise: number(r[9]), missing: number(r[10]), all: r[6] == "all",
			lasso: r[11], elasticNet: r[12], ard: r[13], omps: r[14],
		})
	}
	return problems, nil
}

// number parses a cell; an empty one is 0.
func number(cell string) float64 {
	v, err := strconv.ParseFloat(cell, 64)
	if err != nil {
		return 0
	}
	return v
}

func (p problem) draw(seed uint64) synth.Problem {
	rng := synth.Rand(seed)
	if p.size == 0 {
		return synth.Published{N: p.n, P: p.p, Blocks: p.blocks, Target: p.active, Noise: p.noise, Missing: p.missing}.Problem(rng)
	}
	acting := 3
	if p.all {
		acting = 2
	}
	return synth.Blocks{N: p.n, P: p.p, Size: p.size, Rho: p.rho, Acting: acting, All: p.all, R2: p.r2, Missing: p.missing}.Problem(rng)
}

func (p problem) String() string {
	text := fmt.Sprintf("n=%d p=%d", p.n, p.p)
	if p.size == 0 {
		text += fmt.Sprintf(" %d blocks, %d active, noise %g", p.blocks, p.active, p.noise)
	} else {
		which := "one member of 3 acts"
		if p.all {
			which = "all members of 2 act"
		}
		text += fmt.Sprintf(" blocks of %d, r=%g, %s", p.size, p.rho, which)
	}
	if p.missing > 0 {
		text += fmt.Sprintf(", %.0f %% missing", 100*p.missing)
	}
	return text
}

// selections scores the selected features against the active ones.
func selections(problems []problem, seeds int, paper bool, out io.Writer) error {
	table := ""
	for _, p := range problems {
		if p.table != table {
			table = p.table
			fmt.Fprintf(out, "\nF1 of the selected candidates, %s:\n\n", table)
			fmt.Fprintln(out, "| problem | Lasso | elastic net | ARD | OMP | BMFS | precision | recall | F1 of blocks | s | paper |")
			fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|---|")
		}
		own := measureSelection(p, seeds, bmfs.Options{})
		published := "–"
		if paper {
			published = fmt.Sprintf("%.3f", measureSelection(p, seeds, bmfs.Options{Preset: bmfs.Paper}).features.F1)
		}
		if _, err := fmt.Fprintf(out, "| %s | %s | %s | %s | %s | **%.3f** | %.3f | %.3f | %.3f | %.2f | %s |\n", p,
			p.lasso, p.elasticNet, p.ard, p.omps, own.features.F1, own.features.Precision, own.features.Recall,
			own.blocks, own.seconds, published); err != nil {
			return err
		}
	}
	return nil
}

// selection is the mean over a group of problems.
type selection struct {
	features synth.Score
	blocks   float64
	seconds  float64
}

func measureSelection(p problem, seeds int, opt bmfs.Options) selection {
	var s selection
	n := float64(seeds)
	for seed := range uint64(seeds) {
		drawn := p.draw(seed)
		start := time.Now()
		fit := bmfs.Fit(drawn.X, drawn.Y, opt)
		s.seconds += time.Since(start).Seconds() / n
		f := synth.Features(drawn.Active, fit.Selected)
		s.features.Precision += f.Precision / n
		s.features.Recall += f.Recall / n
		s.features.F1 += f.F1 / n
		s.blocks += synth.Groups(drawn.Group, drawn.Active, fit.Selected).F1 / n
	}
	return s
}
