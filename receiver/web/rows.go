// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/receiver/report"
)

// row is one report of a list.
type row struct {
	ID, Name, Summary, When, State string
	Verdict, Kind                  string // in two or three words; and its CSS class
	Severity                       string
	Open                           bool
	Labels                         []pair
	Same                           []row // other reports of the alert that say the same
}

// newRows makes the rows of a list, in order. Reports of one alert that say the same share a row:
// the newest, with the others folded below it.
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

// says reports whether somebody who has read r learns nothing from other.
func (r row) says(other row) bool {
	return r.Name == other.Name && r.Summary == other.Summary && r.Verdict == other.Verdict && r.Severity == other.Severity && r.Open == other.Open
}

// mostRows bounds the rows on the page of an incident or case.
const mostRows = 100

// firstRows returns the rows that fit on a page, and says how many reports of all are not among
// them.
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

// Count is the number of reports in the row.
func (r row) Count() int { return 1 + len(r.Same) }

// Own returns the labels in which the row differs from other, or all if there are none.
func (r row) Own(other row) []pair {
	own := slices.DeleteFunc(slices.Clone(r.Labels), func(p pair) bool { return slices.Contains(other.Labels, p) })
	if len(own) == 0 {
		return r.Labels
	}
	return own
}
