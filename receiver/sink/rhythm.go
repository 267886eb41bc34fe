// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"iter"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

const (
	sendsKept = 6 // of one sender about one alert

	lookMargin = 20 * time.Millisecond  // from the expected resend to the first look
	lookBefore = 50 * time.Millisecond  // a look before it, now and then: another sender may have sent meanwhile
	lookAgain  = 80 * time.Millisecond  // to the next look; doubles each time
	lookIdle   = 15 * time.Second       // between two looks, whatever is expected
	lookUnsure = time.Second            // while the rhythm is unknown …
	unsureFor  = 150 * time.Second      // … for this long; then
	lookSeldom = 5 * time.Second        //
	mostSlack  = 500 * time.Millisecond // deviation of a resend from its expected time
	overdueFor = 5 * time.Second        // until an expected resend is given up
	mostMissed = 4                      // missed resends until a sender is given up: one may hide another
	vanished   = 10 * time.Minute       // after the last send of a sender, to forget it
)

// rhythm predicts when the senders of one Alertmanager's alerts resend them. Each resend erases
// foreign annotations, so that is when they must be restored: Prometheus resends every minute,
// vmalert at every evaluation, and replicas at times of their own.
//
// A resend shows as an alert without our annotations, whose updatedAt is the time of the resend.
// All times are on the server's clock. Everything here can be lost and is learned again.
type rhythm struct {
	mu      sync.Mutex
	alerts  map[string]*alertRhythm  // by fingerprint
	periods map[string]time.Duration // by sender, and by sender and alert name
}

// alertRhythm is the rhythm of one alert.
type alertRhythm struct {
	name    string                 // alertname
	read    bool                   // it has been read; otherwise only announced
	sends   map[string][]time.Time // by sender: the last ones, ascending
	first   time.Time              // when the alert arrived; zero: unknown
	ownPost time.Time              // updatedAt of our last post
	looked  time.Time              // the last look …
	idle    time.Time              // … and the last one while no resend was due
	early   time.Duration          // how long after idle a look before a resend is worth it
	unsure  map[string]time.Time   // by sender: since when its resends are unpredicted; "": nothing is known yet
	missed  time.Time              // the newest resend that was looked for …
	tries   int                    // … and how many looks missed it
}

// senderOf identifies a sender by the base of its links, which differs between replicas.
func senderOf(a alertmanager.Alert) string {
	base, _, _ := strings.Cut(a.GeneratorURL, "?")
	base, _, _ = strings.Cut(base, "#")
	return base
}

// observe records an alert as read at at.
func (r *rhythm) observe(a alertmanager.Alert, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, known := r.alerts[a.Fingerprint]
	if !known || !b.read {
		b = r.begin(a, at)
	}
	b.looked = at
	b.forgetVanished()
	due, sender := r.nextSend(b)
	if due.IsZero() || at.Before(due) {
		b.idle, b.early = at, jitter(lookIdle/2, lookIdle, at)
	}
	switch {
	case a.Annotations[AnnotationSummary] == "":
		r.sent(b, senderOf(a), a.UpdatedAt)
	case due.IsZero() || at.Before(due):
	case a.UpdatedAt.After(due) && !a.UpdatedAt.Equal(b.ownPost): // another replica of culprit restored it first
		r.sent(b, sender, due)
	default:
		r.noteMiss(b, at)
	}
}

// noteMiss records a look that found no resend.
func (r *rhythm) noteMiss(b *alertRhythm, at time.Time) {
	for due := range r.expectedSends(b) {
		if due.After(b.missed) && !due.After(at) {
			b.missed, b.tries = due, 0
		}
	}
	b.tries++
}

// forgetVanished forgets senders that have stopped sending.
func (b *alertRhythm) forgetVanished() {
	for sender, sends := range b.sends {
		if b.looked.Sub(sends[len(sends)-1]) > vanished {
			delete(b.sends, sender)
			delete(b.unsure, sender)
		}
	}
}

