// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// indexed is an incident in the index.
type indexed struct {
	report.Incident
	revision uint64 // of the stored one; 0: never written
	digest   string // of its content
	changes  int    // reports written since the last merge
}

func (s *store) indexIncident(e broker.Entry, deleted bool) {
	s.mu.RLock()
	known, ok := s.incident[e.Key]
	s.mu.RUnlock()
	if ok && known.revision >= e.Revision {
		return // this process wrote it
	}
	if deleted {
		s.mu.Lock()
		defer s.mu.Unlock()
		delete(s.incident, e.Key)
		return
	}
	var inc report.Incident
	if err := json.Unmarshal(e.Value, &inc); err != nil {
		s.log.Error("A stored incident can't be read and is skipped", "id", e.Key, "err", err)
		return
	}
	s.setIncident(inc, e.Revision)
}

// setIncident indexes an incident, unless the index has a newer copy.
func (s *store) setIncident(inc report.Incident, revision uint64) {
	next := &indexed{Incident: inc, revision: revision, digest: digest(inc)}
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.incident[inc.ID]; ok {
		if known.revision > revision {
			return
		}
		next.changes = known.changes
	}
	s.incident[inc.ID] = next
}

// join returns the id of a report's incident: its own, the open one of its alert group, or a new
// one.
func (s *store) join(r *record) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.incident[r.Report.Incident]; ok {
		return r.Report.Incident
	}
	for id := range s.byGroup[r.Group.id()] {
		if inc, ok := s.incident[id]; ok && inc.Open() {
			return id
		}
	}
	inc := report.Open(r.Group.key(), r.Report.Alert.StartsAt, s.base)
	if _, ok := s.incident[inc.ID]; !ok {
		s.incident[inc.ID] = &indexed{Incident: inc}
		link(s.byGroup, r.Group.id(), inc.ID) // so that the rest of the group finds it before it is written
	}
	return inc.ID
}

// rejoin moves a report from the incident that was opened for it to that of the stored report. It
// deletes the former, unless it was written or has other reports. If the index does not know the
// latter yet, the merge reads it.
func (s *store) rejoin(r *record, stored record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	opened, id := r.Report.Incident, stored.Report.Incident
	if inc, ok := s.incident[opened]; ok && opened != id && inc.revision == 0 && len(s.byIncident[opened]) == 0 {
		delete(s.incident, opened)
		unlink(s.byGroup, r.Group.id(), opened)
	}
	if _, ok := s.incident[id]; !ok {
		s.incident[id] = &indexed{Incident: s.reopened(id, r)}
	}
	r.Report.Incident, r.Report.CreatedAt = id, stored.Report.CreatedAt
}

// An incident is merged at once if at least one in mergeShare of its reports has changed, else
// within mergePause. So the cost per report is bounded, however many there are.
const (
	mergeShare = 8
	mergePause = time.Second
)

// merge updates an incident after one of its reports was written: now or soon.
func (s *store) merge(ctx context.Context, id string) (report.Incident, error) {
	s.mu.Lock()
	inc, ok := s.incident[id]
	if !ok {
		s.mu.Unlock()
		return report.Incident{}, nil // expired meanwhile
	}
	inc.changes++
	now := inc.revision == 0 || inc.changes*mergeShare >= len(s.byIncident[id])
	s.mu.Unlock()
	if now {
		return s.mergeNow(ctx, id)
	}
	select {
	case s.deferred <- id:
	default: // full: settle will find it
	}
	return inc.Incident, nil
}

// catchUp makes deferred merges, and measures the store now and then, until ctx ends.
func (s *store) catchUp(ctx context.Context) {
	measure := time.NewTicker(measurePause)
	defer measure.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-measure.C:
			s.measure(ctx)
		case id := <-s.deferred:
			pause(ctx, mergePause)
			for due := s.drainDeferred(id); len(due) > 0; due = due[1:] {
				s.updateIncident(ctx, due[0])
			}
		}
	}
}

// drainDeferred drains the channel, and returns its incidents and id without duplicates.
func (s *store) drainDeferred(id string) []string {
	due := []string{id}
	for len(s.deferred) > 0 {
		due = append(due, <-s.deferred)
	}
	slices.Sort(due)
	return slices.Compact(due)
}

// updateIncident merges an incident that lags behind its reports.
func (s *store) updateIncident(ctx context.Context, id string) {
	before := s.digestOf(id)
	if _, err := s.mergeNow(ctx, id); err != nil {
		if ctx.Err() == nil {
			s.log.Warn("An incident can't be updated; trying again", "incident", id, "err", err)
		}
		return
	}
	if tell := s.merged.Load(); tell != nil && s.digestOf(id) != before {
		(*tell)(id)
	}
}

// digestOf returns the digest of an incident; empty if there is none.
func (s *store) digestOf(id string) string {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if inc, ok := s.incident[id]; ok {
		return inc.digest
	}
	return ""
}

