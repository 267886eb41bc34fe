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

const seriesSample = 5_000 // series looked at to discover labels

// inquiry is what one analysis asks, within its budget.
type inquiry struct {
	*Fetcher
	budget *budget
	alert  asker
}

func (f *Fetcher) inquire(alert asker) *inquiry {
	return &inquiry{Fetcher: f, budget: newBudget(f.most), alert: alert}
}

// admit counts a question that nobody has asked yet, or says why it is left
// out.
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

// perSeries is how many samples take as much memory as a series without any.
const perSeries = 16

// query asks one question, or remembers the answer to it.
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

// group is what the series of an answer are counted as. The pieces of time of a
// breakdown are of the same series.
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

// samplesASeries is what the labels of a series take beside a sample of 16 bytes.
const samplesASeries = 30

// seriesOf asks for the series that selectors select.
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
		// Old servers know no limit: what is beyond it is not kept.
		f.series = slices.Clone(f.series[:min(len(f.series), seriesSample)])
		return f, samplesASeries * len(f.series), err
	})
	f, _ := kept.(found)
	return f.series, f.said, err
}

// ask asks all questions, each once, the first ones first, and returns when all
// are answered. When the first of them show that nobody answers, the rest is
// not asked.
func (i *inquiry) ask(ctx context.Context, qs []Query) Answers {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	c := collector{answers: Answers{}, cancel: cancel, patience: cap(i.turns)}
	next := make(chan Query)
	var wg sync.WaitGroup
	for range cap(i.turns) {
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

// collector puts answers in their places.
type collector struct {
	mu              sync.Mutex
	answers         Answers
	cancel          context.CancelCauseFunc
	reached, missed int
	patience        int // questions that may fail before the first is answered
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
