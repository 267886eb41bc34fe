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

// repostResult is what became of an alert that was to be posted. It labels a
// metric.
type repostResult string

const (
	repostPosted       repostResult = "posted"
	repostUnchanged    repostResult = "unchanged"     // it carries our annotations already
	repostRepaired     repostResult = "repaired"      // posted, and its end had to be restored
	repostAbsent       repostResult = "absent"        // the peer doesn't have it, or it is resolved
	repostEnding       repostResult = "ending"        // it ends too soon
	repostNotFiring    repostResult = "not_firing"    // its Prometheus says that it is over
	repostUnconfirmed  repostResult = "unconfirmed"   // its Prometheus does not answer
	repostLimited      repostResult = "limited"       // no turn within the time
	repostLate         repostResult = "late"          // the peer answered too slowly to post safely
	repostReadFailed   repostResult = "read_failed"   // before the post
	repostFailed       repostResult = "post_failed"   // refused, or no answer
	repostOverwritten  repostResult = "overwritten"   // its sender sent it in the same instant
	repostUnchecked    repostResult = "unchecked"     // posted, but not read back
	repostRepairFailed repostResult = "repair_failed" // its end is closer than it was
)

var (
	errLate        = errors.New("Alertmanager took more than a second to answer: the alert may have ended since")
	errOverwritten = errors.New("the alert was sent again in the same instant, without the annotations")
)

// checkTimeout bounds the look at what a post has done, and its repair: after
// that the short end of the post has come.
const checkTimeout = 5 * time.Second

// sourceMemory is longer than a Source remembers an answer.
const sourceMemory = 1200 * time.Millisecond

func decideAll(tries []*attempt, r repostResult, err error) {
	for _, t := range tries {
		t.decide(r, err)
	}
}

// readBack looks at once what the post has done, and repairs what it must not
// have done. It goes on when the context ends: a post without its check is the
// one thing that could do lasting harm.
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

// check decides one attempt by what the peer has now, or says that our post has
// brought the end of the alert closer.
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
		t.decide(repostOverwritten, later{errOverwritten})
	}
	return false
}

// repair restores the end of alerts whose end our post has brought closer.
// That happens when a sender without an end has touched the alert, and then
// the old end is due. It also happens when the alert was resolved between our
// read and our post, and then it is to end: its Prometheus knows, and is asked
// once what it told us before is surely forgotten. There are five seconds.
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

// outcome counts an attempt and says for the report what became of it.
func (a *Annotations) outcome(p *annotationPeer, t *attempt) report.Sent {
	a.reposts.WithLabelValues(string(t.result)).Inc()
	ref := p.client.Address()
	switch t.result {
	case repostPosted, repostUnchanged, repostRepaired:
		return a.ok(ref)
	case repostAbsent:
		return a.skipped(ref, "the alert is not there, or is over")
	case repostEnding:
		return a.skipped(ref, "the alert ends within 15 s unless it is sent again")
	case repostNotFiring:
		return a.skipped(ref, "Prometheus no longer lists the alert as firing")
	default:
		return a.failed(ref, t.err)
	}
}

// history remembers of the alerts of one peer what a single look can't tell.
type history struct {
	mu      sync.Mutex
	entries map[string]*past
}

// past is what is remembered of one alert.
type past struct {
	postedAt time.Time // our last post
	goneAt   time.Time // since when it has been over; zero: it is there
	keepEnd  bool      // its end must be copied
}

// reappearWindow is how near to our post an alert must have ended for us to be
// suspected of starting it again.
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

// gone takes note that an alert is over. Alerts that we have never posted are
// not our concern.
func (h *history) gone(fingerprint string, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if e, ok := h.entries[fingerprint]; ok && e.goneAt.IsZero() {
		e.goneAt = now
	}
}

// seen takes note that an alert is there. It says whether the alert was gone
// and has come back with its old start, with a post of ours close enough to be
// the reason.
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

// sweep compares what is remembered with all alerts that are there now. It
// returns how many have reappeared, and forgets those that have been gone for
// long.
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
