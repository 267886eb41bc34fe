// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// topic is what a lane sends: alerts or incidents.
type topic interface {
	// message builds the message for an id and its digest, given what the lane has delivered. ok is
	// false if there is nothing to send.
	message(id string, known delivery) (m sink.Message, digest string, ok bool)
	// pending lists ids with something to send: missed, or unsent when culprit stopped.
	pending(lane string) []string
}

// aboutAlerts sends reports of single alerts. pending is empty: the reconcile loop compares
// Alertmanager's state with the reports, and these sinks do nothing where all is well.
type aboutAlerts struct {
	store *store
	book  *deliveries
}

func (a aboutAlerts) message(id string, known delivery) (sink.Message, string, bool) {
	r, ok := a.store.report(id)
	if !ok || !r.Open() {
		return sink.Message{}, "", false
	}
	inc, _ := a.store.incidentByID(r.Incident)
	r.Sent = slices.Concat(r.Sent, a.book.sent(id))
	return sink.Message{Report: r, Incident: inc}, known.Told, true
}

func (a aboutAlerts) pending(string) []string { return nil }

// endFor is how long a sink is retried with the end of an incident.
const endFor = 24 * time.Hour

// aboutIncidents sends incidents.
type aboutIncidents struct {
	store *store
	book  *deliveries
	now   func() time.Time
	rest  time.Duration // how long an incident is left to the replica that changed it
}

func (a aboutIncidents) message(id string, known delivery) (m sink.Message, content string, ok bool) {
	inc, ok := a.store.incidentByID(id)
	if !ok || !inc.Open() && (known.Over || a.now().Sub(inc.UpdatedAt) > endFor) {
		return m, "", false
	}
	content = a.store.digestOf(id)
	reports := a.store.members(id)
	if content == known.Told || len(reports) == 0 {
		return m, "", false
	}
	inc.Sent = slices.Concat(inc.Sent, known.Sent) // but not what other sinks have made
	return sink.Message{Report: reports[0], Incident: inc, Resolved: !inc.Open(), Ends: known.Ends}, content, true
}

func (a aboutIncidents) pending(lane string) []string {
	var ids []string
	for _, inc := range a.store.allIncidents() {
		if a.now().Sub(inc.UpdatedAt) < a.rest {
			continue
		}
		if _, _, ok := a.message(inc.ID, a.book.get(inc.ID, lane)); ok {
			ids = append(ids, inc.ID)
		}
	}
	return ids
}

// report returns a report from the index.
func (s *store) report(id string) (report.Report, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.byID[id]; ok {
		return r.Report, true
	}
	return report.Report{}, false
}

// allIncidents returns all incidents, open or not.
func (s *store) allIncidents() []report.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]report.Incident, 0, len(s.incident))
	for _, inc := range s.incident {
		all = append(all, inc.Incident)
	}
	return all
}
