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

// Shares of the store's limit, in percent.
const (
	pruneAt = 90 // the oldest reports begin to go
	pruneTo = 80 // and go until so much is left
	warnAt  = 95 // nothing is left that could go
)

// measurePause is the pause between two looks at the size of the store.
const measurePause = 10 * time.Second

// usage is how full the store is.
type usage struct {
	bytes   atomic.Int64 // of reports and incidents; between two measurements an estimate
	pruning sync.Mutex
}

// measure asks for the size of the store, and makes room before it is needed.
func (s *store) measure(ctx context.Context) {
	var all int64
	for _, b := range []bucket{s.reports, s.incidents} {
		size, err := b.Size(ctx)
		if err != nil {
			return // the broker tells of itself
		}
		all += size
	}
	s.used.bytes.Store(all)
	if s.above(pruneAt) {
		s.prune(ctx)
	}
}

// above says whether the store takes more than so many percent of its limit.
func (s *store) above(percent int64) bool {
	return s.limit > 0 && s.used.bytes.Load() >= s.limit/100*percent
}

// prune deletes the reports of alerts that have ended, the oldest first, until
// there is room again. A report of an alert that fires never goes: it would be
// made again at once.
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

// ended returns the reports of alerts that have ended, in the order of their
// ends.
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

// drop deletes a report, and its incident with the last one.
func (s *store) drop(ctx context.Context, r *record) error {
	if err := s.reports.Delete(ctx, r.Report.ID); err != nil {
		return err
	}
	s.forget(r.Report.ID, r.revision)
	s.tellDropped(ctx, r.Report.ID)
	s.mu.Lock()
	last := len(s.inside[r.Report.Incident]) == 0
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

// room returns an error if there is none for another report. What is there
// already may always be changed: an end is noted however full the store is.
func (s *store) room(ctx context.Context) error {
	if s.above(100) {
		s.prune(ctx)
	}
	if s.above(100) {
		return fmt.Errorf("%w: %w", broker.ErrFull, s.pressure())
	}
	return nil
}

// pressure returns nil, or what to do about a store that will be full soon, as
// no report is left in it that could go.
func (s *store) pressure() error {
	if !s.above(warnAt) {
		return nil
	}
	return &broker.Error{
		What: fmt.Sprintf("the store of the reports holds %d MB of %d MB, and all its alerts still fire", s.used.bytes.Load()>>20, s.limit>>20),
		Hint: "raise --storage.retention.size",
	}
}

// storeCollectors tell how full the store is.
func (s *store) collectors() []prometheus.Collector {
	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "culprit_store_bytes", Help: "Size of the stored reports and incidents."},
			func() float64 { return float64(s.used.bytes.Load()) }),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{Name: "culprit_store_limit_bytes", Help: "Maximum size of the stored reports and incidents; 0 means no limit."},
			func() float64 { return float64(s.limit) }),
	}
}
