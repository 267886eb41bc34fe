// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"bufio"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
)

// Series is a table of series with common rows.
type Series struct {
	Times   []float64 // Unix seconds, ascending
	Columns []Column  // in file order
	Notes   []string  // problems of the file that could be repaired
}

// Column is one series: one value per row, NaN if missing.
type Column struct {
	Name   string
	Values []float64
}

// ReadSeries reads CSV with a first column `time` and one column per series. Rows are sorted by
// time; those with equal times stay in file order.
func ReadSeries(r io.Reader) (*Series, error) {
	rows := newCSV(r)
	header, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty: its first line must name the columns, `time` first")
	}
	if err != nil {
		return nil, err
	}
	if !strings.EqualFold(strings.TrimSpace(header[0]), "time") {
		return nil, fmt.Errorf("the first column is %q: it must be `time`, in Unix seconds or RFC 3339", header[0])
	}
	s := &Series{}
	columns := s.readHeader(header)
	for {
		row, err := rows.Read()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if err := s.add(row, columns); err != nil {
			line, _ := rows.FieldPos(0)
			return nil, fmt.Errorf("line %d, %w", line, err)
		}
	}
	s.sort()
	return s, nil
}

// newCSV returns a CSV reader that skips a byte order mark. Quotes may occur within a cell, as
// in the name of a Prometheus series.
func newCSV(r io.Reader) *csv.Reader {
	b := bufio.NewReader(r)
	if mark, err := b.Peek(3); err == nil && string(mark) == "\ufeff" {
		_, _ = b.Discard(3) // they are in the buffer
	}
	rows := csv.NewReader(b)
	rows.ReuseRecord, rows.LazyQuotes = true, true
	return rows
}

// readHeader creates the columns and returns the column of each cell; -1: none.
func (s *Series) readHeader(header []string) []int {
	columns := make([]int, len(header))
	seen := map[string]bool{}
	columns[0] = -1
	for i := 1; i < len(header); i++ {
		name := strings.TrimSpace(header[i])
		switch {
		case name == "":
			s.note("column %d has no name and is left out", i+1)
			columns[i] = -1
		case seen[name]:
			s.note("column %d is another %q and is left out", i+1, name)
			columns[i] = -1
		default:
			columns[i] = len(s.Columns)
			seen[name] = true
			s.Columns = append(s.Columns, Column{Name: name})
		}
	}
	return columns
}

func (s *Series) note(format string, args ...any) {
	s.Notes = append(s.Notes, fmt.Sprintf(format, args...))
}

func (s *Series) add(row []string, columns []int) error {
	t, err := ParseTime(row[0])
	if err != nil {
		return fmt.Errorf("column \"time\": %w", err)
	}
	s.Times = append(s.Times, t)
	for i, c := range columns {
		if c < 0 {
			continue
		}
		v, err := parseValue(row[i])
		if err != nil {
			return fmt.Errorf("column %q: %w", s.Columns[c].Name, err)
		}
		s.Columns[c].Values = append(s.Columns[c].Values, v)
	}
	return nil
}

// sort sorts the rows by time.
func (s *Series) sort() {
	if slices.IsSorted(s.Times) {
		return
	}
	order := make([]int, len(s.Times))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(s.Times[a], s.Times[b]) })
	s.Times = pick(s.Times, order)
	for i := range s.Columns {
		s.Columns[i].Values = pick(s.Columns[i].Values, order)
	}
}

func pick(values []float64, order []int) []float64 {
	out := make([]float64, len(order))
	for i, from := range order {
		out[i] = values[from]
	}
	return out
}

// Column returns the values of a column, and whether it exists.
func (s *Series) Column(name string) ([]float64, bool) {
	i := slices.IndexFunc(s.Columns, func(c Column) bool { return c.Name == name })
	if i < 0 {
		return nil, false
	}
	return s.Columns[i].Values, true
}

// Join concatenates tables in order of time. It keeps the columns that all of them have, in the
// order of the first.
func Join(tables ...*Series) *Series {
	if len(tables) == 1 {
		return tables[0]
	}
	joined := &Series{}
	for _, t := range tables {
		joined.Times = append(joined.Times, t.Times...)
		joined.Notes = append(joined.Notes, t.Notes...)
	}
	for _, c := range tables[0].Columns {
		values, everywhere := make([]float64, 0, len(joined.Times)), true
		for _, t := range tables {
			part, ok := t.Column(c.Name)
			values, everywhere = append(values, part...), everywhere && ok
		}
		if everywhere {
			joined.Columns = append(joined.Columns, Column{c.Name, values})
		}
	}
	if left := len(tables[0].Columns) - len(joined.Columns); left > 0 {
		joined.note("%d columns are not in every file and are left out", left)
	}
	joined.sort()
	return joined
}
