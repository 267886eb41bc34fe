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
	flushAhead  = 700 * time.Millisecond // when to prepare a bridge: a busy machine needs half of this
	flushAgain  = 200 * time.Millisecond // retry, if nothing could be posted
	flushNear   = 300 * time.Millisecond // distance at which a send and a first message count as simultaneous
	bridgeAhead = 100 * time.Millisecond // before the first message, when the posts begin
	bridgeAfter = 50 * time.Millisecond
	bridgeMost  = 64                    // alerts
	bridgeLanes = 4                     // concurrent posts
	bridgePause = 16 * time.Millisecond // between two posts of a lane …
	bridgeDense = 15 * time.Millisecond // … except this close to the message, where a resend comes a few ms before or after it
)

// flush is a moment at which Alertmanager may first notify people of alerts just as their sender
// resends them.
//
// The two coincide when group_wait is a multiple of the sender's evaluation interval, as with
// vmalert: the first message comes group_wait after the first send, and so does another send. If
// that send comes a millisecond earlier, the message lacks the causes.
type flush struct {
	at           time.Time
	fingerprints []string
}

// flush returns the next flush that is known, if any, and whether it is near. waits are the
// group_wait values of the routes.
func (r *rhythm) flush(now time.Time, waits []time.Duration) (f flush, near bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, b := range r.alerts {
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
	for fp, b := range r.alerts { // other alerts of the sender may be in the same message
		if len(f.fingerprints) < bridgeMost && f.at.Sub(b.first) < longestWait && r.meets(b, f.at) {
			f.fingerprints = append(f.fingerprints, fp)
		}
	}
	return f, true
}

// longestWait bounds how long an alert may wait for its first message.
const longestWait = 10 * time.Minute

// meets reports whether a resend of an alert is expected at about at.
func (r *rhythm) meets(b *alertRhythm, at time.Time) bool {
	due, _ := r.nextSend(b)
	return due.Sub(at).Abs() <= flushNear
}

// bridge keeps the annotations on alerts through a flush: it reads the alerts, then posts them over
// and over until the moment has passed. It posts only alerts that their Prometheus confirms, so
// that the post sets an end seconds from now, and only within a second of the read: an alert that
// ends just then fires a few seconds longer, as after any post. It returns whether anything was
// posted.
func (a *Annotations) bridge(ctx context.Context, p *annotationPeer, k Keeper, f flush) bool {
	want, open := p.toRestore(k, f.fingerprints)
	if len(want) == 0 {
		return false
	}
	for i := range want {
		want[i].ifLost, want[i].anyway = false, true
	}
	filter := filterFor(want)
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

// span posts what was just read until a moment has passed; at least once, unless the read is too
// old. A post takes longer than the gap between a resend and the message may be, so several run
// concurrently.
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

// lane posts sequentially until a moment on the peer's clock has passed, but never after late on
// ours.
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

// pauseBefore is how long a lane pauses when the moment is left away.
func pauseBefore(left time.Duration) time.Duration {
	switch {
	case left > bridgeDense:
		return min(bridgePause, left-bridgeDense)
	case left < -bridgeDense:
		return bridgePause
	}
	return 0
}
