// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/value"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
)

const (
	shortest   = time.Minute // duration of an alert
	longest    = 2 * time.Minute
	placeEvery = 20 * time.Second // a new place breaks at this interval
	brokenFor  = 5 * time.Minute
	brokenLead = time.Minute // before the alerts about it
	watchedFor = 90 * time.Minute
	loadStep   = 5 * time.Second
	parts      = 3
)

// life is one alert according to Prometheus.
type life struct {
	began, ended time.Time     // ended: when it was made to end; zero: it fires
	clock        time.Duration // clock error of its sender
}

// rain makes alerts fire and end, and writes the metrics behind them: part 1 of one place after the
// other breaks a minute before the alerts about it.
type rain struct {
	o      options
	start  time.Time
	random *rand.Rand

	mu     sync.Mutex
	next   int // number of the next alert of Prometheus
	others int // alerts of other senders
	lives  map[int]life
	ends   map[int]time.Time // of firing alerts
}

func newRain(o options) *rain {
	return &rain{o: o, start: time.Now(), random: rand.New(rand.NewPCG(o.seed, 0)), lives: map[int]life{}, ends: map[int]time.Time{}}
}

// alerts returns all alerts so far, by number.
func (r *rain) alerts() map[int]life {
	r.mu.Lock()
	defer r.mu.Unlock()
	return maps.Clone(r.lives)
}

// place returns the place that alerts of a time are about.
func (r *rain) place(at time.Time) string {
	return fmt.Sprintf("place-%d", int(at.Sub(r.start)/placeEvery))
}

// history writes the metrics until now.
func (r *rain) history(ctx context.Context, db storage.Appendable) error {
	app := db.Appender(ctx)
	r.start = time.Now()
	for at := r.start.Add(-watchedFor); !at.After(r.start); at = at.Add(3 * loadStep) {
		if err := r.load(app, at); err != nil {
			return errors.Join(err, app.Rollback())
		}
	}
	return app.Commit()
}

// load writes the metrics of all places at a time.
func (r *rain) load(app storage.Appender, at time.Time) error {
	for n := range int((r.o.length+longest)/placeEvery) + 1 {
		breaks := r.start.Add(time.Duration(n)*placeEvery - brokenLead)
		for part := range parts {
			x := 20 + float64((int(at.Unix()/5)*7+n+part)%5)
			if part == 1 && !at.Before(breaks) && at.Before(breaks.Add(brokenFor)) {
				x *= 10
			}
			series := labels.FromStrings(model.MetricNameLabel, "load", "place", fmt.Sprintf("place-%d", n), "part", fmt.Sprint(part))
			if _, err := app.Append(0, series, at.UnixMilli(), x); err != nil {
				return err
			}
		}
	}
	return nil
}

// fall starts alerts for the duration of the soak and returns when the last one has ended.
func (r *rain) fall(ctx context.Context, p *lab.Prometheus) error {
	began := time.Now()
	for loaded := began; ; {
		now := time.Now()
		app := p.Appender(ctx)
		err := r.drops(app, now, now.Sub(began))
		if err == nil && now.Sub(loaded) >= loadStep {
			loaded = now
			err = r.load(app, now)
		}
		if err != nil {
			return errors.Join(err, app.Rollback())
		}
		if err := app.Commit(); err != nil {
			return err
		}
		if now.Sub(began) >= r.o.length && r.firing() == 0 {
			return nil
		}
		if !pause(ctx, time.Second) {
			return ctx.Err()
		}
	}
}

// drops ends the alerts that are due and starts new ones at the given rate.
func (r *rain) drops(app storage.Appender, now time.Time, since time.Duration) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	for n, end := range r.ends {
		if now.Before(end) {
			continue
		}
		l := r.lives[n]
		if err := r.write(app, n, l.began, now, math.Float64frombits(value.StaleNaN)); err != nil {
			return err
		}
		l.ended = now
		r.lives[n] = l
		delete(r.ends, n)
	}
	due := int(min(since, r.o.length).Seconds() * float64(r.o.rate))
	for ; r.next < due; r.next++ {
		n := r.next
		if err := r.write(app, n, now, now, 1); err != nil {
			return err
		}
		r.lives[n] = life{began: now}
		r.ends[n] = now.Add(shortest + time.Duration(r.random.Int64N(int64(longest-shortest))))
	}
	return nil
}

// write writes a sample of an alert's series.
func (r *rain) write(app storage.Appender, number int, began, at time.Time, x float64) error {
	series := labels.FromStrings(model.MetricNameLabel, "fault", "number", fmt.Sprint(number), "place", r.place(began))
	_, err := app.Append(0, series, at.UnixMilli(), x)
	return err
}

func (r *rain) firing() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.ends)
}
