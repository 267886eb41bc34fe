// SPDX-License-Identifier: Apache-2.0

package report

import (
	"testing"
	"time"
)

// A report shows what was observed during it, and what muted the alert just before; other firings
// of the alert have their own.
func TestAReportShowsWhatWasDoneInItsTime(t *testing.T) {
	start := time.Date(2026, 11, 29, 2, 0, 0, 0, time.UTC)
	end := start.Add(time.Hour)
	at := func(minutes int) time.Time { return start.Add(time.Duration(minutes) * time.Minute) }
	all := []Handled{
		{What: Notified, By: "pager", First: at(14), Last: at(14), Times: 1},
		{What: Notified, By: "pager", First: at(44), Last: at(44), Times: 1},
		{What: Notified, By: "mail", First: at(15), Last: at(15), Times: 1},
		{What: Notified, By: "pager", First: at(-30), Last: at(-30), Times: 1}, // of an earlier firing
		{What: Notified, By: "pager", First: at(70), Last: at(70), Times: 1},   // of a later one
		{What: Silenced, By: "ann", First: at(-300), Last: at(-5)},
		{What: Silenced, By: "bob", First: at(-300), Last: at(-61)},
		{What: Inhibited, By: "node", First: at(30), Last: at(90)},
		{What: Inhibited, By: "rack", First: at(-90), Last: at(90)}, // nobody has seen it in between
	}
	r := Report{Alert: Alert{StartsAt: start}, ResolvedAt: &end}
	want := []Handled{
		{What: Silenced, By: "ann", First: at(-5), Last: at(-5)},
		{What: Notified, By: "pager", First: at(14), Last: at(44), Times: 2},
		{What: Notified, By: "mail", First: at(15), Last: at(15), Times: 1},
		{What: Inhibited, By: "node", First: at(30), Last: at(30)},
	}
	got := HandledIn(r, all)
	if len(got) != len(want) {
		t.Fatalf("%+v", got)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%+v, want %+v", got[i], want[i])
		}
	}
	r.ResolvedAt = nil
	if got := HandledIn(r, all); len(got) != 5 || got[4].What != Inhibited || !got[4].Last.Equal(at(90)) {
		t.Errorf("while it fires: %+v", got)
	}
}
