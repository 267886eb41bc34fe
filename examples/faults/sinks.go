// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/examples/fleet"
	"github.com/culprit-dev/culprit/examples/lab"
)

const (
	alertsPerStep = 8
	stopPromise   = 10 * time.Second // after SIGTERM, whatever hangs
)

// everySink are all places that culprit writes to; each can hang.
type everySink struct {
	grafana, alertmanager *lab.Gate
	hooks                 []*fleet.Hook
}

// sinks has one sink hang, then all at once while culprit shuts down, and then Grafana fail and
// recover.
func sinks(ctx context.Context, f *field) error {
	c, err := f.culprit()
	if err != nil {
		return err
	}
	if err := f.Servers(ctx, c.Address); err != nil {
		return err
	}
	all, err := f.everySink()
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	for _, step := range []func(context.Context, *culprit, *everySink) error{f.oneHangs, f.allHang, f.grafanaFails} {
		if err := step(ctx, c, all); err != nil {
			return err
		}
	}
	return nil
}

func (f *field) everySink() (*everySink, error) {
	all := &everySink{hooks: []*fleet.Hook{f.Hook(), f.Hook()}}
	f.Settings += "recovery_webhooks:\n"
	for _, h := range all.hooks {
		f.Settings += fmt.Sprintf("  - {url: %q}\n", h.URL())
	}
	var err1, err2 error
	all.grafana, err1 = f.Gate(f.Grafana.URL())
	all.alertmanager, err2 = f.Gate(f.Alertmanager.URL())
	return all, errors.Join(err1, err2)
}

// oneHangs has the first hook hang.
func (f *field) oneHangs(ctx context.Context, c *culprit, all *everySink) error {
	all.hooks[0].Hold()
	if err := f.Raise(ctx, 0, alertsPerStep); err != nil {
		return err
	}
	f.holds("a sink that hangs holds up no other", eventually(ctx, func(ctx context.Context) error {
		return errors.Join(c.oneEach(ctx, alertsPerStep), f.oneMarkEach(ctx, c), tookEach(all.hooks[1], alertsPerStep))
	}))
	all.hooks[0].Answer()
	f.holds("it is told when it answers", eventually(ctx, func(context.Context) error { return tookEach(all.hooks[0], alertsPerStep) }))
	return nil
}

// allHang has every sink hang, stops culprit, and starts it again.
func (f *field) allHang(ctx context.Context, c *culprit, all *everySink) error {
	const until = 2 * alertsPerStep
	all.hold()
	if err := f.Raise(ctx, alertsPerStep, until); err != nil {
		return err
	}
	if err := eventually(ctx, func(ctx context.Context) error { return all.held(ctx, c, until) }); err != nil {
		return err
	}
	start := time.Now()
	err := c.Process.Stop()
	took := time.Since(start)
	f.say("With every sink hanging culprit took %.1f s to end", took.Seconds())
	if err == nil && took > stopPromise {
		err = fmt.Errorf("it took %s", took)
	}
	f.holds("with every sink hanging it ends within ten seconds", err)
	all.pass()
	if err := c.Start(ctx); err != nil {
		return err
	}
	f.holds("what was not sent is sent after the next start, once", eventually(ctx, func(ctx context.Context) error {
		return errors.Join(c.oneEach(ctx, until), f.oneMarkEach(ctx, c), tookEach(all.hooks[0], until), tookEach(all.hooks[1], until))
	}))
	return nil
}

// grafanaFails has Grafana fail while incidents begin.
func (f *field) grafanaFails(ctx context.Context, c *culprit, all *everySink) error {
	const until = 3 * alertsPerStep
	all.grafana.Refuse(http.StatusBadGateway)
	if err := f.Raise(ctx, 2*alertsPerStep, until); err != nil {
		return err
	}
	if err := eventually(ctx, func(ctx context.Context) error { return c.oneEach(ctx, until) }); err != nil {
		return err
	}
	all.grafana.Pass()
	f.holds("Grafana gets the marks of the time when it was away", eventually(ctx, func(ctx context.Context) error { return f.oneMarkEach(ctx, c) }))
	f.holds("every hook takes every incident, and none twice", eventually(ctx, func(context.Context) error {
		return errors.Join(tookEach(all.hooks[0], until), tookEach(all.hooks[1], until))
	}))
	return nil
}

func (all *everySink) hold() {
	all.grafana.Hold()
	all.alertmanager.Hold()
	for _, h := range all.hooks {
		h.Hold()
	}
}

func (all *everySink) pass() {
	all.grafana.Pass()
	all.alertmanager.Pass()
	for _, h := range all.hooks {
		h.Answer()
	}
}

// held checks that every alert has a report and every sink hangs.
func (all *everySink) held(ctx context.Context, c *culprit, alerts int) error {
	list, err := c.Reports(ctx)
	if err != nil {
		return err
	}
	if len(list) < alerts || all.grafana.Held() == 0 || all.alertmanager.Held() == 0 {
		return fmt.Errorf("%d reports, %d requests to Grafana and %d to Alertmanager hang", len(list), all.grafana.Held(), all.alertmanager.Held())
	}
	for _, h := range all.hooks {
		if heard, accepted, _ := h.Counts(); heard <= accepted {
			return errors.New("no message to a hook hangs")
		}
	}
	return nil
}

// tookEach checks that the hook accepted one message for each of the incidents.
func tookEach(h *fleet.Hook, incidents int) error {
	if _, accepted, different := h.Counts(); accepted != incidents || different != incidents {
		return fmt.Errorf("a hook accepted %d messages about %d incidents of %d", accepted, different, incidents)
	}
	return nil
}
