// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"bytes"
	"encoding/csv"
	"strconv"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// window is the width of a table's or a series' column, in seconds.
const window = 300

// forecastError is the relative error of a table's expected values.
const forecastError = 0.01

// asTable shows the fault as a table of real and expected values.
func (s *scene) asTable(d drawer) (analysis.Result, error) {
	text, err := table(s.snapshot(d))
	if err != nil {
		return analysis.Result{}, err
	}
	b, err := tabular.ReadSnapshot(text, false)
	if err != nil {
		return analysis.Result{}, err
	}
	return analysis.Run(tabular.Frame("measure", b), analysis.Options{}), nil
}

// snapshot returns the rows of a table of real and expected values.
func (s *scene) snapshot(d drawer) [][]string {
	head := append([]string{}, s.labels...)
	if s.kind == ratio || s.kind == mean {
		head = append(head, "numerator_real", "numerator_predict", "denominator_real", "denominator_predict")
	} else {
		head = append(head, "real", "predict")
	}
	rows := [][]string{head}
	for i, l := range s.leaves {
		num, den := s.counted(d, i, s.end(), window, 1)
		was, had := s.usually(i, s.end())
		off := 1 + forecastError*d.NormFloat64()
		row := append([]string{}, l.values...)
		row = append(row, s.figure(num), s.figure(was*off*window))
		if len(head) > len(row) {
			row = append(row, s.requests(den), s.requests(had*off*window))
		}
		rows = append(rows, row)
	}
	return rows
}

// counted draws a leaf's counts over some seconds from a minute on, at a multiple of its rate.
func (s *scene) counted(d drawer, i int, minute, seconds, wandered float64) (numerator, denominator float64) {
	num, den := s.at(i, minute)
	num, den = num*wandered, den*wandered
	wobble := max(0, 1+s.wobble*d.NormFloat64())
	switch s.kind {
	case gauge:
		return num * wobble * seconds, 0
	case ratio:
		all := d.count(den * wobble * seconds)
		if den == 0 {
			return 0, 0
		}
		return min(all, d.count(all*num/den)), all
	case mean:
		all := d.count(den * wobble * seconds)
		if all == 0 {
			return 0, 0
		}
		return all * num / den * max(0.1, 1+s.wobble*d.NormFloat64()), all
	default:
		return d.count(num * wobble * seconds), 0
	}
}

// figure formats a value of the KPI in the scene's units.
func (s *scene) figure(v float64) string { return number64(v * s.unit.factor) }

// requests formats a denominator in the scene's units.
func (s *scene) requests(v float64) string { return number64(v * s.unit.requests(s.kind)) }

func number64(v float64) string { return strconv.FormatFloat(v, 'g', 10, 64) }

// table writes rows as CSV.
func table(rows [][]string) (*bytes.Buffer, error) {
	var text bytes.Buffer
	return &text, csv.NewWriter(&text).WriteAll(rows)
}

// fault is minute 0 in Unix seconds; any time would do.
const fault = 1_700_000_100 // Unix seconds of minute 0

// asSeries shows the scene as a table over time.
func (s *scene) asSeries(d drawer) (analysis.Result, error) {
	num, den := s.overTime(d)
	b, err := tabular.Breakdown(num, den, tabular.Window{Onset: s.onset()}, false)
	if err != nil {
		return analysis.Result{}, err
	}
	return analysis.Run(tabular.Frame("measure", b), analysis.Options{}), nil
}

// onset is the start of a series' alert, in Unix seconds.
func (s *scene) onset() float64 { return fault + 60*s.lag }

// overTime returns the leaves' counts in each column; the denominator is nil where there is none.
func (s *scene) overTime(d drawer) (num, den *tabular.LeafTable) {
	every, past := s.columns(), s.past
	if past == 0 {
		past = 240
	}
	num, den = &tabular.LeafTable{Labels: s.labels}, &tabular.LeafTable{Labels: s.labels}
	for minute := -past; minute <= s.end(); minute += every {
		num.Times = append(num.Times, fault+60*minute)
	}
	den.Times = num.Times
	tide := d.wander(len(num.Times), s.tide, 60/every)
	for i, l := range s.leaves {
		var ns, ds []float64
		drift := d.wander(len(num.Times), s.drift, 15/every)
		for k, t := range num.Times {
			n, m := s.counted(d, i, (t-fault)/60, 60*every, tide[k]*drift[k])
			ns, ds = append(ns, n*s.unit.factor), append(ds, m*s.unit.requests(s.kind))
		}
		num.Leaves, num.Values = append(num.Leaves, l.values), append(num.Values, ns)
		den.Leaves, den.Values = append(den.Leaves, l.values), append(den.Values, ds)
	}
	if s.kind == sum || s.kind == gauge {
		return num, nil
	}
	return num, den
}
