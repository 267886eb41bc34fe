// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"errors"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

// repostResult is the result of one attempt. It is the value of a metric's label.
type repostResult string

const (
	repostPosted       repostResult = "posted"
	repostUnchanged    repostResult = "unchanged"     // it has our annotations already
	repostRepaired     repostResult = "repaired"      // posted, but its end had to be restored
	repostAbsent       repostResult = "absent"        // the peer doesn't have it, or it is resolved
	repostEnding       repostResult = "ending"        // it ends too soon
	repostNotFiring    repostResult = "not_firing"    // its Prometheus says that it is resolved
	repostUnconfirmed  repostResult = "unconfirmed"   // its Prometheus doesn't answer
	repostLimited      repostResult = "limited"       // the rate limit left no time
	repostLate         repostResult = "late"          // the peer answered too slowly to post safely
	repostReadFailed   repostResult = "read_failed"   // reading failed before the post
	repostFailed       repostResult = "post_failed"   // refused, or no answer
	repostOverwritten  repostResult = "overwritten"   // its sender sent it at the same instant
	repostUnchecked    repostResult = "unchecked"     // posted, but reading back failed
	repostRepairFailed repostResult = "repair_failed" // its end is now earlier than before
)

var (
	errLate        = errors.New("Alertmanager took more than a second to answer: the alert may have ended since")
	errOverwritten = errors.New("the alert was sent again in the same instant, without the annotations")
)

// checkTimeout bounds reading back and repair. Later than that the short end of the post has come.
const checkTimeout = 5 * time.Second

// sourceMemory is longer than a Source caches an answer.
const sourceMemory = 1200 * time.Millisecond

func decideAll(tries []*attempt, r repostResult, err error) {
	for _, t := range tries {
		t.decide(r, err)
	}
}

// readBack verifies at once what the post did, and repairs what it must not have done. It goes on
// even if ctx ends: an unverified post is the one thing that could do lasting harm.
func (a *Annotations) readBack(ctx context.Context, p *annotationPeer, filter alertmanager.Filter, tries []*attempt, posted error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTimeout)
	defer cancel()
	alerts, err := p.client.Alerts(ctx, filter)
	if err != nil {
		if posted != nil {
			decideAll(tries, repostFailed, posted)
			return
		}
		decideAll(tries, repostUnchecked, err)
		return
	}
	byFingerprint := index(alerts)
	var cut []*attempt
	for _, t := range tries {
		if a.check(t, byFingerprint, posted) {
			cut = append(cut, t)
		}
	}
	if len(cut) > 0 {
		a.repair(ctx, p, cut)
	}
}

// check decides one attempt by comparing the alert with what was posted. It returns true if our
// post has moved the end of the alert closer.
func (a *Annotations) check(t *attempt, alerts map[string]alertmanager.Alert, posted error) (cut bool) {
	after, ok := alerts[t.fingerprint]
	t.after = after
	there := carries(after.Annotations, t.annotations)
	switch {
	case !ok && posted != nil:
		t.decide(repostFailed, posted)
	case !ok:
		t.decide(repostAbsent, nil)
	case there && t.short && after.EndsAt.Before(t.before.EndsAt):
		return true
	case there:
		t.decide(repostPosted, nil)
	case posted != nil:
		t.decide(repostFailed, posted)
	default:
		t.decide(repostOverwritten, retryError{errOverwritten})
	}
	return false
}

