// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Keeper is the part of the daemon that [Annotations.Keep] needs.
type Keeper interface {
	// Open returns the message of an alert to annotate; ok is false if there is none, or the alert
	// is over.
	Open(fingerprint string) (m Message, ok bool)
	// Kept receives the outcome for an alert that had lost its annotations.
	Kept(m Message, s report.Sent)
}

const (
	keepWake    = 250 * time.Millisecond // how often to check what is due: there are new alerts
	keepRest    = 50 * time.Millisecond  // least time between two rounds, and …
	restFactor  = 2                      // … in multiples of the last round's duration
	mostRest    = 5 * time.Second
	keepFailing = 5 * time.Second // after a round in which the peer could not be read
)

// Keep restores annotations as soon as a resend has erased them, until ctx ends. It learns when
// each sender resends ([rhythm]), looks right after that, and reads all alerts that are due with
// one request. Its posts have the same guards as all others. fingerprints are the alerts open at
// the start; it learns of others through [Annotations.Send], [Annotations.Expect] and
// [Annotations.Reconcile].
func (a *Annotations) Keep(ctx context.Context, k Keeper, fingerprints []string) {
	done := make(chan struct{})
	for _, p := range a.peers {
		for _, fp := range fingerprints {
			p.rhythm.recheck(fp, p.clock())
		}
		go func() {
			a.keep(ctx, p, k)
			done <- struct{}{}
		}()
	}
	for range a.peers {
		<-done
	}
}

// otherReplica is how long another replica may take to annotate an alert that it has explained. If
// it was stopped in between it never will, as its job is done.
const otherReplica = 4 * time.Second

// Expect watches an alert that another replica has explained, and annotates it if that replica
// doesn't.
func (a *Annotations) Expect(fingerprint string) {
	for _, p := range a.peers {
		p.rhythm.expect(fingerprint, p.clock().Add(otherReplica))
	}
}

func (a *Annotations) keep(ctx context.Context, p *annotationPeer, k Keeper) {
	for wait := time.Duration(0); sleep(ctx, wait); {
		f, near := p.rhythm.flush(p.clock(), p.waits())
		if near {
			wait = flushAgain
			if a.bridge(ctx, p, k, f) {
				wait = keepRest
			}
			continue
		}
		wait = a.round(ctx, p, k)
		if !f.at.IsZero() { // be in time to bridge it, whatever else is due
			wait = max(0, min(wait, f.at.Add(-flushAhead).Sub(p.clock())))
		}
	}
}

// round looks at the alerts that are due, and returns how long to wait.
func (a *Annotations) round(ctx context.Context, p *annotationPeer, k Keeper) (wait time.Duration) {
	start := time.Now()
	due, next := p.rhythm.due(p.clock())
	switch {
	case len(due) == 0 && next.IsZero():
		return keepWake
	case len(due) == 0:
		return max(0, min(keepWake, next.Sub(p.clock())))
	case !a.look(ctx, p, k, due):
		return keepFailing
	}
	return min(mostRest, max(keepRest, restFactor*time.Since(start)))
}

// sleep waits for d. It returns false if ctx ends first.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// look reads alerts that may have been resent, and restores the annotations of those that have lost
// them. It returns false if the peer can't be read.
func (a *Annotations) look(ctx context.Context, p *annotationPeer, k Keeper, fingerprints []string) bool {
	for batch := range slices.Chunk(fingerprints, repostBatch) {
		want, open := p.toRestore(k, batch)
		if len(want) == 0 {
			continue
		}
		for _, t := range a.repost(ctx, p, filterFor(want), want) {
			if t.result == repostReadFailed || t.result == repostLimited {
				return false // the reconcile loop reports it
			}
			a.kept(p, k, open[t.fingerprint], t)
		}
	}
	return true
}

// kept reports the outcome for an alert, unless it is transient: the next look handles a resend
// that is yet to come, or has just come again.
func (a *Annotations) kept(p *annotationPeer, k Keeper, m Message, t *attempt) {
	switch t.result {
	case repostUnchanged:
	case repostOverwritten, repostNotFiring, repostUnconfirmed, repostEnding:
		a.reposts.WithLabelValues(string(t.result)).Inc()
	default:
		k.Kept(m, a.outcome(p, t))
	}
}

// toRestore returns the annotations to restore where an alert has none of ours left. It forgets
// alerts that are over.
func (p *annotationPeer) toRestore(k Keeper, fingerprints []string) (want []wanted, open map[string]Message) {
	open = make(map[string]Message, len(fingerprints))
	for _, fp := range fingerprints {
		m, ok := k.Open(fp)
		if !ok || m.Resolved {
			p.rhythm.forget(fp)
			continue
		}
		open[fp] = m
		w := wantOf(m)
		w.ifLost = true
		want = append(want, w)
	}
	return want, open
}
