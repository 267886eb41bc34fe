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
	minGap     = time.Second // least time between two messages about one id to one sink
	retryAfter = time.Second // backoff after the first failure; doubles each time
)

// A lane delivers to one sink, independently of all others: it has its own queue, workers and
// backoff.
//
// The queue holds ids, not messages. A message is built when it is sent, so an incident that
// changes a hundred times while its sink hangs is sent once, in its last state. After a retryable
// failure both the lane and the id back off exponentially; a success resets the backoff of the
// lane.
type lane struct {
	outlet
	name    string
	about   topic
	book    *deliveries
	metrics *metrics
	log     *slog.Logger
	wake    chan struct{}
	stop    context.CancelFunc // nil before run

	mu    sync.Mutex
	to    Sink // as configured now
	due   map[string]*item
	queue itemHeap  // the items of due that are not being sent, by time
	round int       // of failures: failures of sends that began in the same round count once
	fails int       // failed rounds since the last success
	until time.Time // end of the lane's backoff
}

// item is one id in the queue.
type item struct {
	id       string
	state    itemState
	again    bool      // enqueued again while it was being sent
	since    time.Time // when it was first due
	received time.Time // arrival of Alertmanager's webhook; zero if there was none
	after    time.Time // earliest time to send
	fails    int
	round    int // the lane's round when it was sent
}

type itemState int

const (
	waiting itemState = iota
	inFlight
	delivered // kept for a while, so that the next message about the id waits for more changes
)

// outcome of sending one item.
type outcome int

const (
	nothing     outcome = iota // there was nothing to send
	accepted                   // the sink accepted it, or never will
	failed                     // a retryable failure
	interrupted                // culprit is stopping
)

// notify enqueues an id.
func (l *lane) notify(id string, received time.Time) {
	now := time.Now()
	l.mu.Lock()
	e := l.due[id]
	switch {
	case e == nil:
		e = &item{id: id, since: now, received: received, after: now}
		l.due[id] = e
		heap.Push(&l.queue, e)
	case e.state == delivered:
		e.state, e.since, e.received = waiting, now, received
	case e.state == inFlight:
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

// run sends until ctx ends. Sends in progress may finish until work ends.
func (l *lane) run(ctx, work context.Context) {
	var g errgroup.Group
	g.SetLimit(l.workers)
	for ctx.Err() == nil {
		items, wait := l.next(time.Now())
		if len(items) > 0 {
			g.Go(func() error {
				outcomes, asked := l.sendBatch(work, items)
				for i, e := range items {
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

// next takes the items that are due, oldest first, up to the batch size. If there are none it
// returns how long to wait.
func (l *lane) next(now time.Time) (batch []item, wait time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.until.After(now) {
		return nil, l.until.Sub(now)
	}
	wait = time.Hour
	for len(l.queue) > 0 && len(batch) < max(1, l.together) {
		first := l.queue[0]
		if first.after.After(now) {
			wait = first.after.Sub(now)
			break
		}
		heap.Pop(&l.queue)
		if first.state == waiting {
			first.state, first.round = inFlight, l.round
			batch = append(batch, *first)
			continue
		}
		delete(l.due, first.id)
	}
	return batch, wait
}

// done records the outcome of an item, and requeues it.
func (l *lane) done(id string, o outcome, asked time.Duration) {
	now := time.Now()
	l.mu.Lock()
	defer l.mu.Unlock()
	e := l.due[id]
	switch o {
	case failed:
		e.state, e.fails = waiting, e.fails+1
		e.after = now.Add(l.pause(e.fails))
		if e.round == l.round {
			l.round++
			l.fails++
			l.until = now.Add(max(l.pause(l.fails), min(asked, l.patience)))
		}
	case interrupted:
		e.state = waiting
	default:
		e.state, e.fails, e.after = delivered, 0, now.Add(minGap)
		if o == accepted {
			l.fails, l.until = 0, time.Time{}
		}
	}
	if e.again && e.state == delivered {
		e.state, e.since, e.received = waiting, now, time.Time{}
	}
	e.again = false
	heap.Push(&l.queue, e)
	l.nudge()
}

// pause is the backoff after that many failures in a row: exponential up to the lane's patience,
// with up to 50% jitter, so that clients don't retry in step.
func (l *lane) pause(fails int) time.Duration {
	pause := l.patience
	if fails < 12 {
		pause = min(pause, retryAfter<<(fails-1))
	}
	return pause/2 + rand.N(pause/2+1)
}

// replace swaps in the sink of a new configuration and retries everything at once: the new sink may
// work where the old one failed.
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

// current is the sink as configured now.
func (l *lane) current() Sink {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.to
}

// backlog returns how many ids are unsent, and the age of the oldest.
func (l *lane) backlog(now time.Time) (n int, oldest time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.due {
		if e.state != delivered {
			n++
			oldest = max(oldest, now.Sub(e.since))
		}
	}
	return n, oldest
}

// itemHeap is a heap, ordered by the earliest time to send.
type itemHeap []*item

func (q itemHeap) Len() int           { return len(q) }
func (q itemHeap) Less(i, j int) bool { return q[i].after.Before(q[j].after) }
func (q itemHeap) Swap(i, j int)      { q[i], q[j] = q[j], q[i] }
func (q *itemHeap) Push(e any)        { *q = append(*q, e.(*item)) }

func (q *itemHeap) Pop() any {
	last := len(*q) - 1
	e := (*q)[last]
	(*q)[last] = nil
	*q = (*q)[:last]
	return e
}
