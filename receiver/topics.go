// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// topic is what lanes tell of.
type topic interface {
	// message reads what there is to tell under an id to a lane that has
	// delivered so much, and its digest; ok is false if that is nothing.
	message(id string, known delivery) (m sink.Message, digest string, ok bool)
	// untold lists the ids under which there is something to tell to a lane:
	// what was missed, or was not told when culprit stopped.
	untold(lane string) []string
}

// aboutAlerts tells of alerts by their reports. Their sinks look at what
// Alertmanager has and do nothing where it is there already; what was missed
// the reconcile loop finds there, so nothing is listed here.
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

func (a aboutAlerts) untold(string) []string { return nil }

// endFor is how long after the end of an incident a sink that was told of it,
// and can't be reached, is still tried.
const endFor = 24 * time.Hour

// aboutIncidents tells of incidents.
type aboutIncidents struct {
	store *store
	book  *deliveries
	now   func() time.Time
	rest  time.Duration // for which an incident is left to the replica that changed it
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
	inc.Sent = slices.Concat(inc.Sent, known.Sent) // and not what others have made elsewhere
	return sink.Message{Report: reports[0], Incident: inc, Resolved: !inc.Open(), Ends: known.Ends}, content, true
}

func (a aboutIncidents) untold(lane string) []string {
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

// report returns a report, without what only a page shows.
func (s *store) report(id string) (report.Report, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if r, ok := s.byID[id]; ok {
		return r.Report, true
	}
	return report.Report{}, false
}

// allIncidents returns the incidents, open or not.
func (s *store) allIncidents() []report.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	all := make([]report.Incident, 0, len(s.incident))
	for _, inc := range s.incident {
		all = append(all, inc.Incident)
	}
	return all
}