// settle completes half-written state: a process may be killed between the writes of a report and
// of its incident, and another replica may have written either.
func (s *store) settle(ctx context.Context) {
	for _, id := range s.halfWritten() {
		s.updateIncident(ctx, id)
	}
}

// halfWritten returns the incidents that may differ from their reports: those that are open, and
// those with an open report, even if the incident itself is missing.
func (s *store) halfWritten() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var ids []string
	for id, reports := range s.byIncident {
		firing := ""
		for r := range reports {
			if s.byID[r].open() {
				firing = r
				break
			}
		}
		inc, ok := s.incident[id]
		if !ok && firing != "" {
			s.incident[id] = &indexed{Incident: s.reopened(id, s.byID[firing])}
		}
		if firing != "" || ok && inc.Open() {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// reopened recreates an incident that a report names and that was never written.
func (s *store) reopened(id string, r *record) report.Incident {
	inc := report.Open(r.Group.key(), r.Report.Alert.StartsAt, s.base)
	inc.ID, inc.URL = id, report.URL(s.base, "incidents", id)
	return inc
}

// mergeNow updates an incident from its reports. After a conflict it merges again, on top of the
// stored one.
func (s *store) mergeNow(ctx context.Context, id string) (report.Incident, error) {
	defer s.merging.lock(id)()
	for try := 0; ; try++ {
		known, ok := s.takeChanges(id)
		if !ok {
			return report.Incident{}, nil // expired meanwhile
		}
		next := known.Merge(s.members(id), s.now())
		if known.revision > 0 && known.digest == digest(next) {
			return known.Incident, nil
		}
		err := s.putIncident(ctx, next, known.revision)
		if err == nil {
			return next, nil
		}
		s.giveBack(id, known.changes)
		if !errors.Is(err, broker.ErrConflict) && !errors.Is(err, broker.ErrExists) || try == writeTries {
			return next, err
		}
		pause(ctx, 10*time.Millisecond) // reads may lag some milliseconds behind
		if err := s.reload(ctx, id, known.revision); err != nil {
			return next, err
		}
	}
}

// takeChanges returns an incident and resets its count of changes.
func (s *store) takeChanges(id string) (indexed, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	inc, ok := s.incident[id]
	if !ok {
		return indexed{}, false
	}
	taken := *inc
	inc.changes = 0
	return taken, true
}

// giveBack restores the count after a failed write.
func (s *store) giveBack(id string, changes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if inc, ok := s.incident[id]; ok {
		inc.changes += changes
	}
}

// reload reads an incident that another replica has written.
func (s *store) reload(ctx context.Context, id string, revision uint64) error {
	e, err := s.incidents.Get(ctx, id)
	switch {
	case errors.Is(err, broker.ErrNotFound): // expired or deleted
		s.mu.Lock()
		defer s.mu.Unlock()
		if inc, ok := s.incident[id]; ok && inc.revision == revision {
			inc.revision = 0
		}
		return nil
	case err != nil:
		return err
	}
	s.indexIncident(e, false)
	return nil
}

// digest identifies the content of an incident.
func digest(inc report.Incident) string {
	inc.UpdatedAt, inc.Sent = time.Time{}, nil
	body, err := json.Marshal(inc)
	if err != nil {
		return err.Error() // NaN and the like, which can't be stored either
	}
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:8])
}

// openIncidents returns the open incidents, oldest first.
func (s *store) openIncidents() []report.Incident {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var open []report.Incident
	for _, inc := range s.incident {
		if inc.Open() {
			open = append(open, inc.Incident)
		}
	}
	slices.SortFunc(open, func(a, b report.Incident) int { return a.CreatedAt.Compare(b.CreatedAt) })
	return open
}

func (s *store) incidentByID(id string) (report.Incident, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	inc, ok := s.incident[id]
	if !ok {
		return report.Incident{}, false
	}
	return inc.Incident, true
}

// members returns the reports of an incident, oldest first.
func (s *store) members(id string) []report.Report {
	s.mu.RLock()
	defer s.mu.RUnlock()
	reports := make([]report.Report, 0, len(s.byIncident[id]))
	for r := range s.byIncident[id] {
		reports = append(reports, s.byID[r].Report)
	}
	slices.SortFunc(reports, compareReports)
	return reports
}

// putIncident writes an incident if its stored revision is still revision.
func (s *store) putIncident(ctx context.Context, inc report.Incident, revision uint64) error {
	inc.UpdatedAt = s.now()
	body, err := json.Marshal(inc)
	if err != nil {
		return fmt.Errorf("encoding the incident %s: %w", inc.ID, err)
	}
	if revision == 0 {
		revision, err = s.incidents.Create(ctx, inc.ID, body)
	} else {
		revision, err = s.incidents.Update(ctx, inc.ID, body, revision)
	}
	if err != nil {
		return err
	}
	s.setIncident(inc, revision)
	return nil
}
