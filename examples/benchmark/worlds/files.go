// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"fmt"

	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/analysis/tabular"
)

// runFile is the file with the command.
const runFile = "run.sh"

// files returns a scene as input files of culprit's commands.
func (s *scene) files(level Level, d drawer) (map[string]string, error) {
	switch level {
	case Table:
		text, err := table(s.snapshot(d))
		return map[string]string{runFile: "culprit analyze dimensions table.csv\n", "table.csv": text.String()}, err
	case Series:
		return s.seriesFiles(d)
	default:
		return s.ruleFiles(d)
	}
}

func (s *scene) seriesFiles(d drawer) (map[string]string, error) {
	num, den := s.overTime(d)
	text, err := wide(num)
	if den == nil || err != nil {
		command := fmt.Sprintf("culprit analyze dimensions --series series.csv --onset %.0f\n", s.onset())
		return map[string]string{runFile: command, "series.csv": text}, err
	}
	below, err := wide(den)
	command := fmt.Sprintf("culprit analyze dimensions --numerator part.csv --denominator whole.csv --onset %.0f\n", s.onset())
	return map[string]string{runFile: command, "part.csv": text, "whole.csv": below}, err
}

// wide writes a table over time.
func wide(t *tabular.LeafTable) (string, error) {
	head := append([]string{}, t.Labels...)
	for _, at := range t.Times {
		head = append(head, number64(at))
	}
	rows := [][]string{head}
	for i, leaf := range t.Leaves {
		row := append([]string{}, leaf...)
		for _, v := range t.Values[i] {
			row = append(row, number64(v))
		}
		rows = append(rows, row)
	}
	text, err := table(rows)
	return text.String(), err
}

func (s *scene) ruleFiles(d drawer) (map[string]string, error) {
	t := s.test(d)
	var series, alerts []map[string]any
	for _, in := range t.InputSeries {
		series = append(series, map[string]any{"series": in.Series, "values": in.Values})
	}
	for _, a := range t.Alerts {
		alerts = append(alerts, map[string]any{
			"labels": a.Labels, "expr": a.Expr, "onset": a.Onset.String(), "at": a.At.String(), "exp_summary": "the truth",
		})
	}
	text, err := yaml.Marshal(map[string]any{"config_file": "culprit.yml", "tests": []any{
		map[string]any{"name": t.Name, "interval": t.Interval.String(), "input_series": series, "alerts": alerts},
	}})
	return map[string]string{runFile: "culprit test rules test.yml\n", "culprit.yml": s.config(), "test.yml": string(text)}, err
}

// files returns a table of series.
func (in *incident) files() (map[string]string, error) {
	head := []string{"time"}
	for _, c := range in.columns {
		head = append(head, c.Name)
	}
	rows := [][]string{head}
	for i := range quietRows + faultRows {
		row := []string{number64(in.time(i))}
		for _, c := range in.columns {
			row = append(row, number64(c.Values[i]*in.unit.factor))
		}
		rows = append(rows, row)
	}
	text, err := table(rows)
	command := fmt.Sprintf("culprit analyze candidates series.csv --target %q --onset %d\n", entryKPI, fault)
	return map[string]string{runFile: command, "series.csv": text.String()}, err
}
