// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// store keeps reports and incidents in two buckets. An index in memory follows the buckets, so that
// every replica sees what the others write.
//
// Revisions of the buckets decide what is newer, never a clock: clocks go back, and replicas'
// clocks differ. Every write names the revision that it replaces. After a conflict it is made again
// on top of what is stored now.
type store struct {
	reports, incidents bucket
	base               string // external URL of the pages
	now                func() time.Time
	log                *slog.Logger
	merging            keyedMutex // one incident is read, changed and written at a time
	limit              int64      // bytes of reports and incidents; 0: unlimited
	ttl                time.Duration
	used               usage
	deferred           chan string                                          // incidents whose merge is deferred
	dropped            atomic.Pointer[func(ctx context.Context, id string)] // called with each report or incident deleted to make room
	merged             atomic.Pointer[func(id string)]                      // called with each incident merged later than its reports
	elsewhere          atomic.Pointer[func(fingerprint string)]             // called with each firing alert that another replica has explained

	mu         sync.RWMutex
	last       uint64                     // highest revision of a report seen
	byID       map[string]*record         // report id → slim record
	byAlert    map[string]map[string]bool // fingerprint → report ids
	byGroup    map[string]map[string]bool // alert group → incident ids
	byKey      map[string]map[string]bool // key of a cause, see [report.Keys] → report ids
	byIncident map[string]map[string]bool // incident id → report ids
	incident   map[string]*indexed        // incident id → incident
}

// bucket is the part of [broker.Bucket] that the store uses.
type bucket interface {
	Get(ctx context.Context, key string) (broker.Entry, error)
	Put(ctx context.Context, key string, value []byte) (uint64, error)
	Create(ctx context.Context, key string, value []byte) (uint64, error)
	Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error)
	Delete(ctx context.Context, key string) error
	Watch(ctx context.Context, tell func(e broker.Entry, deleted bool)) error
	Size(ctx context.Context) (int64, error)
}

// record is a report with the daemon's own state. The index keeps it slim.
type record struct {
	Report     report.Report `json:"report"`
	Group      group         `json:"group"`
	Tries      int           `json:"tries"` // analyses so far
	AnalyzedAt time.Time     `json:"analyzedAt"`
	UpdatedAt  time.Time     `json:"updatedAt"`
	Born       uint64        `json:"born"` // revision of the bucket at its first write: orders the reports of one alert

	revision uint64 // of the stored one; 0: never written
	size     int    // of the stored one, in bytes
	keys     report.Keys
}

// open reports whether the alert still fires, as far as we know.
func (r *record) open() bool { return r.Report.ResolvedAt == nil }

// over reports whether the alert is resolved, and an alert that has fired since start is the same
// one, not a later one.
func (r *record) over(start time.Time) bool {
	return !r.open() && !start.After(r.Report.Alert.StartsAt)
}

// slim drops what only a page shows, to save memory: an open report then costs a few kilobytes.
func (r record) slim() *record {
	r.Report.Charts, r.Report.Without = nil, nil
	r.Report.Plan.Queries = nil
	r.Report.Result.Dimensions = nil
	r.Report.Result.Graph.Nodes, r.Report.Result.Graph.Edges = nil, nil
	r.keys = report.KeysOf(r.Report)
	return &r
}

// newStore opens the buckets, loads the index and completes half-written state. The index follows
// the buckets until ctx ends.
func newStore(ctx context.Context, b *broker.Broker, opt storeOptions) (*store, error) {
	s := makeStore(opt)
	reports, err := b.Bucket(ctx, "reports", opt.ttl)
	if err != nil {
		return nil, err
	}
	incidents, err := b.Bucket(ctx, "incidents", opt.ttl)
	if err != nil {
		return nil, err
	}
	return s, s.open(ctx, reports, incidents)
}

func makeStore(opt storeOptions) *store {
	return &store{
		base: opt.base, now: opt.now, log: opt.log, limit: opt.limit, ttl: opt.ttl,
		deferred: make(chan string, 1024),
		byID:     map[string]*record{}, byAlert: map[string]map[string]bool{}, byGroup: map[string]map[string]bool{},
		byKey: map[string]map[string]bool{}, byIncident: map[string]map[string]bool{}, incident: map[string]*indexed{},
	}
}

// open loads the index and starts to follow the buckets.
func (s *store) open(ctx context.Context, reports, incidents bucket) error {
	s.reports, s.incidents = reports, incidents
	if err := reports.Watch(ctx, s.indexReport); err != nil {
		return err
	}
	if err := incidents.Watch(ctx, s.indexIncident); err != nil {
		return err
	}
	s.settle(ctx)
	s.measure(ctx)
	go s.catchUp(ctx)
	return nil
}

