// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
)

// LeafTable is an additive measure over time, by combinations of label values.
type LeafTable struct {
	Labels []string
	Leaves [][]string  // leaf → values, in the order of Labels
	Times  []float64   // Unix seconds, ascending
	Values [][]float64 // leaf → time; NaN: no sample
	Doubts []string    // reservations about the values
}

// mostCells bounds the cells held in memory: 1.6 GB.
const mostCells = 200_000_000

// ReadWide reads a table with one row per leaf: labels first, then one column per time, named
// by that time. An empty cell is a missing sample.
func ReadWide(r io.Reader) (*LeafTable, error) {
	rows := newCSV(r)
	h, err := readHeader(rows)
	if err != nil {
		return nil, err
	}
	t := &LeafTable{}
	if err := t.readTimes(&h); err != nil {
		return nil, err
	}
	index := newLeafIndex()
	var sign signs
	err = eachRow(rows, func(line int, row []string) error {
		leaf := index.of(row, h.labels)
		if leaf == len(t.Values) {
			t.Values = append(t.Values, missing(len(t.Times)))
		}
		first := len(h.labels)
		for k := range t.Times {
			v, err := h.cell(line, first+k, row)
			if err != nil {
				return err
			}
			v = sign.add(v, line, h.names[first+k])
			t.Values[leaf][k] = plus(t.Values[leaf][k], v)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	t.Leaves, t.Doubts = index.leaves, sign.doubts()
	return t, sign.err()
}

// readTimes takes the columns from the first one that is named by a time.
func (t *LeafTable) readTimes(h *header) error {
	first := slices.IndexFunc(h.names, func(name string) bool { _, err := ParseTime(name); return err == nil })
	if first < 0 {
		return fmt.Errorf("no column is a time; hint: labels come first, then one column a time with Unix seconds as its name, and the columns are %s", h.list())
	}
	if first == 0 {
		return errors.New("there is no label to break the measure down by; hint: labels come first, then the times")
	}
	h.labels = h.labels[:first]
	t.Labels = h.labelNames()
	for i, name := range h.names[first:] {
		at, err := ParseTime(name)
		if err != nil {
			return fmt.Errorf("column %d: %w; hint: labels come first, and all columns after them are times", first+i+1, err)
		}
		if i > 0 && at <= t.Times[i-1] {
			return fmt.Errorf("column %q is not after %q; hint: put the columns in the order of time", name, h.names[first+i-1])
		}
		t.Times = append(t.Times, at)
	}
	return nil
}

// missing returns a row without samples.
func missing(n int) []float64 {
	row := make([]float64, n)
	for i := range row {
		row[i] = math.NaN()
	}
	return row
}

// LongColumns names the columns of a long file: Value for an additive measure, or Numerator and
// Denominator for a ratio. Every other column is a label.
type LongColumns struct {
	Time, Value, Numerator, Denominator string
}

func (c LongColumns) measures() []string {
	if c.Value != "" {
		return []string{c.Value}
	}
	return []string{c.Numerator, c.Denominator}
}

// ReadLong reads a table with one row per leaf and time. It returns the measure or both parts
// of a ratio; denominator is nil if the measure is additive. Rows with the same labels and time
// are summed.
func ReadLong(r io.Reader, c LongColumns) (numerator, denominator *LeafTable, err error) {
	rows := newCSV(r)
	names := c.measures()
	h, err := readHeader(rows, append(names, c.Time)...)
	if err != nil {
		return nil, nil, err
	}
	l, err := newLongTable(h, c.Time, names)
	if err != nil {
		return nil, nil, err
	}
	if err := l.read(rows); err != nil {
		return nil, nil, err
	}
	parts, err := l.tables()
	if err != nil {
		return nil, nil, err
	}
	if len(parts) == 1 {
		return parts[0], nil, nil
	}
	return parts[0], parts[1], nil
}

// longTable collects the rows of a long file.
type longTable struct {
	header
	time     int
	measures []int
	signs    []signs
	index    *leafIndex
	times    []float64
	rows     []longRow
}

type longRow struct {
	leaf   int
	time   float64
	values [2]float64
}

func newLongTable(h header, time string, measures []string) (*longTable, error) {
	at, err := h.columns(append([]string{time}, measures...)...)
	if err != nil {
		return nil, err
	}
	if len(h.labels) == 0 {
		return nil, fmt.Errorf("there is no label to break the measure down by; hint: every column beside time and measure is a label, and the columns are %s", h.list())
	}
	return &longTable{header: h, time: at[0], measures: at[1:], signs: make([]signs, len(measures)), index: newLeafIndex()}, nil
}

func (l *longTable) read(rows *csv.Reader) error {
	err := eachRow(rows, func(line int, row []string) error {
		at, err := ParseTime(row[l.time])
		if err != nil {
			return fmt.Errorf("%s: %w", place(line, l.names[l.time]), err)
		}
		r := longRow{leaf: l.index.of(row, l.labels), time: at}
		for k, column := range l.measures {
			if r.values[k], err = l.cell(line, column, row); err != nil {
				return err
			}
			r.values[k] = l.signs[k].add(r.values[k], line, l.names[column])
		}
		l.rows = append(l.rows, r)
		l.times = append(l.times, at)
		return nil
	})
	for k := range l.signs {
		if err == nil {
			err = l.signs[k].err()
		}
	}
	return err
}

// tables puts the rows on one axis of all times.
func (l *longTable) tables() ([]*LeafTable, error) {
	slices.Sort(l.times)
	l.times = slices.Compact(l.times)
	if n := len(l.times) * len(l.index.leaves); n > mostCells {
		return nil, fmt.Errorf("%d combinations of labels at %d times are too many; hint: keep the days that are needed, or drop a label that is different in every row", len(l.index.leaves), len(l.times))
	}
	tables := make([]*LeafTable, len(l.measures))
	for k := range tables {
		t := &LeafTable{Labels: l.labelNames(), Leaves: l.index.leaves, Times: l.times, Doubts: l.signs[k].doubts()}
		for range t.Leaves {
			t.Values = append(t.Values, missing(len(t.Times)))
		}
		for _, r := range l.rows {
			at, _ := slices.BinarySearch(t.Times, r.time)
			t.Values[r.leaf][at] = plus(t.Values[r.leaf][at], r.values[k])
		}
		tables[k] = t
	}
	return tables, nil
}

// Overlay replaces the values of the incident by those of another table with the same labels.
// Leaves that only the other table has are added; leaves that it lacks stay as they are.
func (t *LeafTable) Overlay(over *LeafTable, w Window) error {
	order, err := t.labelOrder(over)
	if err != nil {
		return err
	}
	index := newLeafIndex()
	identity := count(len(t.Labels))
	for _, leaf := range t.Leaves {
		index.of(leaf, identity)
	}
	index.leaves = slices.Clone(t.Leaves)
	for k, at := range over.Times {
		if at < w.Onset || w.End != 0 && at > w.End {
			continue
		}
		to, ok := slices.BinarySearch(t.Times, at)
		if !ok {
			return fmt.Errorf("the overlay has a column %.0f that the series lacks; hint: it replaces columns that are there", at)
		}
		for i, leaf := range over.Leaves {
			row := index.of(leaf, order)
			if row == len(t.Values) {
				t.Values = append(t.Values, missing(len(t.Times)))
			}
			t.Values[row][to] = over.Values[i][k]
		}
	}
	t.Leaves = index.leaves
	return nil
}

// labelOrder returns the index of each of its labels in another table.
func (t *LeafTable) labelOrder(other *LeafTable) ([]int, error) {
	order := make([]int, len(t.Labels))
	for k, name := range t.Labels {
		order[k] = slices.Index(other.Labels, name)
		if order[k] < 0 || len(other.Labels) != len(t.Labels) {
			return nil, fmt.Errorf("the files have different labels (%s, and %s); hint: they must break the measure down alike",
				strings.Join(t.Labels, ", "), strings.Join(other.Labels, ", "))
		}
	}
	return order, nil
}

// count returns 0, 1, … n−1.
func count(n int) []int {
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	return order
}
