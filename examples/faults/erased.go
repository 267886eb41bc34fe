// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	erasedAlerts  = 300
	erasedFor     = 3 * time.Minute
	erasedPause   = 200 * time.Millisecond // between two reads of Alertmanager
	longestLapse  = 30 * time.Second
	settlingAfter = 30 * time.Second // for all alerts to be explained
)

// erased measures for how much of the time alerts lack their causes, as every send of a Prometheus
// erases them: one that sends every minute, and two that send every 20 seconds. It takes eight
// minutes and needs a quiet machine.
func erased(ctx context.Context, f *field) error {
	for _, c := range []struct {
		promise string
		senders int
		again   time.Duration
		most    float64 // share of the time without causes
	}{
		{"with one Prometheus, alerts are without causes for 5 % of the time at most", 1, time.Minute, 0.05},
		{"with two that send every 20 s, for 15 % at most", 2, 20 * time.Second, 0.15},
	} {
		sub, err := newField(f.Binary, f.say)
		if err != nil {
			return err
		}
		l, err := sub.erase(ctx, c.senders, c.again)
		if err := errors.Join(err, sub.Close()); err != nil {
			return err
		}
		f.say("  %d × %s: %.1f %% of the time without causes, longest %.1f s, %.0f requests a minute to Alertmanager",
			c.senders, c.again, 100*l.share(), l.longest.Seconds(), l.requests)
		f.holds(c.promise, atMost(l.share(), c.most))
		f.holds("and never for longer than half a minute", atMost(l.longest.Seconds(), longestLapse.Seconds()))
	}
	return nil
}

func atMost(got, most float64) error {
	if got > most {
		return fmt.Errorf("%.3g, want at most %.3g", got, most)
	}
	return nil
}

// erase starts senders of many alerts and watches the alerts.
func (f *field) erase(ctx context.Context, senders int, again time.Duration) (*lapses, error) {
	c, err := f.culprit()
	if err != nil {
		return nil, err
	}
	f.Route = strings.Replace(fleet.EachAlone, "['...']", "[alertname]", 1)
	if err := f.Servers(ctx, c.Address); err != nil {
		return nil, err
	}
	gate, err := f.Gate(f.Alertmanager.URL())
	if err != nil {
		return nil, err
	}
	all := make([]*lab.Prometheus, senders)
	for i := range all {
		if all[i], err = f.Sender(ctx, again); err != nil {
			return nil, err
		}
	}
	f.Asked = all[0].URL()
	if err := c.Start(ctx); err != nil {
		return nil, err
	}
	for i, p := range all {
		time.Sleep(time.Duration(i) * again * 7 / 20)
		if err := fleet.RaiseOn(ctx, p, 0, erasedAlerts); err != nil {
			return nil, err
		}
	}
	return f.observe(ctx, gate)
}

// lapses measures how long alerts lack causes that they had before.
type lapses struct {
	seen, without int // observations of alerts
	longest       time.Duration
	requests      float64 // per minute
	since         map[string]time.Time
}

func (l *lapses) share() float64 { return float64(l.without) / float64(max(1, l.seen)) }

// look records what Alertmanager shows.
func (l *lapses) look(alerts []fleet.Shown, at time.Time) {
	for _, a := range alerts {
		since, known := l.since[a.Fingerprint]
		if a.Annotations[sink.AnnotationSummary] != "" {
			l.since[a.Fingerprint] = at
			l.seen++
		} else if known {
			l.seen++
			l.without++
			l.longest = max(l.longest, at.Sub(since))
		}
	}
}

func (f *field) observe(ctx context.Context, gate *lab.Gate) (*lapses, error) {
	l := &lapses{since: map[string]time.Time{}}
	start, before := time.Now(), 0
	for time.Since(start) < settlingAfter+erasedFor {
		alerts, err := f.Shown(ctx)
		if err != nil {
			return nil, err
		}
		if time.Since(start) > settlingAfter {
			if before == 0 {
				before = gate.Requests()
			}
			l.look(alerts, time.Now())
		}
		time.Sleep(erasedPause)
	}
	l.requests = float64(gate.Requests()-before) / erasedFor.Minutes()
	if len(l.since) != erasedAlerts {
		return l, fmt.Errorf("%d of %d alerts were ever annotated", len(l.since), erasedAlerts)
	}
	return l, nil
}
