package receiver

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// store keeps reports and incidents in two buckets, and an index of them in
// memory that follows the buckets, so that every replica sees what the others
// have written.
type store struct {
	reports, incidents *broker.Bucket
	base               string // external URL of the pages
	now                func() time.Time
	log                *slog.Logger
	merging            sync.Mutex // held while an incident is read, changed and written

	mu       sync.RWMutex
	byID     map[string]*record         // report id → what the index keeps of it
	latest   map[string]string          // fingerprint → id of its newest report
	incident map[string]report.Incident // incident id → incident
}

// record is a report with what only the daemon needs to know of it. The
// index keeps it without the parts that only a page shows.
type record struct {
	Report     report.Report `json:"report"`
	Group      group         `json:"group"`
	Tries      int           `json:"tries"` // analyses made
	AnalyzedAt time.Time     `json:"analyzedAt"`
	UpdatedAt  time.Time     `json:"updatedAt"`
}

// open says whether the alert still fires, as far as is known.
func (r *record) open() bool { return r.Report.ResolvedAt == nil }

// slim returns the record without what only a page shows: an open report
// costs the index a few kilobytes, not its charts and tables.
func (r record) slim() *record {
	r.Report.Charts = nil
	r.Report.Plan.Queries = nil
	r.Report.Result.Dimensions = nil
	r.Report.Result.Graph.Nodes, r.Report.Result.Graph.Edges = nil, nil
	return &r
}

// newStore opens the buckets and reads what they hold. Until ctx ends the
// index follows them.
func newStore(ctx context.Context, b *broker.Broker, opt storeOptions) (*store, error) {
	s := &store{
		base: opt.base, now: opt.now, log: opt.log,
		byID: map[string]*record{}, latest: map[string]string{}, incident: map[string]report.Incident{},
	}
	var err error
	if s.reports, err = b.Bucket(ctx, "reports", opt.ttl); err != nil {
		return nil, err
	}
	if s.incidents, err = b.Bucket(ctx, "incidents", opt.ttl); err != nil {
		return nil, err
	}
	for bucket, index := range map[*broker.Bucket]func(string, []byte, bool){s.reports: s.indexReport, s.incidents: s.indexIncident} {
		read, err := bucket.Watch(ctx, index)
		if err != nil {
			return nil, err
		}
		select {
		case <-read:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	return s, nil
}

// storeOptions are the settings of a store.
type storeOptions struct {
	ttl  time.Duration // of reports and incidents, after they were last written
	base string
	now  func() time.Time
	log  *slog.Logger
}

func (s *store) indexReport(key string, value []byte, deleted bool) {
	if deleted {
		s.forget(key)
		return
	}
	var r record
	if err := json.Unmarshal(value, &r); err != nil {
		s.log.Error("A stored report can't be read and is passed over", "id", key, "err", err)
		return
	}
	s.remember(r)
}

func (s *store) indexIncident(key string, value []byte, deleted bool) {
	var inc report.Incident
	if !deleted {
		if err := json.Unmarshal(value, &inc); err != nil {
			s.log.Error("A stored incident can't be read and is passed over", "id", key, "err", err)
			return
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if deleted {
		delete(s.incident, key)
		return
	}
	s.setIncident(inc)
}

// setIncident indexes an incident. The caller holds the lock.
func (s *store) setIncident(inc report.Incident) {
	if known, ok := s.incident[inc.ID]; ok && known.UpdatedAt.After(inc.UpdatedAt) {
		return // the watch is behind what this process has written itself
	}
	s.incident[inc.ID] = inc
}

// remember indexes a report, unless a newer copy of it is known.
func (s *store) remember(r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if known, ok := s.byID[r.Report.ID]; ok && known.UpdatedAt.After(r.UpdatedAt) {
		return
	}
	s.byID[r.Report.ID] = r.slim()
	fp := r.Report.Alert.Fingerprint
	newest, ok := s.byID[s.latest[fp]]
	if !ok || !r.Report.Alert.StartsAt.Before(newest.Report.Alert.StartsAt) {
		s.latest[fp] = r.Report.ID
	}
}

func (s *store) forget(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	r, ok := s.byID[id]
	if !ok {
		return
	}
	delete(s.byID, id)
	if s.latest[r.Report.Alert.Fingerprint] == id {
		delete(s.latest, r.Report.Alert.Fingerprint)
	}
}

// current returns the newest report of an alert, without what only a page
// shows.
func (s *store) current(fingerprint string) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	r, ok := s.byID[s.latest[fingerprint]]
	if !ok {
		return record{}, false
	}
	return *r, true
}

// reported says whether a firing alert has its report.
func (s *store) reported(a report.Alert) bool {
	r, ok := s.current(a.Fingerprint)
	return ok && r.open() && r.Report.Alert.StartsAt.Equal(a.StartsAt)
}

// openRecords returns the open reports, oldest first.
func (s *store) openRecords() []record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var open []record
	for _, r := range s.byID {
		if r.open() {
			open = append(open, *r)
		}
	}
	slices.SortFunc(open, func(a, b record) int { return compareReports(a.Report, b.Report) })
	return open
}

// compareReports orders by time of creation, then by id.
func compareReports(a, b report.Report) int {
	if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
		return c
	}
	if a.ID < b.ID {
		return -1
	}
	return 1
}

// Put writes a report; the same id again replaces it. The report becomes part
// of the open incident of its alert group, which is returned as it is then.
func (s *store) Put(ctx context.Context, r *record) (report.Incident, error) {
	r.Report.Incident = s.join(r)
	if err := s.write(ctx, r); err != nil {
		return report.Incident{}, err
	}
	return s.mergeIncident(ctx, r.Report.Incident)
}

// write stores one report and indexes it.
func (s *store) write(ctx context.Context, r *record) error {
	r.UpdatedAt = s.now()
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the report %s: %w", r.Report.ID, err)
	}
	if _, err := s.reports.Put(ctx, r.Report.ID, body); err != nil {
		return err
	}
	s.remember(*r)
	return nil
}

// load reads a whole report.
func (s *store) load(ctx context.Context, id string) (record, error) {
	var r record
	stored, err := s.reports.Get(ctx, id)
	if err != nil {
		return r, err
	}
	if err := json.Unmarshal(stored.Value, &r); err != nil {
		return r, fmt.Errorf("the stored report %s can't be read: %w", id, err)
	}
	return r, nil
}

// update reads a report, changes it and writes it back. The caller holds the
// lock of its alert.
func (s *store) update(ctx context.Context, id string, change func(*record)) (record, error) {
	r, err := s.load(ctx, id)
	if err != nil {
		return r, err
	}
	change(&r)
	_, err = s.Put(ctx, &r)
	return r, err
}
