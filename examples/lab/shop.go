// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
)

// Shop is a web shop as its monitoring sees it: eight services on seven pods
// each, in four regions of very different size, with the daily rhythm of their
// time zones, releases that are half rolled out, counters that count whole
// requests, and resources that follow the load, or don't.
//
// It is a simulation with a seed: the same seed and instants give the same samples. It knows
// nothing about analyses.
//
// Its methods may be called from several goroutines.
type Shop struct {
	mu       sync.Mutex
	rng      *rand.Rand
	now      time.Time // of the last step
	services []*service
	regions  []*region
	parts    []part
	series   []*series
	faults   []Fault
}

// A part is a piece of the shop that owns some series. step advances it by dt seconds, to s.now.
type part interface {
	step(s *Shop, dt float64)
}

// series is one exported time series. A counter that has never counted is not
// exported, as with Prometheus' client libraries when labels are used.
type series struct {
	labels labels.Labels
	value  float64
	hidden bool // until it is first set or counted
	ref    storage.SeriesRef
}

func (s *series) add(v float64) {
	s.value += v
	s.hidden = s.hidden && v == 0
}

func (s *series) set(v float64) { s.value, s.hidden = v, false }

// NewShop builds a healthy shop.
func NewShop(seed uint64) *Shop {
	s := &Shop{rng: rand.New(rand.NewPCG(seed, 0x5eed)), regions: newRegions(), services: newServices()}
	for _, r := range s.regions {
		s.parts = append(s.parts, r)
	}
	for _, sv := range s.services {
		for _, p := range newPods(s, sv) {
			sv.pods = append(sv.pods, p)
			s.parts = append(s.parts, p)
		}
	}
	s.parts = append(s.parts, newOrders(s)...)
	s.parts = append(s.parts, newQueues(s)...)
	return s
}

// register adds a series; labels are given as name, value, name, value.
func (s *Shop) register(name string, pairs ...string) *series {
	b := labels.NewScratchBuilder(2 + len(pairs)/2)
	b.Add(model.MetricNameLabel, name)
	b.Add("job", "shop")
	for i := 0; i < len(pairs); i += 2 {
		b.Add(pairs[i], pairs[i+1])
	}
	b.Sort()
	sr := &series{labels: b.Labels(), hidden: true}
	s.series = append(s.series, sr)
	return sr
}

// advance runs the shop until t.
func (s *Shop) advance(t time.Time) {
	dt := 15.0 // the first step of a shop without a past
	if !s.now.IsZero() {
		dt = t.Sub(s.now).Seconds()
	}
	s.now = t
	for _, p := range s.parts {
		p.step(s, dt)
	}
}

// append writes the state of the shop as samples.
func (s *Shop) append(app storage.Appender) error {
	for _, sr := range s.series {
		if sr.hidden {
			continue
		}
		ref, err := app.Append(sr.ref, sr.labels, s.now.UnixMilli(), sr.value)
		if err != nil {
			return fmt.Errorf("append %s at %s: %w", sr.labels, s.now, err)
		}
		sr.ref = ref
	}
	return nil
}

// Backfill runs the shop from one time to the other, exclusively, and writes a sample of every
// series at each step.
func (s *Shop) Backfill(ctx context.Context, db storage.Appendable, from, to time.Time, step time.Duration) error {
	const batch = 32 // steps a commit
	s.mu.Lock()
	defer s.mu.Unlock()
	for t := from; t.Before(to); {
		app := db.Appender(ctx)
		for i := 0; i < batch && t.Before(to); i++ {
			s.advance(t)
			if err := s.append(app); err != nil {
				return errors.Join(err, app.Rollback())
			}
			t = t.Add(step)
		}
		if err := errors.Join(app.Commit(), ctx.Err()); err != nil {
			return err
		}
	}
	return nil
}

// Run runs the shop and writes a sample of every series at each step, until the context ends, which
// is no error.
func (s *Shop) Run(ctx context.Context, db storage.Appendable, step time.Duration) error {
	ticker := time.NewTicker(step)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case t := <-ticker.C:
			if err := s.write(ctx, db, t); err != nil && ctx.Err() == nil {
				return err
			}
		}
	}
}

// write runs the shop until t and writes one sample of every series.
func (s *Shop) write(ctx context.Context, db storage.Appendable, t time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(t)
	app := db.Appender(ctx)
	if err := s.append(app); err != nil {
		return errors.Join(err, app.Rollback())
	}
	return app.Commit()
}

// ServeHTTP runs the shop until now and exposes it to be scraped by a Prometheus elsewhere.
func (s *Shop) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.advance(time.Now())
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	b := labels.NewBuilder(labels.EmptyLabels())
	for _, sr := range s.series {
		if sr.hidden {
			continue
		}
		b.Reset(sr.labels)
		b.Del(model.MetricNameLabel, "job") // the scraper sets the job
		fmt.Fprintf(w, "%s%s %v\n", sr.labels.Get(model.MetricNameLabel), b.Labels(), sr.value)
	}
}
