// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"encoding/binary"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/words"
)

// header is the first line of a file with labels and measures.
type header struct {
	names  []string
	labels []int // columns that are labels, in the order of the file
}

// readHeader reads the names of the columns; all except others are labels.
func readHeader(rows *csv.Reader, others ...string) (header, error) {
	line, err := rows.Read()
	if errors.Is(err, io.EOF) {
		return header{}, errors.New("the file is empty; hint: its first line must name the columns")
	}
	if err != nil {
		return header{}, err
	}
	h := header{names: make([]string, len(line))}
	seen := map[string]bool{}
	for i, name := range line {
		name = strings.TrimSpace(name)
		switch {
		case name == "":
			return header{}, fmt.Errorf("column %d has no name; hint: the first line must name every column", i+1)
		case seen[name]:
			return header{}, fmt.Errorf("column %d is another %q; hint: remove one of them", i+1, name)
		case !slices.Contains(others, name):
			h.labels = append(h.labels, i)
		}
		h.names[i], seen[name] = name, true
	}
	return h, nil
}

// column returns the index of a column.
func (h header) column(name string) (int, error) {
	i := slices.Index(h.names, name)
	if i < 0 {
		return 0, fmt.Errorf("there is no column %q; hint: the columns are %s", name, h.list())
	}
	return i, nil
}

// columns returns the indices of columns.
func (h header) columns(names ...string) ([]int, error) {
	at := make([]int, len(names))
	for k, name := range names {
		i, err := h.column(name)
		if err != nil {
			return nil, err
		}
		at[k] = i
	}
	return at, nil
}

// list names the first columns.
func (h header) list() string {
	const shown = 12
	return strings.Join(h.names[:min(shown, len(h.names))], ", ") + more(len(h.names)-shown)
}

// labelNames returns the names of the labels.
func (h header) labelNames() []string {
	names := make([]string, len(h.labels))
	for k, i := range h.labels {
		names[k] = h.names[i]
	}
	return names
}

// eachRow calls f for every row below the header, and stops at the first error.
func eachRow(rows *csv.Reader, f func(line int, row []string) error) error {
	for n := 0; ; n++ {
		row, err := rows.Read()
		switch {
		case errors.Is(err, io.EOF) && n == 0:
			return errors.New("there are no rows below the header")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		line, _ := rows.FieldPos(0)
		if err := f(line, row); err != nil {
			return err
		}
	}
}

// cell parses the value of a measure.
func (h header) cell(line, column int, row []string) (float64, error) {
	v, err := parseValue(row[column])
	if text := strings.TrimSpace(row[column]); err == nil && math.IsNaN(v) && text != "" && !strings.EqualFold(text, "nan") {
		err = fmt.Errorf("%s is not a number from 0 up; hint: write a number, or leave the cell empty where there is none", text)
	}
	if err != nil {
		return 0, fmt.Errorf("%s: %w", place(line, h.names[column]), err)
	}
	return v, nil
}

// leafIndex numbers combinations of label values in order of appearance.
type leafIndex struct {
	at     map[string]int
	leaves [][]string
	shared map[string]string // one copy of each value
	key    []byte
}

func newLeafIndex() *leafIndex {
	return &leafIndex{at: map[string]int{}, shared: map[string]string{}}
}

// of returns the number of a row's leaf. Rows with the same labels are the same leaf.
func (x *leafIndex) of(row []string, labels []int) int {
	x.key = x.key[:0]
	for _, i := range labels {
		x.key = binary.AppendUvarint(x.key, uint64(len(row[i])))
		x.key = append(x.key, row[i]...)
	}
	if at, ok := x.at[string(x.key)]; ok {
		return at
	}
	leaf := make([]string, len(labels))
	for k, i := range labels {
		leaf[k] = x.share(row[i])
	}
	at := len(x.leaves)
	x.at[string(x.key)] = at
	x.leaves = append(x.leaves, leaf)
	return at
}

// share keeps one copy of a value, which does not retain its line.
func (x *leafIndex) share(v string) string {
	if s, ok := x.shared[v]; ok {
		return s
	}
	s := strings.Clone(v)
	x.shared[s] = s
	return s
}

// plus adds a value to a sum; either may be missing.
func plus(sum, v float64) float64 {
	switch {
	case math.IsNaN(v):
		return sum
	case math.IsNaN(sum):
		return v
	}
	return sum + v
}

// Negative values can't be parts of a whole. Relative to the sum of absolute values, this much
// is rounding, and this much is a slip that gives a warning; more is an error.
const (
	tinyNegative  = 1e-9
	smallNegative = 0.05
)

// signs tracks negative values.
type signs struct {
	total, negative float64 // of absolute values, and of negative ones
	lowest          float64
	where           string // position of the lowest
}

// add records a value and returns it, with 0 for a negative one.
func (s *signs) add(v float64, line int, column string) float64 {
	if math.IsNaN(v) {
		return v
	}
	s.total += math.Abs(v)
	if v < s.lowest {
		s.lowest, s.where = v, place(line, column)
	}
	if v < 0 {
		s.negative -= v
		return 0
	}
	return v
}

// doubts warns that negative values count as 0, if they are more than rounding.
func (s *signs) doubts() []string {
	if s.negative <= tinyNegative*s.total {
		return nil
	}
	return []string{fmt.Sprintf("%s: %g is negative and counts as 0, as all values below 0 do (%s of all)", s.where, s.lowest, words.Percent(s.negative/s.total))}
}

// err returns an error if too much is negative.
func (s *signs) err() error {
	if s.negative <= smallNegative*s.total {
		return nil
	}
	return fmt.Errorf("%s: %g is negative, so it is not part of a whole; hint: a breakdown needs counts, rates or sums, not differences or gauges below zero", s.where, s.lowest)
}
