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

	lookMargin = 20 * time.Millisecond  // from when a send is expected to the first look
	lookBefore = 50 * time.Millisecond  // and before it, now and then: another may have sent meanwhile
	lookAgain  = 80 * time.Millisecond  // to the next; doubles with each
	lookIdle   = 15 * time.Second       // between two looks, whatever is expected
	lookUnsure = time.Second            // while the rhythm is not known …
	unsureFor  = 150 * time.Second      // … so long; and then
	lookSeldom = 5 * time.Second        //
	mostSlack  = 500 * time.Millisecond // by which a send may miss its time
	overdueFor = 5 * time.Second        // until a send that was expected is given up
	mostMissed = 4                      // sends of a sender until it is given up: one may hide behind another
	vanished   = 10 * time.Minute       // after the last send of a sender, it is forgotten
)

// rhythm knows when the senders of the alerts of one Alertmanager send them
// again. Each send erases foreign annotations, so that is when they must be
// put back: Prometheus does it every minute, vmalert with every evaluation, and
// of two replicas each has a time of its own.
//
// A send is seen by what it leaves: an alert without our annotations, whose
// updatedAt is the moment of the send. All times are of the server's clock.
// Everything here can be lost and is learned again.
type rhythm struct {
	mu      sync.Mutex
	beats   map[string]*beat         // by fingerprint
	periods map[string]time.Duration // by sender, and by sender and name of the alert
}

// beat is the rhythm of one alert.
type beat struct {
	name   string                 // of the alert
	read   bool                   // it was read; else it is only hoped for
	sends  map[string][]time.Time // by sender: the last ones, ascending
	first  time.Time              // when the alert came; zero: that is not known
	own    time.Time              // updatedAt of our own last post
	looked time.Time              // when it was last read …
	idle   time.Time              // … and when while no send was due
	early  time.Duration          // from then on, until a look before a send is worth it
	unsure map[string]time.Time   // by sender: since when its sends come unexpected; "": nothing is known yet
	sought time.Time              // the newest send that was looked for …
	tries  int                    // … so often in vain
}

// sendersOf tells replicas apart by the address that they put in their links.
func senderOf(a alertmanager.Alert) string {
	base, _, _ := strings.Cut(a.GeneratorURL, "?")
	base, _, _ = strings.Cut(base, "#")
	return base
}

// saw takes note of an alert that was read at a time.
func (r *rhythm) saw(a alertmanager.Alert, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, known := r.beats[a.Fingerprint]
	if !known || !b.read {
		b = r.begin(a, at)
	}
	b.looked = at
	b.forgetVanished()
	due, sender := r.expected(b)
	if due.IsZero() || at.Before(due) {
		b.idle, b.early = at, uneven(lookIdle/2, lookIdle, at)
	}
	switch {
	case a.Annotations[AnnotationSummary] == "":
		r.sent(b, senderOf(a), a.UpdatedAt)
	case due.IsZero() || at.Before(due):
	case a.UpdatedAt.After(due) && !a.UpdatedAt.Equal(b.own): // another replica of culprit was faster
		r.sent(b, sender, due)
	default:
		r.seek(b, at)
	}
}

// seek takes note of a look for sends that have not come.
func (r *rhythm) seek(b *beat, at time.Time) {
	for due := range r.dues(b) {
		if due.After(b.sought) && !due.After(at) {
			b.sought, b.tries = due, 0
		}
	}
	b.tries++
}

// forgetVanished drops the senders that send no more.
func (b *beat) forgetVanished() {
	for sender, sends := range b.sends {
		if b.looked.Sub(sends[len(sends)-1]) > vanished {
			delete(b.sends, sender)
			delete(b.unsure, sender)
		}
	}
}

