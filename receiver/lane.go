// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"container/heap"
	"context"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	gather     = time.Second // between two messages about the same to one sink
	retryAfter = time.Second // after the first failure; doubles with each
)

// A lane brings what was found to one sink, whatever becomes of the others: it
// has its own queue, workers and pauses.
//
// The queue holds ids and no messages. What there is to tell is read when it
// is told, so an incident that changes a hundred times while its sink hangs is
// told once, as it is then. A failure that may pass pauses both the lane and
// the id, each for twice as long as the last time; a success ends the pause of
// the lane.
type lane struct {
	outlet
	name    string
	about   topic
	book    *deliveries
	metrics *metrics
	log     *slog.Logger
	wake    chan struct{}
	stop    context.CancelFunc // nil: it doesn't run yet

	mu    sync.Mutex
	to    Sink // of the configuration of the moment
	due   map[string]*errand
	queue errands   // those of due that are not on the way, by time
	round int       // of failures; those that began in the same one count once
	fails int       // rounds of failures since the last success
	until time.Time // nothing leaves before
}

// errand is one id in the queue.
type errand struct {
	id       string
	state    errandState
	again    bool      // it came once more while it was on the way
	since    time.Time // when it was first due
	received time.Time // when Alertmanager's message came; zero: there was none
	after    time.Time // it does not leave before
	fails    int
	round    int // of the lane, when it left
}

type errandState int

const (
	waiting errandState = iota
	leaving
	told // and is kept so that the next message about it waits for more to tell
)

// outcome of one errand.
type outcome int

const (
	nothing outcome = iota // there was nothing to tell
	taken                  // the sink took it, or will never take it as it is
	missed                 // the sink failed; that may pass
	cut                    // culprit stops
)

// notify says that there is something to tell under an id.
func (l *lane) notify(id string, received time.Time) {
	now := time.Now()
	l.mu.Lock()
	e := l.due[id]
	switch {
	case e == nil:
		e = &errand{id: id, since: now, received: received, after: now}
		l.due[id] = e
		heap.Push(&l.queue, e)
	case e.state == told:
		e.state, e.since, e.received = waiting, now, received
	case e.state == leaving:
		e.again = true
	}
	l.mu.Unlock()
	l.nudge()
}

func (l *lane) nudge() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// run tells until ctx ends; what is on the way goes on until work ends.
func (l *lane) run(ctx, work context.Context) {
	var g errgroup.Group
	g.SetLimit(l.workers)
	for ctx.Err() == nil {
		errands, wait := l.next(time.Now())
		if len(errands) > 0 {
			g.Go(func() error {
				outcomes, asked := l.tell(work, errands)
				for i, e := range errands {
					l.done(e.id, outcomes[i], asked)
				}
				return nil
			})
			continue
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-l.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
	_ = g.Wait()
}

// next takes the errands that have waited longest, as many as leave together,
// or says how long there will be none.
func (l *lane) next(now time.Time) (leave []errand, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until.After(now) {
		return nil, l.until.Sub(now)
	}
	wait = time.Hour
	for len(l.queue) > 0 && len(leave) < max(1, l.together) {
		first := l.queue[0]
		if first.after.After(now) {
			wait = first.after.Sub(now)
			break
		}
		heap.Pop(&l.queue)
		if first.state == waiting {
			first.state, first.round = leaving, l.round
			leave = append(leave, *first)
			continue
		}
		delete(l.due, first.id)
	}
	return leave, wait
}

// done puts an errand that was on its way back where it belongs.
func (l *lane) done(id string, o outcome, asked time.Duration) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.due[id]
	switch o {
	case missed:
		e.state, e.fails = waiting, e.fails+1
		e.after = now.Add(l.pause(e.fails))
		if e.round == l.round {
			l.round++
			l.fails++
			l.until = now.Add(max(l.pause(l.fails), min(asked, l.patience)))
		}
	case cut:
		e.state = waiting
	default:
		e.state, e.fails, e.after = told, 0, now.Add(gather)
		if o == taken {
			l.fails, l.until = 0, time.Time{}
		}
	}
	if e.again && e.state == told {
		e.state, e.since, e.received = waiting, now, time.Time{}
	}
	e.again = false
	heap.Push(&l.queue, e)
	l.nudge()
}

// pause is how long to wait after so many failures in a row: up to the patience
// of the lane, and anything between half of it and all, so that not everybody
// comes back at once.
func (l *lane) pause(fails int) time.Duration {
	pause := l.patience
	if fails < 12 {
		pause = min(pause, retryAfter<<(fails-1))
	}
	return pause/2 + rand.N(pause/2+1)
}

// replace gives the lane the sink of a new configuration, which may answer
// where the one before failed: whatever waits is told at once.
func (l *lane) replace(s Sink) {
	l.mu.Lock()
	l.to = s
	l.fails, l.until = 0, time.Time{}
	for _, e := range l.due {
		if e.state == waiting {
			e.after, e.fails = time.Now(), 0
		}
	}
	heap.Init(&l.queue)
	l.mu.Unlock()
	l.nudge()
}

// current is the sink of the configuration of the moment.
func (l *lane) current() Sink {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to
}

// backlog is how many ids wait or are on their way, and the age of the oldest.
func (l *lane) backlog(now time.Time) (n int, oldest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.due {
		if e.state != told {
			n++
			oldest = max(oldest, now.Sub(e.since))
		}
	}
	return n, oldest
}

// errands are a heap: the first is the one that may leave first.
type errands []*errand

func (q errands) Len() int           { return len(q) }
func (q errands) Less(i, j int) bool { return q[i].after.Before(q[j].after) }
func (q errands) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *errands) Push(e any)        { *q = append(*q, e.(*errand)) }

func (q *errands) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
