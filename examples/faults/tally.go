// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"text/tabwriter"
)

// promise is the result of one promise in one run.
type promise struct {
	text string
	err  error // what happened instead; nil: it held
}

// row counts the runs of one promise of a scenario.
type row struct {
	scenario, text string
	held, runs     int
	first          error // the first failure
}

// tally has the results of all runs, in the order of first appearance.
type tally []row

// add counts one run.
func (t *tally) add(scenario string, p promise) {
	r := t.row(scenario, p.text)
	r.runs++
	switch {
	case p.err == nil:
		r.held++
	case r.first == nil:
		r.first = p.err
	}
}

func (t *tally) row(scenario, text string) *row {
	for i := range *t {
		if r := &(*t)[i]; r.scenario == scenario && r.text == text {
			return r
		}
	}
	*t = append(*t, row{scenario: scenario, text: text})
	return &(*t)[len(*t)-1]
}

// broken reports whether a promise did not hold.
func (t tally) broken() bool {
	for _, r := range t {
		if r.held < r.runs {
			return true
		}
	}
	return false
}

// print writes the table.
func (t tally) print(out io.Writer) {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	defer func() { _ = w.Flush() }()
	for _, r := range t {
		fmt.Fprintf(w, "%s\t%s\t%d of %d", r.scenario, r.text, r.held, r.runs)
		if r.first != nil {
			fmt.Fprintf(w, "\t%v", r.first)
		}
		fmt.Fprintln(w)
	}
}
