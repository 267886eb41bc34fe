// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/forecast"
)

// ReadMarginals reads a measure by single labels: columns label, value and the measures of
// [ReadSnapshot], one row per value of a label; a row without a label is the total.
func ReadMarginals(r io.Reader, count bool) (*analysis.Breakdown, error) {
	rows := newCSV(r)
	h, err := readHeader(rows)
	if err != nil {
		return nil, err
	}
	at, err := h.columns("label", "value")
	if err != nil {
		return nil, err
	}
	if _, err := newMeasures(h); err != nil {
		return nil, err
	}
	t := marginalTable{header: h, label: at[0], value: at[1], of: map[string]*marginal{}}
	if err := eachRow(rows, t.add); err != nil {
		return nil, err
	}
	return t.breakdown(count)
}

// marginalTable collects the rows of each label.
type marginalTable struct {
	header
	label, value int
	names        []string // labels in the order of the file
	of           map[string]*marginal
}

// marginal is the part of the file for one label.
type marginal struct {
	index *leafIndex
	*measures
}

func (t *marginalTable) add(line int, row []string) error {
	name := row[t.label]
	m := t.of[name]
	if m == nil {
		measures, err := newMeasures(t.header)
		if err != nil {
			return err
		}
		m = &marginal{newLeafIndex(), measures}
		name = strings.Clone(name) // does not retain the line
		t.of[name] = m
		t.names = append(t.names, name)
	}
	known := len(m.index.leaves)
	leaf := m.index.of(row, []int{t.value})
	switch {
	case leaf < known:
		return fmt.Errorf("line %d: label %q has the value %q twice; hint: one row a value", line, name, row[t.value])
	case name == "" && known > 0:
		return fmt.Errorf("line %d: this is another total; hint: one row alone may have no label", line)
	}
	return m.measures.add(leaf, line, row)
}

func (t *marginalTable) breakdown(count bool) (*analysis.Breakdown, error) {
	b := &analysis.Breakdown{Count: count, Scale: forecast.Scale{Window: 1}}
	for _, name := range t.names {
		m := t.of[name]
		if err := m.check(); err != nil {
			return nil, err
		}
		b.Doubts = append(b.Doubts, m.doubts()...)
		out := analysis.Marginal{Label: name}
		for _, leaf := range m.index.leaves {
			out.Values = append(out.Values, leaf[0])
		}
		out.Numerator, out.Denominator = m.pieces()
		if name == "" {
			b.Total = &out
			continue
		}
		b.Marginals = append(b.Marginals, out)
	}
	if len(b.Marginals) == 0 {
		return nil, errors.New("there is a total and no label; hint: give each value of a label a row")
	}
	return b, nil
}
