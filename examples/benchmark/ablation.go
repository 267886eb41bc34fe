// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/bmfs"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// ablations compares alternatives for the attribution inside the ranking.
func ablations(sets []string, out io.Writer) error {
	ways := []struct {
		name string
		opt  rank.Options
	}{
		{"ridge (default)", rank.Options{}},
		{"BMFS", rank.Options{Attribution: selected}},
		{"none", rank.Options{Attribution: func(r rank.Regression) []float64 { return make([]float64, len(r.X)) }}},
		{"ridge, without residual", rank.Options{NoResidual: true}},
		{"ridge, without explaining away", rank.Options{NoExplainAway: true}},
	}
	fmt.Fprintln(out, "| data set | attribution | service AC@1 | AC@3 | AC@5 | Avg@5 | metric AC@1 | AC@3 | AC@5 | Avg@5 |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|---|---|")
	for _, set := range sets {
		incidents, err := readIncidents(set)
		if err != nil {
			return err
		}
		for _, way := range ways {
			t := newTally()
			for _, c := range incidents {
				t.add(c, c.rankWith(way.opt))
			}
			fmt.Fprintf(out, "| %s | %s | %s | %s |\n", filepath.Base(set), way.name, t.services.cells(), t.metrics.cells())
		}
	}
	return nil
}

// rankWith ranks with settings other than the analysis's.
func (c incident) rankWith(opt rank.Options) []analysis.Finding {
	in, names := c.input(0)
	var causes []analysis.Finding
	for _, cause := range rank.Rank(in, opt).Causes {
		causes = append(causes, analysis.Finding{Series: names[cause.Series], Confidence: analysis.Low})
	}
	return causes
}

// input is the input of the ranking, with an alert that is late by so many seconds, and the names
// of the series.
func (c incident) input(late float64) (rank.Input, []string) {
	frame, err := c.frame(late)
	if err != nil {
		panic(err) // the case names a KPI that it doesn't have
	}
	target := frame.Targets[0]
	slices.SortFunc(target.Candidates, func(a, b analysis.Series) int { return strings.Compare(a.Name, b.Name) })
	code := c.codes()
	in := rank.Input{
		KPI:   rank.Series{Values: target.Values, Kind: kind(c.kindOf(target.Name))},
		Onset: sort.SearchFloat64s(frame.Times, frame.Onset),
		Late:  int(75 / c.Step), // as in package analysis
	}
	var names []string
	metrics := map[string]int{}
	for _, s := range target.Candidates {
		_, metric, _ := strings.Cut(s.Name, "|")
		metric, caller, edge := strings.Cut(metric, "_from_")
		if from, known := code[caller]; edge && known && from != code[s.Service] {
			in.Edges = append(in.Edges, [2]int{len(in.Series), from})
		}
		if metrics[metric] == 0 {
			metrics[metric] = len(metrics) + 1
		}
		in.Series = append(in.Series, rank.Series{Values: s.Values, Service: code[s.Service], Kind: kind(s.Kind), Metric: metrics[metric]})
		names = append(names, s.Name)
	}
	for _, call := range c.Graph {
		in.Calls = append(in.Calls, [2]int{code[call[0]], code[call[1]]})
	}
	return in, names
}

// codes numbers the services in the order of their names.
func (c incident) codes() map[string]int {
	var names []string
	for _, s := range c.Series {
		names = append(names, s.Service)
	}
	for _, call := range c.Graph {
		names = append(names, call[0], call[1])
	}
	slices.Sort(names)
	code := map[string]int{}
	for i, n := range slices.Compact(names) {
		code[n] = i
	}
	return code
}

func (c incident) kindOf(column string) string { return c.Roles().Kinds[column] }

// kind maps a name of the case to a kind; unknown names have none.
func kind(name string) rank.Metric {
	k, _ := rank.ParseKind(name)
	return k
}

// selected attributes the KPI's move to the candidates that BMFS selects.
func selected(r rank.Regression) []float64 {
	fit := bmfs.Fit(r.X, r.Y, bmfs.Options{})
	share := make([]float64, len(r.X))
	sign := 1.0
	if r.Move < 0 {
		sign = -1
	}
	for j := range share {
		share[j] = fit.Coefficient[j] * r.Moves[j] * sign
	}
	return share
}
