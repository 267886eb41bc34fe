// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"gonum.org/v1/gonum/mat"
	"gonum.org/v1/gonum/stat"

	"github.com/culprit-dev/culprit/analysis/pcalg"
)

// knownGraphs are problems with a known graph and causal-learn's answers. They are test data of
// package pcalg.
const knownGraphs = "analysis/pcalg/testdata/pc_golden.json"

// knownGraph is one such problem: correlations or rows.
type knownGraph struct {
	N      float64     `json:"n"`
	Alpha  float64     `json:"alpha"`
	Names  []string    `json:"names"`
	Corr   [][]float64 `json:"corr"`
	Rows   [][]float64 `json:"rows"`
	True   [][2]string `json:"true_dag"`
	Expect struct {
		Directed   [][2]string `json:"directed"`
		Undirected [][2]string `json:"undirected"`
	} `json:"expect"`
}

// trueGraphs compares learned edges with true ones, by size.
func trueGraphs(out io.Writer) error {
	raw, err := os.ReadFile(knownGraphs)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "\nProblems with a known graph are left out: there is no %s, so this is not culprit's folder.\n", knownGraphs)
		return nil
	}
	if err != nil {
		return err
	}
	var problems []knownGraph
	if err := json.Unmarshal(raw, &problems); err != nil {
		return fmt.Errorf("%s: %w", knownGraphs, err)
	}
	fmt.Fprintln(out, "\nEdges against the true graph, a problem (extra: there is none; reversed: it points the other way; open: direction not told):")
	fmt.Fprintln(out, "\n| variables | problems | true edges | by | missing | extra | reversed | open |")
	fmt.Fprintln(out, "|---|---|---|---|---|---|---|---|")
	for _, size := range [][2]int{{2, 5}, {6, 8}, {9, 12}, {13, 100}} {
		var ours, theirs difference
		edges, n := 0, 0
		for _, p := range problems {
			if len(p.Names) < size[0] || len(p.Names) > size[1] {
				continue
			}
			n++
			edges += len(p.True)
			ours.add(p.True, p.learn())
			theirs.add(p.True, p.expected())
		}
		if n == 0 {
			continue
		}
		head := fmt.Sprintf("| %d–%d | %d | %.1f |", size[0], size[1], n, float64(edges)/float64(n))
		fmt.Fprintf(out, "%s culprit | %s\n%s causal-learn | %s\n", head, ours.cells(n), head, theirs.cells(n))
	}
	return nil
}

// drawn is an edge of an answer.
type drawn struct {
	pair     [2]string
	directed bool
}

func (k knownGraph) learn() []drawn {
	g := pcalg.PC(k.sample(), pcalg.Options{Alpha: k.Alpha, MaxK: 4})
	var list []drawn
	for _, e := range g.Edges {
		list = append(list, drawn{[2]string{k.Names[e.From], k.Names[e.To]}, e.Directed})
	}
	return list
}

func (k knownGraph) expected() []drawn {
	var list []drawn
	for _, pair := range k.Expect.Directed {
		list = append(list, drawn{pair, true})
	}
	for _, pair := range k.Expect.Undirected {
		list = append(list, drawn{pair, false})
	}
	return list
}

func (k knownGraph) sample() pcalg.Sample {
	var r mat.SymDense
	if k.Rows != nil {
		x := mat.NewDense(len(k.Rows), len(k.Names), slices.Concat(k.Rows...))
		stat.CorrelationMatrix(&r, x, nil)
		return pcalg.Sample{R: &r, N: float64(len(k.Rows))}
	}
	return pcalg.Sample{R: mat.NewSymDense(len(k.Corr), slices.Concat(k.Corr...)), N: k.N}
}

// difference counts the differences between answer and truth.
type difference struct{ missing, extra, reversed, open int }

func (d *difference) add(truth [][2]string, answer []drawn) {
	turned := func(pair [2]string) [2]string { return [2]string{pair[1], pair[0]} }
	for _, e := range answer {
		there, back := slices.Contains(truth, e.pair), slices.Contains(truth, turned(e.pair))
		switch {
		case !there && !back:
			d.extra++
		case !e.directed:
			d.open++
		case !there:
			d.reversed++
		}
	}
	for _, pair := range truth {
		if !slices.ContainsFunc(answer, func(e drawn) bool { return e.pair == pair || e.pair == turned(pair) }) {
			d.missing++
		}
	}
}

func (d difference) cells(problems int) string {
	mean := func(n int) float64 { return float64(n) / float64(problems) }
	return fmt.Sprintf("%.2f | %.2f | %.2f | %.2f |", mean(d.missing), mean(d.extra), mean(d.reversed), mean(d.open))
}
