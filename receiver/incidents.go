package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"

	"github.com/culprit-dev/culprit/receiver/report"
)

// incidentOf returns the incident that a report belongs to: the one it is in
// already, the open one of its alert group, or a new one.
func (s *store) incidentOf(r *record) report.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if inc, ok := s.incident[r.Report.Incident]; ok {
		return inc
	}
	for _, other := range s.byID {
		inc, ok := s.incident[other.Report.Incident]
		if ok && inc.ResolvedAt == nil && other.Group.id() == r.Group.id() {
			return inc
		}
	}
	return report.Open(r.Group.key(), r.Report.Alert.StartsAt, s.base)
}

// sameIncident says whether two states of an incident differ in nothing but
// the time of their writing.
func sameIncident(a, b report.Incident) bool {
	a.UpdatedAt, b.UpdatedAt = b.UpdatedAt, b.UpdatedAt
	return reflect.DeepEqual(a, b)
}

// openIncidents returns the incidents that are open, oldest first.
func (s *store) openIncidents() []report.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var open []report.Incident
	for _, inc := range s.incident {
		if inc.ResolvedAt == nil {
			open = append(open, inc)
		}
	}
	slices.SortFunc(open, func(a, b report.Incident) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return open
}

// incidentByID returns an incident.
func (s *store) incidentByID(id string) (report.Incident, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	inc, ok := s.incident[id]
	return inc, ok
}

// members returns the reports of an incident, oldest first.
func (s *store) members(id string) []report.Report {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var reports []report.Report
	for _, r := range s.byID {
		if r.Report.Incident == id {
			reports = append(reports, r.Report)
		}
	}
	slices.SortFunc(reports, compareReports)
	return reports
}

// recordSent notes what became of the write-backs of an incident.
func (s *store) recordSent(ctx context.Context, id string, sent []report.Sent) error {
	inc, ok := s.incidentByID(id)
	if !ok {
		return nil
	}
	inc.Sent = sent
	return s.putIncident(ctx, inc)
}

// putIncident writes an incident.
func (s *store) putIncident(ctx context.Context, inc report.Incident) error {
	inc.UpdatedAt = s.now()
	body, err := json.Marshal(inc)
	if err != nil {
		return fmt.Errorf("encoding the incident %s: %w", inc.ID, err)
	}
	if _, err := s.incidents.Put(ctx, inc.ID, body); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setIncident(inc)
	return nil
}
