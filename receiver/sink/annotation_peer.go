// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"time"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

// ask returns the peer's status, cached, and as far as it is known.
func (p *annotationPeer) ask(ctx context.Context) alertmanager.Status {
	p.mu.Lock()
	defer p.mu.Unlock()
	if time.Now().Before(p.until) {
		return p.status
	}
	status, err := p.client.Status(ctx)
	p.status, p.until = status, time.Now().Add(statusFor)
	if err != nil {
		p.until = time.Now().Add(statusPause)
	}
	return p.status
}

// waits returns the group_wait values of the peer's routes, as far as they are known.
func (p *annotationPeer) waits() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status.GroupWaits
}

// clock is the current time on the peer's clock.
func (p *annotationPeer) clock() time.Time { return p.onClock(time.Now()) }

// onClock converts one of our times to the peer's clock.
func (p *annotationPeer) onClock(t time.Time) time.Time { return t.Add(time.Duration(p.ahead.Load())) }

// recheckSkipped has alerts that were skipped looked at again soon: the answer of their Prometheus
// may be older than they are.
func (p *annotationPeer) recheckSkipped(tries []*attempt) {
	for _, t := range tries {
		switch t.result {
		case repostNotFiring, repostUnconfirmed, repostEnding, repostLimited, repostReadFailed:
			p.rhythm.recheck(t.fingerprint, p.clock())
		}
	}
}

// compare records the result of a post, and adjusts our idea of the peer's clock. start is when the
// post was sent.
func (p *annotationPeer) compare(posted []*attempt, start time.Time) {
	for i := len(posted) - 1; i >= 0; i-- {
		if t := posted[i]; t.result == repostPosted {
			p.rhythm.posted(t.after)
			p.ahead.Store(int64(t.after.UpdatedAt.Sub(start)))
		}
	}
}
