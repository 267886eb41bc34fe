// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"fmt"
	"io"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// Columns of the measures, in snapshots and marginals.
const (
	actualColumn   = "real"
	forecastColumn = "predict"
)

// measureNames returns the columns of an additive measure, or of a ratio: actual value and
// forecast, the numerator first.
func measureNames(ratio bool) []string {
	if ratio {
		return []string{"numerator_real", "numerator_predict", "denominator_real", "denominator_predict"}
	}
	return []string{actualColumn, forecastColumn}
}

// measures are the columns of one file that hold the measure.
type measures struct {
	header
	at    []int
	rows  [][]float64 // column → leaf
	signs []signs
}

// newMeasures determines whether a header has an additive measure or a ratio.
func newMeasures(h header) (*measures, error) {
	ratio := slices.ContainsFunc(measureNames(true), func(name string) bool { return slices.Contains(h.names, name) })
	if ratio && slices.Contains(h.names, actualColumn) {
		return nil, fmt.Errorf("there are columns of an additive measure (%s) and of a ratio; hint: keep one of them", actualColumn)
	}
	at, err := h.columns(measureNames(ratio)...)
	if err != nil {
		return nil, fmt.Errorf("%w; a measure is real and predict, or numerator_real, numerator_predict, denominator_real and denominator_predict", err)
	}
	return &measures{header: h, at: at, rows: make([][]float64, len(at)), signs: make([]signs, len(at))}, nil
}

// add adds the values of a row to a leaf. An empty cell is 0: the leaf did not exist in that
// window.
func (m *measures) add(leaf, line int, row []string) error {
	for k, column := range m.at {
		v, err := m.cell(line, column, row)
		if err != nil {
			return err
		}
		v = m.signs[k].add(v, line, m.names[column])
		if leaf == len(m.rows[k]) {
			m.rows[k] = append(m.rows[k], 0)
		}
		m.rows[k][leaf] = plus(m.rows[k][leaf], v)
	}
	return nil
}

// check checks the values as a whole.
func (m *measures) check() error {
	for k := range m.signs {
		if err := m.signs[k].err(); err != nil {
			return err
		}
	}
	if m.ratio() && m.signs[2].total == 0 && m.signs[0].total > 0 {
		return fmt.Errorf("denominator_real adds up to 0 where numerator_real adds up to %g: there is no ratio; hint: swap the columns, or leave out the denominator", m.signs[0].total)
	}
	return nil
}

// doubts returns reservations about the values.
func (m *measures) doubts() []string {
	var list []string
	for k := range m.signs {
		list = append(list, m.signs[k].doubts()...)
	}
	return list
}

func (m *measures) ratio() bool { return len(m.at) == 4 }

// pieces converts the values for a breakdown.
func (m *measures) pieces() (numerator analysis.Pieces, denominator *analysis.Pieces) {
	numerator = analysis.Pieces{Actual: m.rows[0], Forecast: m.rows[1]}
	if m.ratio() {
		denominator = &analysis.Pieces{Actual: m.rows[2], Forecast: m.rows[3]}
	}
	return numerator, denominator
}

// ReadSnapshot reads a table of leaves with actual values and forecasts: columns real and
// predict, or the four of a ratio; every other column is a label. count says that the measure
// counts events.
func ReadSnapshot(r io.Reader, count bool) (*analysis.Breakdown, error) {
	rows := newCSV(r)
	h, err := readHeader(rows, append(measureNames(false), measureNames(true)...)...)
	if err != nil {
		return nil, err
	}
	m, err := newMeasures(h)
	if err != nil {
		return nil, err
	}
	if len(h.labels) == 0 {
		return nil, fmt.Errorf("there is no label to break the measure down by; hint: every column beside the measure is a label, and the columns are %s", h.list())
	}
	index := newLeafIndex()
	err = eachRow(rows, func(line int, row []string) error { return m.add(index.of(row, h.labels), line, row) })
	if err == nil {
		err = m.check()
	}
	if err != nil {
		return nil, err
	}
	b := &analysis.Breakdown{Labels: h.labelNames(), Leaves: index.leaves, Count: count, Scale: forecast.Scale{Window: 1}, Doubts: m.doubts()}
	b.Numerator, b.Denominator = m.pieces()
	return b, nil
}
