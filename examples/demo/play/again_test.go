// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// A switch goes on, off, on and off again: two alerts with the same labels in sequence, each with
// its own report, incident, Grafana region and messages, and nothing stays open.
func TestAnAlertThatResolvesAndFiresAgainEndsTwice(t *testing.T) {
	t.Parallel()
	w := startTest(t, func(o *options) {
		// There is a cause to tell, of which only the switch tells.
		o.fault, o.faultAfter = lab.Drop, -50*time.Second
		o.edit = func(name, text string) string { return strings.ReplaceAll(hurried(name, text), "for: 2s", "for: 1h") }
	})
	startInside(t, w)
	for round := 1; round <= 2; round++ {
		w.flip(t, "a", 1)
		w.reportsOf(t, "open report", "Switch", func(list []report.Report) bool {
			return len(list) == round && list[0].Open() && (round == 1 || !list[1].Open())
		})
		w.regions(t, round, false)
		w.flip(t, "a", 0)
		w.reportsOf(t, "closed report", "Switch", func(list []report.Report) bool {
			return len(list) == round && !list[0].Open()
		})
		w.regions(t, round, true)
	}
	list := w.reportsOf(t, "pair of reports", "Switch", func(list []report.Report) bool { return len(list) == 2 })
	if list[0].ID == list[1].ID || list[0].Incident == list[1].Incident {
		t.Errorf("the two alerts share a report or an incident: %s in %s, %s in %s",
			list[0].ID, list[0].Incident, list[1].ID, list[1].Incident)
	}
	for _, r := range list {
		w.closedIncident(t, r.Incident)
	}
	w.toldInOrder(t, "firing", "resolved", "firing", "resolved")
}

// regions waits for so many regions in Grafana, the last of them closed or not.
// A closed one ends after it began; so may an open one, so the calls tell.
func (w *world) regions(t *testing.T, n int, closed bool) {
	t.Helper()
	eventually(t, "region in Grafana", func(context.Context) (struct{}, bool, error) {
		var made, ended int
		for _, c := range w.grafana.Calls() {
			switch {
			case c.Status != http.StatusOK:
			case c.Method == http.MethodPost:
				made++
			case c.Method == http.MethodPatch:
				ended++
			}
		}
		return struct{}{}, made == n && (!closed || ended >= n), nil
	})
	if kept := w.grafana.Annotations(); len(kept) != n {
		t.Errorf("Grafana has %d annotations, want %d", len(kept), n)
	}
}

// closedIncident waits until an incident is closed.
func (w *world) closedIncident(t *testing.T, id string) {
	t.Helper()
	eventually(t, "closed incident", func(ctx context.Context) (report.Incident, bool, error) {
		inc, err := fetchJSON[report.Incident](ctx, http.MethodGet, w.culpritURL()+"/api/v1/incidents/"+id, nil)
		return inc, err == nil && inc.ResolvedAt != nil, err
	})
}

// toldInOrder expects these statuses in the recovery webhooks, ignoring repeated messages.
func (w *world) toldInOrder(t *testing.T, want ...string) {
	t.Helper()
	got := eventually(t, "last recovery webhook", func(context.Context) ([]string, bool, error) {
		var told []string
		last := ""
		for _, c := range w.hook.taken() {
			if key := c.payload.Incident.ID + c.payload.Status; key != last {
				told = append(told, c.payload.Status)
				last = key
			}
		}
		return told, len(told) >= len(want), fmt.Errorf("they say %v", told)
	})
	for i := range want {
		if got[i] != want[i] || len(got) != len(want) {
			t.Fatalf("the recovery webhooks say %v, want %v", got, want)
		}
	}
	if n := len(w.hook.taken()); n > 4*len(want) {
		t.Errorf("%d recovery webhooks for %d messages", n, len(want))
	}
}