// begin makes the rhythm of a new alert. Until proven otherwise, its sender is as regular with it
// as with others.
func (r *rhythm) begin(a alertmanager.Alert, at time.Time) *alertRhythm {
	b := r.add(a.Fingerprint, at)
	b.read, b.name = true, string(a.Labels[model.AlertNameLabel])
	if a.Annotations[AnnotationSummary] == "" && a.UpdatedAt.Sub(a.StartsAt) < freshAlert {
		b.first = a.UpdatedAt
	}
	if r.period(b, senderOf(a)) > 0 && !b.first.IsZero() {
		clear(b.unsure)
	}
	return b
}

func (r *rhythm) add(fingerprint string, at time.Time) *alertRhythm {
	if r.alerts == nil || len(r.alerts) >= cacheSize {
		r.alerts, r.periods = map[string]*alertRhythm{}, map[string]time.Duration{}
	}
	b := &alertRhythm{sends: map[string][]time.Time{}, unsure: map[string]time.Time{"": at}, looked: at}
	r.alerts[fingerprint] = b
	return b
}

// recheck schedules a look at an alert that could not be annotated at at.
func (r *rhythm) recheck(fingerprint string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, known := r.alerts[fingerprint]
	if !known {
		b = r.add(fingerprint, at)
	}
	b.looked = at
}

// expect schedules a look at an alert at by, when another replica should have annotated it. An
// alert that was looked at already keeps its rhythm.
func (r *rhythm) expect(fingerprint string, by time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.alerts[fingerprint]; !known {
		r.add(fingerprint, by)
	}
}

// freshAlert is the greatest age of an alert at its first read for us to know that it has just
// arrived.
const freshAlert = 5 * time.Second

// sent records a resend.
func (r *rhythm) sent(b *alertRhythm, sender string, at time.Time) {
	sends := b.sends[sender]
	if len(sends) > 0 && !at.After(sends[len(sends)-1]) {
		return // known already
	}
	_, unsure := b.unsure[sender]
	switch {
	case len(sends) == 0 && r.period(b, sender) > 0:
	case r.predicted(b, sender, at):
		delete(b.unsure, sender)
		delete(b.unsure, "")
	case !unsure:
		b.unsure[sender] = at
	}
	sends = append(sends, at)
	b.sends[sender] = sends[max(0, len(sends)-sendsKept):]
	if p := period(b.sends[sender]); p > 0 {
		r.periods[sender+" "+b.name], r.periods[sender] = p, p
	}
}

// predicted reports whether a resend comes when it was expected, or may have been.
func (r *rhythm) predicted(b *alertRhythm, sender string, at time.Time) bool {
	p := r.period(b, sender)
	return p > 0 && slices.ContainsFunc(b.sends[sender], func(t time.Time) bool {
		n := (at.Sub(t) + p/2) / p
		return n > 0 && n <= b.horizon(sender) && t.Add(n*p).Sub(at).Abs() <= slack(p)
	})
}

func slack(p time.Duration) time.Duration { return min(mostSlack, p/10) }

// period is the interval at which a sender resends an alert: observed on this alert, else on alerts
// of the same name, else on any.
func (r *rhythm) period(b *alertRhythm, sender string) time.Duration {
	if p := period(b.sends[sender]); p > 0 {
		return p
	}
	if p := r.periods[sender+" "+b.name]; p > 0 {
		return p
	}
	return r.periods[sender]
}

// nextSend returns the next resend of an alert, possibly overdue, and its sender; zero if none is
// expected.
func (r *rhythm) nextSend(b *alertRhythm) (due time.Time, sender string) {
	for next, s := range r.expectedSends(b) {
		if due.IsZero() || next.Before(due) {
			due, sender = next, s
		}
	}
	return due, sender
}

// expectedSends iterates over the expected resends of an alert, with their senders.
func (r *rhythm) expectedSends(b *alertRhythm) iter.Seq2[time.Time, string] {
	return func(yield func(time.Time, string) bool) {
		for sender, sends := range b.sends {
			p := r.period(b, sender)
			if p == 0 {
				continue
			}
			newest := sends[len(sends)-1].Add(slack(p))
			for _, t := range sends {
				if next := b.next(t, p, newest, b.horizon(sender)); !next.IsZero() && !yield(next, sender) {
					return
				}
			}
		}
	}
}

