// SPDX-License-Identifier: Apache-2.0

package main

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/benchmark/synth"
)

// container is one of the published container faults: metrics, a KPI, and which metrics belong to
// the fault.
type container struct {
	frame  analysis.Frame
	names  []string
	active []bool
}

// containers scores the selection on the faults published with BALANCE, as their notebook does:
// precision, recall and F1 of each metric over all containers, and the mean over the metrics.
func containers(dir string, out io.Writer) error {
	list, err := readContainers(dir)
	if errors.Is(err, fs.ErrNotExist) {
		fmt.Fprintf(out, "\nContainer faults are left out: there is no container.csv and label.json in %q.\n", dir)
		return nil
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%d container faults, mean over the metrics:\n", len(list))
	fmt.Fprintln(out, "\n| method | precision | recall | F1 | ms |")
	fmt.Fprintln(out, "|---|---|---|---|---|")
	fmt.Fprintln(out, "| BMFS, published | .913 | .815 | .855 | 200 |")
	fmt.Fprintln(out, "| ARD, published | .980 | .478 | .627 | 406 |")
	fmt.Fprintln(out, "| elastic net, published | .553 | .735 | .593 | 600 |")
	fmt.Fprintln(out, "| Lasso, published | .521 | .509 | .474 | 560 |")
	for _, preset := range []string{"robust", "paper"} {
		start := time.Now()
		s := scoreContainers(list, preset)
		ms := float64(time.Since(start).Milliseconds()) / float64(len(list))
		fmt.Fprintf(out, "| culprit, `%s` | %.3f | %.3f | %.3f | %.0f |\n", preset, s.Precision, s.Recall, s.F1, ms)
	}
	return nil
}

func scoreContainers(list []container, preset string) synth.Score {
	selected := make([][]bool, len(list))
	for i, c := range list {
		selected[i] = c.selected(preset)
	}
	var total synth.Score
	metrics := len(list[0].names)
	for j := range metrics {
		var active, found []bool
		for i, c := range list {
			active, found = append(active, c.active[j]), append(found, selected[i][j])
		}
		s := synth.Features(active, found)
		total.Precision += s.Precision / float64(metrics)
		total.Recall += s.Recall / float64(metrics)
		total.F1 += s.F1 / float64(metrics)
	}
	return total
}

// selected tells which metrics are in the answer, by themselves or as an indistinguishable other.
func (c container) selected(preset string) []bool {
	opt := analysis.Options{Series: analysis.SeriesOptions{Method: "balance", Preset: preset, Top: len(c.names)}}
	var found []string
	for _, cause := range analysis.Run(c.frame, opt).Causes {
		found = append(append(found, cause.Series), cause.Evidence.Members...)
	}
	on := make([]bool, len(c.names))
	for j, name := range c.names {
		on[j] = slices.Contains(found, name)
	}
	return on
}

// readContainers reads container.csv (number, container, time, the metrics, y)
// and label.json (container to a 0 or 1 for each metric).
func readContainers(dir string) ([]container, error) {
	raw, err := os.ReadFile(filepath.Join(dir, "label.json"))
	if err != nil {
		return nil, err
	}
	var labels map[string][]int
	if err := json.Unmarshal(raw, &labels); err != nil {
		return nil, fmt.Errorf("label.json: %w", err)
	}
	f, err := os.Open(filepath.Join(dir, "container.csv"))
	if err != nil {
		return nil, err
	}
	defer f.Close()
	rows, err := csv.NewReader(f).ReadAll()
	if err != nil {
		return nil, fmt.Errorf("container.csv: %w", err)
	}
	metrics := rows[0][3 : len(rows[0])-1]
	var order []string
	samples := map[string][][]string{}
	for _, r := range rows[1:] {
		if samples[r[1]] == nil {
			order = append(order, r[1])
		}
		samples[r[1]] = append(samples[r[1]], r)
	}
	slices.Sort(order)
	var list []container
	for _, name := range order {
		list = append(list, newContainer(samples[name], metrics, labels[name]))
	}
	return list, nil
}

// newContainer makes a frame without an onset: the last row is the anomaly.
func newContainer(rows [][]string, metrics []string, labels []int) container {
	c := container{names: metrics, active: make([]bool, len(metrics))}
	column := func(i int) []float64 {
		values := make([]float64, len(rows))
		for k, r := range rows {
			v, err := strconv.ParseFloat(r[i], 64)
			if err != nil {
				v = math.NaN()
			}
			values[k] = v
		}
		return values
	}
	target := analysis.Target{Name: "y", Values: column(len(rows[0]) - 1)}
	for j, name := range metrics {
		target.Candidates = append(target.Candidates, analysis.Series{Name: name, Values: column(3 + j)})
		c.active[j] = labels[j] == 1
	}
	c.frame.Times = make([]float64, len(rows))
	for i := range rows {
		c.frame.Times[i] = float64(i)
	}
	c.frame.Targets = []analysis.Target{target}
	return c
}
