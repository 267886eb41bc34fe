// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	flushAhead  = 700 * time.Millisecond // when a bridge is prepared: on a busy machine that takes half of it
	flushAgain  = 200 * time.Millisecond // until it is tried again, if nothing could be posted
	flushNear   = 300 * time.Millisecond // between a send and a first message that meet
	bridgeAhead = 100 * time.Millisecond // before the first message: when the posts begin
	bridgeAfter = 50 * time.Millisecond
	bridgeMost  = 64                    // alerts
	bridgeLanes = 4                     // posts at once
	bridgePause = 16 * time.Millisecond // of each lane between two posts …
	bridgeDense = 15 * time.Millisecond // … and none so near to the message: a send comes a few before it, or after
)

// flush is a moment at which Alertmanager may tell people of alerts for the
// first time, while their sender sends them again.
//
// The two meet when group_wait is a multiple of the sender's evaluation
// interval, as with vmalert: the first message is made so long after the first
// send, and so is another send. Where the send comes a millisecond earlier the
// message would have no causes.
type flush struct {
	at           time.Time
	fingerprints []string
}

// flush returns the next one that is known, if any, and whether it is near.
// waits are the group_wait of the routes.
func (r *rhythm) flush(now time.Time, waits []time.Duration) (f flush, near bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.beats {
		for _, wait := range waits {
			at := b.first.Add(wait)
			if b.first.IsZero() || !at.After(now) || !r.meets(b, at) {
				continue
			}
			if f.at.IsZero() || at.Before(f.at) {
				f.at = at
			}
		}
	}
	if f.at.IsZero() || f.at.Sub(now) > flushAhead {
		return f, false
	}
	for fp, b := range r.beats { // others of the sender may be in the same message
		if len(f.fingerprints) < bridgeMost && f.at.Sub(b.first) < longestWait && r.meets(b, f.at) {
			f.fingerprints = append(f.fingerprints, fp)
		}
	}
	return f, true
}

// longestWait is for how long an alert may wait for its first message.
const longestWait = 10 * time.Minute

// meets says whether an alert is expected to be sent at about a time.
func (r *rhythm) meets(b *beat, at time.Time) bool {
	due, _ := r.expected(b)
	return due.Sub(at).Abs() <= flushNear
}

// bridge keeps the annotations on alerts through a moment in which both their
// sender and Alertmanager's first message are due: they are read, and then
// posted again and again until the moment is over. Only alerts that their
// Prometheus confirms, so that a post names an end seconds from now, and all
// posts within a second of the read: an alert that ends just then fires for
// seconds, as after any post. It returns whether anything was posted.
func (a *Annotations) bridge(ctx context.Context, p *annotationPeer, k Keeper, f flush) bool {
	want, open := p.lost(k, f.fingerprints)
	if len(want) == 0 {
		return false
	}
	for i := range want {
		want[i].ifLost, want[i].anyway = false, true
	}
	filter := among(want)
	var ready []*attempt
	for _, t := range a.read(ctx, p, filter, want) {
		if t.result == "" && t.short {
			ready = append(ready, t)
		}
	}
	posts, err := a.span(ctx, p, ready, f.at)
	if posts == 0 {
		return false
	}
	a.readBack(ctx, p, filter, ready, err)
	for _, t := range ready {
		a.kept(p, k, open[t.fingerprint], t)
	}
	return true
}

// span posts what was just read until a moment is over, once at least unless it
// is not fresh any more. A post takes longer than may lie between a send and
// the message, so several are on their way at once.
func (a *Annotations) span(ctx context.Context, p *annotationPeer, ready []*attempt, until time.Time) (posts int, err error) {
	if len(ready) == 0 {
		return 0, nil
	}
	bodies := make([]json.RawMessage, len(ready))
	for i, t := range ready {
		bodies[i] = t.body
		p.past.posted(t.fingerprint, a.now())
	}
	sleep(ctx, until.Sub(p.clock())-bridgeAhead)
	var all atomic.Int64
	var lanes errgroup.Group
	for n := range bridgeLanes {
		lanes.Go(func() error {
			sleep(ctx, time.Duration(n)*bridgePause/bridgeLanes)
			posts, err := p.lane(ctx, bodies, until, ready[0].before.AskedAt.Add(freshFor))
			all.Add(int64(posts))
			return err
		})
	}
	err = lanes.Wait()
	return int(all.Load()), err
}

// lane posts one after the other, until a moment of the peer's clock is over and
// never after a time of ours.
func (p *annotationPeer) lane(ctx context.Context, bodies []json.RawMessage, until, late time.Time) (posts int, err error) {
	for time.Now().Before(late) {
		left := until.Sub(p.clock())
		if posts > 0 && left <= -bridgeAfter {
			break
		}
		posts++
		if err := p.client.PostAlerts(ctx, bodies...); err != nil {
			return posts, err
		}
		sleep(ctx, pauseBefore(until.Sub(p.clock())))
	}
	return posts, nil
}

// pauseBefore is how long a lane rests when a moment is so far ahead.
func pauseBefore(left time.Duration) time.Duration {
	switch {
	case left > bridgeDense:
		return min(bridgePause, left-bridgeDense)
	case left < -bridgeDense:
		return bridgePause
	}
	return 0
}