// horizon is how many periods ahead a sender is expected. A regular sender may go unseen for
// several: others may overwrite its sends before anybody looks.
func (b *alertRhythm) horizon(sender string) time.Duration {
	if _, unsure := b.unsure[sender]; unsure {
		return 1
	}
	return mostMissed
}

// next is when a sender that sent at t resends after newest; zero if it is not expected to.
func (b *alertRhythm) next(t time.Time, p time.Duration, newest time.Time, steps time.Duration) time.Time {
	for range steps {
		if t = t.Add(p); t.After(newest) && b.looked.Sub(t) < overdueFor {
			return t
		}
	}
	return time.Time{}
}

// nextLook is when to read an alert next.
func (r *rhythm) nextLook(b *alertRhythm) time.Time {
	at := b.looked.Add(b.pause())
	for due := range r.expectedSends(b) {
		if look := b.lookForSend(due); look.Before(at) {
			at = look
		}
	}
	return at
}

// lookForSend is when to read an alert to find a resend.
func (b *alertRhythm) lookForSend(due time.Time) time.Time {
	if !due.After(b.missed) { // looked for, but missed
		return b.missed.Add(lookMargin + lookAgain<<min(b.tries-1, 6))
	}
	if early := due.Add(-lookBefore); early.After(b.looked) && due.Sub(b.idle) > b.early {
		return early
	}
	return due.Add(lookMargin)
}

// jitter is pause plus up to spread. Regular looks could always come just before somebody's
// resends; or see every third of them, say, and take three periods for one.
func jitter(pause, spread time.Duration, at time.Time) time.Duration {
	chance := rand.New(rand.NewPCG(uint64(at.UnixNano()), 0)) // deterministic: asked twice, it must answer the same
	return pause + time.Duration(chance.Int64N(int64(spread)))
}

// pause is the interval between two looks while no resend is due.
func (b *alertRhythm) pause() time.Duration {
	pause := lookIdle
	for _, since := range b.unsure {
		if b.looked.Sub(since) < unsureFor {
			return jitter(lookUnsure, lookUnsure/4, b.looked)
		}
		pause = jitter(lookSeldom, lookSeldom/4, b.looked)
	}
	return pause
}

// due lists the alerts to read by by, and when the next one after them is due.
func (r *rhythm) due(by time.Time) (fingerprints []string, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for fp, b := range r.alerts {
		at := r.nextLook(b)
		switch {
		case !at.After(by):
			fingerprints = append(fingerprints, fp)
		case next.IsZero() || at.Before(next):
			next = at
		}
	}
	slices.Sort(fingerprints)
	return fingerprints, next
}

// posted records our own post.
func (r *rhythm) posted(a alertmanager.Alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.alerts[a.Fingerprint]; ok {
		b.ownPost = a.UpdatedAt
	}
}

// forget drops an alert that is over.
func (r *rhythm) forget(fingerprint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.alerts, fingerprint)
}

// period is the interval of regular sends; or, if two regular senders share a name, the interval of
// each. It is 0 if the sends are irregular.
func period(sends []time.Time) time.Duration {
	var gaps, pairs []time.Duration
	for i := 1; i < len(sends); i++ {
		gaps = append(gaps, sends[i].Sub(sends[i-1]))
		if i > 1 {
			pairs = append(pairs, sends[i].Sub(sends[i-2]))
		}
	}
	if p := commonGap(gaps); p > 0 {
		return p
	}
	return commonGap(pairs)
}

// commonGap is the gap that three of four gaps are close to, or to a small multiple of it, as when
// a send was missed; 0 if there is none.
func commonGap(ds []time.Duration) time.Duration {
	if len(ds) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(ds))
	middle := sorted[(len(sorted)-1)/2]
	sum, n := time.Duration(0), 0
	for _, d := range sorted {
		times := (d + middle/2) / middle
		if times > 0 && times <= 3 && (d-times*middle).Abs() <= slack(middle) {
			sum, n = sum+d/times, n+1
		}
	}
	if 4*n < 3*len(ds) {
		return 0
	}
	return sum / time.Duration(n)
}