// storeOptions configure a store.
type storeOptions struct {
	ttl   time.Duration // of reports and incidents, from their last write
	limit int64         // bytes of reports and incidents; 0: unlimited
	base  string
	now   func() time.Time
	log   *slog.Logger
}

// onDrop sets what is called with each report and incident deleted to make room.
func (s *store) onDrop(tell func(ctx context.Context, id string)) { s.dropped.Store(&tell) }

// follow sets what is called with each incident merged later than its reports.
func (s *store) follow(tell func(id string)) { s.merged.Store(&tell) }

// onOther sets what is called with each firing alert that another replica has explained.
func (s *store) onOther(tell func(fingerprint string)) { s.elsewhere.Store(&tell) }

func (s *store) indexReport(e broker.Entry, deleted bool) {
	if deleted {
		s.forget(e.Key, e.Revision)
		return
	}
	if s.knows(e) {
		return // this process wrote it
	}
	r := record{revision: e.Revision, size: len(e.Value)}
	if err := json.Unmarshal(e.Value, &r); err != nil {
		s.log.Error("A stored report can't be read and is skipped", "id", e.Key, "err", err)
		return
	}
	s.remember(r)
	if tell := s.elsewhere.Load(); tell != nil && r.open() {
		(*tell)(r.Report.Alert.Fingerprint)
	}
}

func (s *store) knows(e broker.Entry) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	known, ok := s.byID[e.Key]
	return ok && known.revision >= e.Revision
}

// remember indexes a report, unless the index has a newer copy.
func (s *store) remember(r record) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = max(s.last, r.revision)
	id := r.Report.ID
	if known, ok := s.byID[id]; ok {
		if known.revision > r.revision {
			return
		}
		s.unlink(known)
	}
	known := r.slim()
	s.byID[id] = known
	for _, key := range known.keys.All() {
		link(s.byKey, key, id)
	}
	link(s.byAlert, r.Report.Alert.Fingerprint, id)
	link(s.byGroup, r.Group.id(), r.Report.Incident)
	link(s.byIncident, r.Report.Incident, id)
}

// forget removes a report deleted at a revision from the index.
func (s *store) forget(id string, revision uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r, ok := s.byID[id]; ok && r.revision <= revision {
		delete(s.byID, id)
		s.unlink(r)
	}
}

// expired removes a report from the index that is no longer stored.
func (s *store) expired(id string) { s.forget(id, math.MaxUint64) }

// unlink removes a record from all secondary indexes. The caller holds s.mu.
func (s *store) unlink(r *record) {
	unlink(s.byAlert, r.Report.Alert.Fingerprint, r.Report.ID)
	for _, key := range r.keys.All() {
		unlink(s.byKey, key, r.Report.ID)
	}
	unlink(s.byIncident, r.Report.Incident, r.Report.ID)
	if len(s.byIncident[r.Report.Incident]) == 0 {
		unlink(s.byGroup, r.Group.id(), r.Report.Incident)
	}
}

func link(index map[string]map[string]bool, from, to string) {
	if index[from] == nil {
		index[from] = map[string]bool{}
	}
	index[from][to] = true
}

func unlink(index map[string]map[string]bool, from, to string) {
	if delete(index[from], to); len(index[from]) == 0 {
		delete(index, from)
	}
}

// current returns the newest report of an alert, from the index.
func (s *store) current(fingerprint string) (record, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var newest *record
	for id := range s.byAlert[fingerprint] {
		if r := s.byID[id]; newest == nil || compareBirth(r, newest) > 0 {
			newest = r
		}
	}
	if newest == nil {
		return record{}, false
	}
	return *newest, true
}

// compareBirth orders the reports of one alert by age. Only reports of older versions, which have
// no Born, need the start.
func compareBirth(a, b *record) int {
	return cmp.Or(cmp.Compare(a.Born, b.Born), a.Report.Alert.StartsAt.Compare(b.Report.Alert.StartsAt), cmp.Compare(a.revision, b.revision))
}

// firing returns the open report that a resolved alert belongs to: the one with the same start, or
// else the newest, because a start may move.
func (s *store) firing(a report.Alert) (record, bool) {
	s.mu.RLock()
	own, ok := s.byID[report.ID(a.Fingerprint, a.StartsAt)]
	s.mu.RUnlock()
	if !ok {
		var newest record
		if newest, ok = s.current(a.Fingerprint); ok {
			own = &newest
		}
	}
	if !ok || !own.open() {
		return record{}, false
	}
	return *own, true
}

