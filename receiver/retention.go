// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/receiver/broker"
)

// Percentages of the store's limit.
const (
	pruneAt = 90 // start deleting the oldest reports
	pruneTo = 80 // stop deleting
	warnAt  = 95 // nothing is left to delete
)

// measurePause is the interval at which the store is measured.
const measurePause = 10 * time.Second

// usage is the size of the store.
type usage struct {
	bytes   atomic.Int64 // estimated between two measurements
	pruning sync.Mutex
}

// measure reads the size of the store, and prunes early.
func (s *store) measure(ctx context.Context) {
	var all int64
	for _, b := range []bucket{s.reports, s.incidents} {
		size, err := b.Size(ctx)
		if err != nil {
			return // the broker logs its own errors
		}
		all += size
	}
	s.used.bytes.Store(all)
	if s.above(pruneAt) {
		s.prune(ctx)
	}
}

// above reports whether the store has reached a percentage of its limit.
func (s *store) above(percent int64) bool {
	return s.limit > 0 && s.used.bytes.Load() >= s.limit/100*percent
}

// prune deletes reports of resolved alerts, oldest first, until there is room again. It keeps the
// reports of firing alerts, which would be made again at once.
func (s *store) prune(ctx context.Context) {
	if !s.used.pruning.TryLock() {
		return
	}
	defer s.used.pruning.Unlock()
	surplus := s.used.bytes.Load() - s.limit/100*pruneTo
	gone := 0
	for _, r := range s.ended() {
		if surplus <= 0 || ctx.Err() != nil {
			break
		}
		if err := s.drop(ctx, r); err != nil {
			s.log.Warn("An old report can't be deleted", "report", r.Report.ID, "err", err)
			break
		}
		surplus -= int64(r.size)
		s.used.bytes.Add(-int64(r.size))
		gone++
	}
	if gone > 0 {
		s.log.Info("The oldest reports were deleted: the store has reached its size", "reports", gone, "limit", s.limit)
	}
}

// ended returns the reports of resolved alerts, by time of resolution.
func (s *store) ended() []*record {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var ended []*record
	for _, r := range s.byID {
		if !r.open() {
			ended = append(ended, r)
		}
	}
	slices.SortFunc(ended, func(a, b *record) int { return cmp.Compare(a.revision, b.revision) })
	return ended
}

// drop deletes a report, and its incident if this was the last report.
func (s *store) drop(ctx context.Context, r *record) error {
	if err := s.reports.Delete(ctx, r.Report.ID); err != nil {
		return err
	}
	s.forget(r.Report.ID, r.revision)
	s.tellDropped(ctx, r.Report.ID)
	s.mu.Lock()
	last := len(s.byIncident[r.Report.Incident]) == 0
	if last {
		delete(s.incident, r.Report.Incident)
	}
	s.mu.Unlock()
	if !last {
		return nil
	}
	s.tellDropped(ctx, r.Report.Incident)
	return s.incidents.Delete(ctx, r.Report.Incident)
}

func (s *store) tellDropped(ctx context.Context, id string) {
	if tell := s.dropped.Load(); tell != nil {
		(*tell)(ctx, id)
	}
}

// room returns an error if there is no room for a new report. Existing ones can always be updated:
// an end is stored however full the store is.
func (s *store) room(ctx context.Context) error {
	if s.above(100) {
		s.prune(ctx)
	}
	if s.above(100) {
		return fmt.Errorf("%w: %w", broker.ErrFull, s.pressure())
	}
	return nil
}

// pressure returns what to do about a store that is nearly full of reports that can't be deleted,
// or nil.
func (s *store) pressure() error {
	if !s.above(warnAt) {
		return nil
	}
	return &broker.Error{
		What: fmt.Sprintf("the store of the reports holds %d MB of %d MB, and all its alerts still fire", s.used.bytes.Load()>>20, s.limit>>20),
		Hint: "raise --storage.retention.size",
	}
}

// collectors returns the metrics of the store's size.
func (s *store) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "culprit_store_bytes", Help: "Size of the stored reports and incidents."},
			func() float64 { return float64(s.used.bytes.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "culprit_store_limit_bytes", Help: "Maximum size of the stored reports and incidents; 0 means no limit."},
			func() float64 { return float64(s.limit) }),
	}
}