// begin makes the beat of an alert that is new to us. Until it is known
// otherwise its sender keeps the time that it keeps for others.
func (r *rhythm) begin(a alertmanager.Alert, at time.Time) *beat {
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

func (r *rhythm) add(fingerprint string, at time.Time) *beat {
	if r.beats == nil || len(r.beats) >= cacheSize {
		r.beats, r.periods = map[string]*beat{}, map[string]time.Duration{}
	}
	b := &beat{sends: map[string][]time.Time{}, unsure: map[string]time.Time{"": at}, looked: at}
	r.beats[fingerprint] = b
	return b
}

// hope makes sure that an alert is looked at again that was to be annotated at
// a time, and could not be.
func (r *rhythm) hope(fingerprint string, at time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	b, known := r.beats[fingerprint]
	if !known {
		b = r.add(fingerprint, at)
	}
	b.looked = at
}

// expect has an alert looked at that another replica is to annotate by a time. One
// that has been looked at already keeps its rhythm.
func (r *rhythm) expect(fingerprint string, by time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, known := r.beats[fingerprint]; !known {
		r.add(fingerprint, by)
	}
}

// freshAlert is how old an alert may be when it is first read for us to know
// that it has just come.
const freshAlert = 5 * time.Second

// sent takes note of a send.
func (r *rhythm) sent(b *beat, sender string, at time.Time) {
	sends := b.sends[sender]
	if len(sends) > 0 && !at.After(sends[len(sends)-1]) {
		return // it is known
	}
	_, unsure := b.unsure[sender]
	switch {
	case len(sends) == 0 && r.period(b, sender) > 0:
	case r.foreseen(b, sender, at):
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

// foreseen says whether a send comes when it was expected, or might have been.
func (r *rhythm) foreseen(b *beat, sender string, at time.Time) bool {
	p := r.period(b, sender)
	return p > 0 && slices.ContainsFunc(b.sends[sender], func(t time.Time) bool {
		n := (at.Sub(t) + p/2) / p
		return n > 0 && n <= b.steps(sender) && t.Add(n*p).Sub(at).Abs() <= slack(p)
	})
}

func slack(p time.Duration) time.Duration { return min(mostSlack, p/10) }

// period is how often a sender sends an alert: as was seen of it, else as of
// others of its name, else as of any.
func (r *rhythm) period(b *beat, sender string) time.Duration {
	if p := period(b.sends[sender]); p > 0 {
		return p
	}
	if p := r.periods[sender+" "+b.name]; p > 0 {
		return p
	}
	return r.periods[sender]
}

// expected is when the next send of an alert is due, or has been due and was
// not seen, and whose it is; zero if none is expected.
func (r *rhythm) expected(b *beat) (due time.Time, sender string) {
	for next, s := range r.dues(b) {
		if due.IsZero() || next.Before(due) {
			due, sender = next, s
		}
	}
	return due, sender
}

// dues are the sends of an alert that are expected, by sender.
func (r *rhythm) dues(b *beat) iter.Seq2[time.Time, string] {
	return func(yield func(time.Time, string) bool) {
		for sender, sends := range b.sends {
			p := r.period(b, sender)
			if p == 0 {
				continue
			}
			newest := sends[len(sends)-1].Add(slack(p))
			for _, t := range sends {
				if next := b.next(t, p, newest, b.steps(sender)); !next.IsZero() && !yield(next, sender) {
					return
				}
			}
		}
	}
}

// steps is for how many periods a sender is expected. One that keeps its time is
// for some, though it is not seen: its sends may have been overwritten by those
// of another before anybody looked.
func (b *beat) steps(sender string) time.Duration {
	if _, unsure := b.unsure[sender]; unsure {
		return 1
	}
	return mostMissed
}

// next is when a sender that has sent at a time is to send again, after its
// newest send.
func (b *beat) next(t time.Time, p time.Duration, newest time.Time, steps time.Duration) time.Time {
	for range steps {
		if t = t.Add(p); t.After(newest) && b.looked.Sub(t) < overdueFor {
			return t
		}
	}
	return time.Time{}
}

// lookAt is when an alert is to be read next.
func (r *rhythm) lookAt(b *beat) time.Time {
	at := b.looked.Add(b.pause())
	for due := range r.dues(b) {
		if look := b.lookFor(due); look.Before(at) {
			at = look
		}
	}
	return at
}

// lookFor is when an alert is to be read for a send.
func (b *beat) lookFor(due time.Time) time.Time {
	if !due.After(b.sought) { // it was looked for in vain
		return b.sought.Add(lookMargin + lookAgain<<min(b.tries-1, 6))
	}
	if early := due.Add(-lookBefore); early.After(b.looked) && due.Sub(b.idle) > b.early {
		return early
	}
	return due.Add(lookMargin)
}

// uneven is a pause, or up to spread more. Looks at even times would always come just
// before the sends of somebody, or see every third of them, say, and take three
// periods for one.
func uneven(pause, spread time.Duration, at time.Time) time.Duration {
	chance := rand.New(rand.NewPCG(uint64(at.UnixNano()), 0)) // the same each time that it is asked
	return pause + time.Duration(chance.Int64N(int64(spread)))
}

// pause is the time between two looks at an alert of which no send is due.
func (b *beat) pause() time.Duration {
	pause := lookIdle
	for _, since := range b.unsure {
		if b.looked.Sub(since) < unsureFor {
			return uneven(lookUnsure, lookUnsure/4, b.looked)
		}
		pause = uneven(lookSeldom, lookSeldom/4, b.looked)
	}
	return pause
}

// due lists the alerts that are to be read by a time, and says when the next
// one after them is.
func (r *rhythm) due(by time.Time) (fingerprints []string, next time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for fp, b := range r.beats {
		at := r.lookAt(b)
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

// posted takes note of what our own post has left.
func (r *rhythm) posted(a alertmanager.Alert) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b, ok := r.beats[a.Fingerprint]; ok {
		b.own = a.UpdatedAt
	}
}

// forget drops an alert that is over.
func (r *rhythm) forget(fingerprint string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.beats, fingerprint)
}

// period is the time from one send to the next, if they keep one; else, if two
// senders under one name do, the time between two sends of the same. 0: they
// keep none.
func period(sends []time.Time) time.Duration {
	var gaps, pairs []time.Duration
	for i := 1; i < len(sends); i++ {
		gaps = append(gaps, sends[i].Sub(sends[i-1]))
		if i > 1 {
			pairs = append(pairs, sends[i].Sub(sends[i-2]))
		}
	}
	if p := common(gaps); p > 0 {
		return p
	}
	return common(pairs)
}

// common is the time of which three of four are nearly one, or a few, as when a
// send was not seen; 0 if there is none.
func common(ds []time.Duration) time.Duration {
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
