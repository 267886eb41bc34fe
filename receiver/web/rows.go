// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/receiver/report"
)

// row is one report in a list.
type row struct {
	ID, Name, Summary, When, State string
	Verdict, Kind                  string // in two or three words; and its class
	Severity                       string
	Open                           bool
	Labels                         []pair
	Same                           []row // of the same alert that say the same
}

// newRows are reports as a list shows them, in their order. Reports of one alert that
// say the same are one row: the newest, with the others folded away below it.
func newRows(reports []report.Report, now clock) []row {
	rows := []row{}
	for _, r := range reports {
		own := newRow(r, now)
		i := slices.IndexFunc(rows, own.says)
		if i < 0 {
			rows = append(rows, own)
			continue
		}
		rows[i].Same = append(rows[i].Same, own)
	}
	return rows
}

func newRow(r report.Report, now clock) row {
	said := report.AnswerOf(r.Result)
	return row{
		Verdict: said.Look, Kind: said.Class, Severity: string(r.Alert.Labels["severity"]),
		ID: r.ID, Name: r.Name(), Summary: r.Summary, When: now.stamp(r.Alert.StartsAt),
		State: now.state(r.Alert.StartsAt, r.ResolvedAt), Open: r.Open(), Labels: alertLabels(r.Alert),
	}
}

// says tells whether a person who has read r learns nothing from other.
func (r row) says(other row) bool {
	return r.Name == other.Name && r.Summary == other.Summary && r.Verdict == other.Verdict && r.Severity == other.Severity && r.Open == other.Open
}

// mostRows is how many rows the page of an incident or a case shows.
const mostRows = 100

// firstRows are those rows that a page has room for, and in words how many of all
// reports are not behind one of them.
func firstRows(rows []row, all int) (first []row, more string) {
	first = rows[:min(len(rows), mostRows)]
	for _, r := range first {
		all -= r.Count()
	}
	if all > 0 {
		more = fmt.Sprintf("%d more are in the JSON.", all)
	}
	return first, more
}

// Count is how many reports the row stands for.
func (r row) Count() int { return 1 + len(r.Same) }

// Own are the labels in which a row differs from another one; of two that do not
// differ, all.
func (r row) Own(other row) []pair {
	own := slices.DeleteFunc(slices.Clone(r.Labels), func(p pair) bool { return slices.Contains(other.Labels, p) })
	if len(own) == 0 {
		return r.Labels
	}
	return own
}
