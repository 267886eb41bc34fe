package receiver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// join returns the id of the incident that a report belongs to: the one it is
// in already, the open one of its alert group, or a new one.
func (s *store) join(r *record) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.incident[r.Report.Incident]; ok {
		return r.Report.Incident
	}
	for _, other := range s.byID {
		inc, ok := s.incident[other.Report.Incident]
		if ok && inc.Open() && other.Group.id() == r.Group.id() {
			return inc.ID
		}
	}
	inc := report.Open(r.Group.key(), r.Report.Alert.StartsAt, s.base)
	if _, ok := s.incident[inc.ID]; !ok {
		s.incident[inc.ID] = inc
	}
	return inc.ID
}

// mergeIncident brings an incident up to date with its reports.
func (s *store) mergeIncident(ctx context.Context, id string) (report.Incident, error) {
	s.merging.Lock()
	defer s.merging.Unlock()
	inc, ok := s.incidentByID(id)
	if !ok {
		return inc, nil // outlived its lifetime meanwhile
	}
	merged := inc.Merge(s.members(id), s.now())
	if digest(inc) == digest(merged) {
		return inc, nil
	}
	return merged, s.putIncident(ctx, merged)
}

// digest is the same for two states of an incident that say the same thing.
func digest(inc report.Incident) string {
	inc.UpdatedAt, inc.Sent = time.Time{}, nil
	body, err := json.Marshal(inc)
	if err != nil {
		return err.Error() // evidence that JSON can't write; it can't be stored either
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// openIncidents returns the incidents that are open, oldest first.
func (s *store) openIncidents() []report.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var open []report.Incident
	for _, inc := range s.incident {
		if inc.Open() {
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
