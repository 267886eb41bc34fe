// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

const seriesSample = 5_000 // series to examine when discovering labels

// inquiry sends the queries of one analysis, within its budget.
type inquiry struct {
	*Fetcher
	budget *budget
	alert  asker
}

func (f *Fetcher) inquire(alert asker) *inquiry {
	return &inquiry{Fetcher: f, budget: newBudget(f.most), alert: alert}
}

// admit counts a query that is about to be sent, or returns why it must not be.
func (i *inquiry) admit() error {
	if err := i.budget.take(); err != nil {
		i.metrics.spared.WithLabelValues(sparedBudget).Inc()
		return err
	}
	if i.alert.name == "" {
		return nil
	}
	if err := i.storms.ask(i.alert, time.Now()); err != nil {
		i.metrics.spared.WithLabelValues(sparedStorm).Inc()
		return err
	}
	return nil
}

// perSeries is the memory of a series without samples, in samples.
const perSeries = 16

// query sends a query, or recalls the answer.
func (i *inquiry) query(ctx context.Context, q Query) Answer {
	kept, asked, err := i.memory.recall(ctx, q.key(), func() (any, int, error) {
		if err := i.admit(); err != nil {
			return nil, 0, err
		}
		a := i.request(ctx, q)
		return a, pointsOf(a.Value) + perSeries*seriesIn(a.Value), a.Err
	})
	if !asked {
		i.metrics.shared.Inc()
	}
	a, ok := kept.(Answer)
	if !ok {
		return Answer{Err: err}
	}
	i.budget.spend(q.group(), seriesIn(a.Value), pointsOf(a.Value))
	return a
}

// group is what the series of an answer are counted under. All pieces of a breakdown have the
// same series.
func (q Query) group() string {
	if q.Role == RoleBreakdown {
		name, _, _ := strings.Cut(q.Name, ": ")
		return "breakdown of " + name
	}
	return q.key()
}

func seriesIn(v model.Value) int {
	switch v := v.(type) {
	case model.Matrix:
		return len(v)
	case model.Vector:
		return len(v)
	default:
		return 0
	}
}

func pointsOf(v model.Value) int {
	n := 0
	each(v, func(_ model.Metric, points []model.SamplePair) { n += len(points) })
	return n
}

// labelsPerSeries is the memory of a series' labels, in samples of 16 bytes.
const labelsPerSeries = 30

// seriesOf returns the series that selectors match.
func (i *inquiry) seriesOf(ctx context.Context, selectors []string, start, end time.Time) (series []model.LabelSet, said []string, err error) {
	type found struct {
		series []model.LabelSet
		said   v1.Warnings
	}
	key := fmt.Sprintf("series %d %d %q", start.UnixMilli(), end.UnixMilli(), selectors)
	kept, _, err := i.memory.recall(ctx, key, func() (any, int, error) {
		if err := i.admit(); err != nil {
			return nil, 0, err
		}
		var f found
		err := i.do(ctx, "series", func(ctx context.Context) (err error) {
			f.series, f.said, _, err = i.api.Series(ctx, selectors, start, end, v1.WithLimit(seriesSample))
			return err
		})
		// Old servers ignore the limit: drop what is beyond it.
		f.series = slices.Clone(f.series[:min(len(f.series), seriesSample)])
		return f, labelsPerSeries * len(f.series), err
	})
	f, _ := kept.(found)
	return f.series, f.said, err
}

// ask sends all queries, each once and in order, and returns when all are answered. If the
// first ones show that nobody answers, the rest is not sent.
func (i *inquiry) ask(ctx context.Context, qs []Query) Answers {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := collector{answers: Answers{}, cancel: cancel, patience: cap(i.slots)}
	next := make(chan Query)
	var wg sync.WaitGroup
	for range cap(i.slots) {
		wg.Go(func() {
			for q := range next {
				c.add(ctx, q, i.query(ctx, q))
			}
		})
	}
	started := map[string]bool{}
	for _, q := range qs {
		if key := q.key(); !started[key] {
			started[key] = true
			next <- q
		}
	}
	close(next)
	wg.Wait()
	return c.answers
}

// collector gathers answers by query.
type collector struct {
	mu              sync.Mutex
	answers         Answers
	cancel          context.CancelCauseFunc
	reached, missed int
	patience        int // failures before the first answer, after which to give up
}

func (c *collector) add(ctx context.Context, q Query, a Answer) {
	if cause := context.Cause(ctx); a.Err != nil && errors.Is(cause, ErrUnreachable) {
		a.Err = cause
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.answers[q.key()] = a
	if unreached(a.Err) {
		c.missed++
	} else {
		c.reached++
	}
	if c.reached == 0 && c.missed >= c.patience {
		c.cancel(fmt.Errorf("%w: %w", ErrUnreachable, a.Err))
	}
}
