// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Keeper is what [Annotations.Keep] needs of the daemon.
type Keeper interface {
	// Open returns the message of an alert that should be annotated; ok is false
	// if it has none, or is over.
	Open(fingerprint string) (m Message, ok bool)
	// Kept is told what became of an alert that had lost its annotations.
	Kept(m Message, s report.Sent)
}

const (
	keepWake    = 250 * time.Millisecond // between two looks at what is due: alerts are new
	keepRest    = 50 * time.Millisecond  // between two rounds at least, and …
	restFactor  = 2                      // … so many times as long as the last one took
	mostRest    = 5 * time.Second
	keepFailing = 5 * time.Second // after a round in which the peer could not be read
)

// Keep puts annotations back as soon as a sender has erased them, until ctx
// ends. It learns when each of them sends ([rhythm]) and looks just then, at
// all alerts that are due with one question. Every post has all the guards of
// any other. The alerts are those that are open when it begins; it hears of
// others by [Annotations.Send], [Annotations.Expect] and [Annotations.Reconcile].
func (a *Annotations) Keep(ctx context.Context, k Keeper, fingerprints []string) {
	done := make(chan struct{})
	for _, p := range a.peers {
		for _, fp := range fingerprints {
			p.rhythm.hope(fp, p.clock())
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

// otherReplica is how long another replica may take to annotate an alert that it
// has explained. One that was stopped in between does not, and its job is done.
const otherReplica = 4 * time.Second

// Expect has an alert looked at that another replica has explained, and annotated
// if that one does not do it.
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
		if !f.at.IsZero() { // whatever else is due, a bridge is in time
			wait = max(0, min(wait, f.at.Add(-flushAhead).Sub(p.clock())))
		}
	}
}

// round looks at the alerts that are due, and returns how long to wait then.
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

// sleep returns false if ctx ends before.
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

// look reads alerts that a sender may have sent, and annotates those that have
// lost what we wrote. It returns false if the peer can't be read.
func (a *Annotations) look(ctx context.Context, p *annotationPeer, k Keeper, fingerprints []string) bool {
	for batch := range slices.Chunk(fingerprints, repostBatch) {
		want, open := p.lost(k, batch)
		if len(want) == 0 {
			continue
		}
		for _, t := range a.repost(ctx, p, among(want), want) {
			if t.result == repostReadFailed || t.result == repostLimited {
				return false // the reconcile loop says so
			}
			a.kept(p, k, open[t.fingerprint], t)
		}
	}
	return true
}

// kept tells what became of an alert, if that is for long: a send that has not
// come yet, or has just come again, is met at the next look.
func (a *Annotations) kept(p *annotationPeer, k Keeper, m Message, t *attempt) {
	switch t.result {
	case repostUnchanged:
	case repostOverwritten, repostNotFiring, repostUnconfirmed, repostEnding:
		a.reposts.WithLabelValues(string(t.result)).Inc()
	default:
		k.Kept(m, a.outcome(p, t))
	}
}

// lost is what alerts should carry that are posted only if nothing of it is
// there any more. Those that are over are forgotten.
func (p *annotationPeer) lost(k Keeper, fingerprints []string) (want []wanted, open map[string]Message) {
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
