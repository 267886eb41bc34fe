// SPDX-License-Identifier: Apache-2.0

package sink

import (
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
	lookAgain  = 80 * time.Millisecond  // to the next; doubles with each
	lookIdle   = 15 * time.Second       // between two looks, whatever is expected
	lookUnsure = time.Second            // while the rhythm is not known …
	unsureFor  = 150 * time.Second      // … so long; and then
	lookSeldom = 5 * time.Second        //
	mostSlack  = 500 * time.Millisecond // by which a send may miss its time
	overdueFor = 5 * time.Second        // until a send that was expected is given up
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
	looked time.Time              // when it was last read
	unsure time.Time              // since when sends come unexpected; zero: they don't
	tries  int                    // looks for the send that is due
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
	due, expected := r.expected(b)
	switch {
	case a.Annotations[AnnotationSummary] == "":
		r.sent(b, senderOf(a), a.UpdatedAt)
	case !expected || at.Before(due):
	case a.UpdatedAt.After(due) && !a.UpdatedAt.Equal(b.own): // another replica of culprit was faster
		r.sent(b, r.whose(b, due), due)
	default:
		b.tries++
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
		b.unsure = time.Time{}
	}
	return b
}

func (r *rhythm) add(fingerprint string, at time.Time) *beat {
	if r.beats == nil || len(r.beats) >= cacheSize {
		r.beats, r.periods = map[string]*beat{}, map[string]time.Duration{}
	}
	b := &beat{sends: map[string][]time.Time{}, unsure: at, looked: at}
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

// freshAlert is how old an alert may be when it is first read for us to know
// that it has just come.
const freshAlert = 5 * time.Second

// sent takes note of a send.
func (r *rhythm) sent(b *beat, sender string, at time.Time) {
	sends := b.sends[sender]
	if len(sends) > 0 && !at.After(sends[len(sends)-1]) {
		return // it is known
	}
	switch {
	case len(sends) == 0:
	case r.foreseen(b, sender, at):
		b.unsure = time.Time{}
	case b.unsure.IsZero():
		b.unsure = at
	}
	sends = append(sends, at)
	b.sends[sender] = sends[max(0, len(sends)-sendsKept):]
	b.tries = 0
	if p := period(b.sends[sender]); p > 0 {
		r.periods[sender+" "+b.name], r.periods[sender] = p, p
	}
}

// foreseen says whether a send comes when it was expected.
func (r *rhythm) foreseen(b *beat, sender string, at time.Time) bool {
	p := r.period(b, sender)
	return p > 0 && slices.ContainsFunc(b.sends[sender], func(t time.Time) bool { return t.Add(p).Sub(at).Abs() <= slack(p) })
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
// not seen; ok is false if none is expected.
func (r *rhythm) expected(b *beat) (due time.Time, ok bool) {
	for sender, sends := range b.sends {
		p := r.period(b, sender)
		if p == 0 {
			continue
		}
		newest := sends[len(sends)-1].Add(slack(p))
		for _, t := range sends {
			next := t.Add(p)
			if next.After(newest) && b.looked.Sub(next) < overdueFor && (!ok || next.Before(due)) {
				due, ok = next, true
			}
		}
	}
	return due, ok
}

// whose is the sender that a send is expected of.
func (r *rhythm) whose(b *beat, due time.Time) string {
	for sender := range b.sends {
		if r.foreseen(b, sender, due) {
			return sender
		}
	}
	return ""
}

// lookAt is when an alert is to be read next.
func (r *rhythm) lookAt(b *beat) time.Time {
	pause := lookIdle
	switch {
	case b.unsure.IsZero():
	case b.looked.Sub(b.unsure) < unsureFor:
		pause = lookUnsure
	default:
		pause = lookSeldom
	}
	at := b.looked.Add(pause)
	if due, ok := r.expected(b); ok {
		due = due.Add(lookMargin)
		if b.tries > 0 {
			due = due.Add(lookAgain << min(b.tries-1, 6))
		}
		if due.Before(at) {
			return due
		}
	}
	return at
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
