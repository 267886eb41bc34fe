// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"errors"

	"github.com/culprit-dev/culprit/analysis/grescan"
	"github.com/culprit-dev/culprit/analysis/judge"
)

// leaves are the rows of a table, by the labels for causes.
type leaves struct {
	codes [][]int32 // label → leaf → value
	cards []int

	forecast, actual []float64
	errors           []float64 // of past forecasts; nil: unknown
	row              []int     // leaf → leaf of the breakdown; nil: identity
}

// nonEmptyLeaves returns the leaves with any volume. The others say nothing, and may be the majority in
// a table of many labels.
func (in *Input) nonEmptyLeaves(dims []int) leaves {
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

// ofRow maps the leaf of an error to its row in the breakdown.
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