// repair restores the end of alerts whose end our post has moved closer. Either a sender that sets
// no end has touched the alert: then the old end is right. Or the alert was resolved between our
// read and our post: then it should end. Its Prometheus knows, and is asked once its cached answer
// has surely expired. There are five seconds for this.
func (a *Annotations) repair(ctx context.Context, p *annotationPeer, cut []*attempt) {
	time.Sleep(sourceMemory)
	var bodies []json.RawMessage
	for _, t := range cut {
		if known, firing, err := a.firing(ctx, t.labels); err == nil && known && !firing {
			t.decide(repostNotFiring, nil)
			continue
		}
		p.past.keepEnd(t.fingerprint)
		bodies = append(bodies, t.before.Repost(annotated(t.before.Annotations, t.annotations), time.Time{}))
	}
	if len(bodies) == 0 {
		return
	}
	if err := p.client.PostAlerts(ctx, bodies...); err != nil {
		a.log.Error("The end of an alert could not be restored: it may resolve until its sender sends it again",
			"alertmanager", p.client.Address(), "alerts", len(bodies), "err", err)
		decideAll(undecided(cut), repostRepairFailed, err)
		return
	}
	decideAll(undecided(cut), repostRepaired, nil)
}

// outcome counts an attempt and makes its outcome for the report.
func (a *Annotations) outcome(p *annotationPeer, t *attempt) report.Sent {
	a.reposts.WithLabelValues(string(t.result)).Inc()
	ref := p.client.Address()
	switch t.result {
	case repostPosted, repostUnchanged, repostRepaired:
		return a.ok(ref)
	case repostAbsent:
		return a.skipped(ref, "the alert is gone or resolved")
	case repostEnding:
		return a.skipped(ref, "the alert ends within 15 s unless it is sent again")
	case repostNotFiring:
		return a.skipped(ref, "Prometheus no longer lists the alert as firing")
	default:
		return a.failed(ref, t.err)
	}
}

// history remembers about the alerts of one peer what a single read can't show.
type history struct {
	mu      sync.Mutex
	entries map[string]*past
}

// past is the history of one alert.
type past struct {
	postedAt time.Time // our last post
	goneAt   time.Time // when it was resolved; zero: it still fires
	keepEnd  bool      // its end must be copied
}

// reappearWindow is how close to our post an alert must have ended for the post to be suspected of
// restarting it.
const reappearWindow = time.Minute

func (h *history) entry(fingerprint string) *past {
	if h.entries == nil || len(h.entries) >= cacheSize {
		h.entries = map[string]*past{}
	}
	e, ok := h.entries[fingerprint]
	if !ok {
		e = &past{}
		h.entries[fingerprint] = e
	}
	return e
}

func (h *history) posted(fingerprint string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entry(fingerprint).postedAt = now
}

func (h *history) keepEnd(fingerprint string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.entry(fingerprint).keepEnd = true
}

func (h *history) verbatimOnly(fingerprint string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.entries[fingerprint]
	return ok && e.keepEnd
}

// gone notes that an alert is over. Alerts that we never posted don't matter.
func (h *history) gone(fingerprint string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.entries[fingerprint]; ok && e.goneAt.IsZero() {
		e.goneAt = now
	}
}

// seen notes that an alert is there. It reports whether the alert had gone and is back with its old
// start, with a post of ours close enough to be the reason.
func (h *history) seen(alert alertmanager.Alert) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	e, ok := h.entries[alert.Fingerprint]
	if !ok || e.goneAt.IsZero() {
		return false
	}
	goneAt := e.goneAt
	e.goneAt = time.Time{}
	return alert.StartsAt.Before(goneAt) && goneAt.Sub(e.postedAt).Abs() <= reappearWindow
}

// sweep compares the history with all current alerts. It returns how many have reappeared, and
// forgets those that are long gone.
func (h *history) sweep(alerts []alertmanager.Alert, now time.Time) int {
	reappeared := 0
	there := make(map[string]bool, len(alerts))
	for _, alert := range alerts {
		there[alert.Fingerprint] = true
		if h.seen(alert) {
			reappeared++
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for fingerprint, e := range h.entries {
		switch {
		case there[fingerprint]:
		case e.goneAt.IsZero():
			e.goneAt = now
		case now.Sub(e.goneAt) > reappearWindow:
			delete(h.entries, fingerprint)
		}
	}
	return reappeared
}