// reported reports whether a firing alert has a report.
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

// compareReports orders by creation time, then by id.
func compareReports(a, b report.Report) int {
	if c := a.CreatedAt.Compare(b.CreatedAt); c != 0 {
		return c
	}
	if a.ID < b.ID {
		return -1
	}
	return 1
}

// Put upserts a report, adds it to the open incident of its alert group and returns that incident.
// In a large group the incident may lag behind by a second.
func (s *store) Put(ctx context.Context, r *record) (report.Incident, error) {
	r.Report.Incident = s.join(r)
	if err := s.write(ctx, r); err != nil {
		return report.Incident{}, err
	}
	return s.merge(ctx, r.Report.Incident)
}

// writeTries bounds the retries after conflicts.
const writeTries = 20

// write stores and indexes one report.
func (s *store) write(ctx context.Context, r *record) error {
	for try := 0; ; try++ {
		err := s.writeOnce(ctx, r)
		if !errors.Is(err, broker.ErrConflict) && !errors.Is(err, broker.ErrExists) || try == writeTries {
			return err
		}
		pause(ctx, 10*time.Millisecond) // reads may lag some milliseconds behind
		if err := s.adopt(ctx, r); err != nil {
			return err
		}
	}
}

func (s *store) writeOnce(ctx context.Context, r *record) error {
	r.UpdatedAt = s.now()
	if r.Born == 0 {
		s.mu.RLock()
		r.Born = s.last + 1
		s.mu.RUnlock()
	}
	body, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("encoding the report %s: %w", r.Report.ID, err)
	}
	revision, err := s.keep(ctx, r, body)
	if err != nil {
		return err
	}
	s.used.bytes.Add(int64(len(body) - r.size))
	r.revision, r.size = revision, len(body)
	s.remember(*r)
	return nil
}

func (s *store) keep(ctx context.Context, r *record, body []byte) (uint64, error) {
	if r.revision > 0 {
		return s.reports.Update(ctx, r.Report.ID, body, r.revision)
	}
	if err := s.room(ctx); err != nil {
		return 0, fmt.Errorf("report %s: %w", r.Report.ID, err)
	}
	return s.reports.Create(ctx, r.Report.ID, body)
}

// adopt merges into r what others have written meanwhile: the alert's end, what was sent, and
// feedback. If the report is only new to this process, because its index lags, it stays in its
// incident; if the stored alert had resolved, r replaces it.
func (s *store) adopt(ctx context.Context, r *record) error {
	stored, err := s.load(ctx, r.Report.ID)
	if errors.Is(err, broker.ErrNotFound) {
		r.revision, r.size = 0, 0
		return nil
	}
	if err != nil {
		return err
	}
	if r.revision == 0 && !stored.open() {
		r.revision, r.size = stored.revision, stored.size
		return nil
	}
	if r.revision == 0 {
		s.rejoin(r, stored)
	}
	if r.Report.ResolvedAt == nil {
		r.Report.ResolvedAt = stored.Report.ResolvedAt
	}
	r.Report.Sent, _ = mergeSent(stored.Report.Sent, r.Report.Sent)
	r.Report.Feedback = stored.Report.Feedback
	r.revision, r.size = stored.revision, stored.size
	return nil
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// load reads a full report.
func (s *store) load(ctx context.Context, id string) (record, error) {
	stored, err := s.reports.Get(ctx, id)
	if err != nil {
		return record{}, err
	}
	r := record{revision: stored.Revision, size: len(stored.Value)}
	if err := json.Unmarshal(stored.Value, &r); err != nil {
		return r, fmt.Errorf("the stored report %s can't be read: %w", id, err)
	}
	return r, nil
}

// swap is Put for a loaded report, but fails with [broker.ErrConflict] if somebody has written it
// meanwhile.
func (s *store) swap(ctx context.Context, r *record) error {
	r.Report.Incident = s.join(r)
	if err := s.writeOnce(ctx, r); err != nil {
		return err
	}
	_, err := s.merge(ctx, r.Report.Incident)
	return err
}

// update loads a report, changes and stores it. The caller holds the lock of its alert.
func (s *store) update(ctx context.Context, id string, change func(*record)) (record, error) {
	r, err := s.load(ctx, id)
	if err != nil {
		return r, err
	}
	change(&r)
	_, err = s.Put(ctx, &r)
	return r, err
}
