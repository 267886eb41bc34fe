// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"time"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
)

// ask returns what the peer says of itself, as far as it does.
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

// waits are for how long the routes of the peer wait before the first message,
// as far as they are known.
func (p *annotationPeer) waits() []time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.status.GroupWaits
}

// clock is the time on the peer's clock.
func (p *annotationPeer) clock() time.Time { return p.onClock(time.Now()) }

// onClock is what the peer's clock says at one of our own times.
func (p *annotationPeer) onClock(t time.Time) time.Time { return t.Add(time.Duration(p.ahead.Load())) }

// hope has alerts looked at again that are left alone for now: what their
// Prometheus has told may be older than they are.
func (p *annotationPeer) hope(tries []*attempt) {
	for _, t := range tries {
		switch t.result {
		case repostNotFiring, repostUnconfirmed, repostEnding, repostLimited, repostReadFailed:
			p.rhythm.hope(t.fingerprint, p.clock())
		}
	}
}

// compare takes note of what a post has left, and sets the peer's clock by it.
// start is when the post was sent.
func (p *annotationPeer) compare(posted []*attempt, start time.Time) {
	for i := len(posted) - 1; i >= 0; i-- {
		if t := posted[i]; t.result == repostPosted {
			p.rhythm.posted(t.after)
			p.ahead.Store(int64(t.after.UpdatedAt.Sub(start)))
		}
	}
}
