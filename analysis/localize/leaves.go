// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"errors"

	"github.com/culprit-dev/culprit/analysis/grescan"
	"github.com/culprit-dev/culprit/analysis/judge"
)

// leaves are the rows of a table, by the labels that causes are made of.
type leaves struct {
	codes [][]int32 // label → leaf → value
	cards []int

	forecast, actual []float64
	errors           []float64 // of past forecasts; nil: not known
	row              []int     // leaf → leaf of the breakdown; nil: all are here
}

// living are the leaves that have any volume. The others say nothing, and in a
// table of many labels they may be most.
func (in *Input) living(dims []int) leaves {
	l := leaves{codes: pick(in.Codes, dims), cards: pick(in.Cards, dims), forecast: in.Forecast, actual: in.Actual, errors: in.Errors}
	rows := make([]int, 0, len(in.Forecast))
	for i, f := range in.Forecast {
		if f != 0 || in.Actual[i] != 0 {
			rows = append(rows, i)
		}
	}
	if len(rows) == len(in.Forecast) {
		return l
	}
	for d := range l.codes {
		l.codes[d] = pick(l.codes[d], rows)
	}
	l.row = rows
	l.forecast, l.actual = pick(l.forecast, rows), pick(l.actual, rows)
	if l.errors != nil {
		l.errors = pick(l.errors, rows)
	}
	return l
}

// ofRow is an error of a leaf as one of its row in the breakdown.
func (l leaves) ofRow(err error) error {
	var e *judge.ValueError
	if !errors.As(err, &e) {
		return err
	}
	row := e.Leaf
	if l.row != nil {
		row = l.row[row]
	}
	return &grescan.ValueError{Leaf: row, Value: e.Value}
}
