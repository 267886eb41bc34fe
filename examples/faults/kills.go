// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// A storm of alerts in which culprit is killed again and again.
const (
	killTimes     = 6
	alertsPerKill = 10
)

// kills sends SIGKILL at random moments and restarts culprit: nothing may be lost or duplicated.
func kills(ctx context.Context, f *field) error {
	c, err := f.culprit()
	if err != nil {
		return err
	}
	if err := f.Servers(ctx, c.Address); err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	for n := range killTimes {
		if err := f.Raise(ctx, n*alertsPerKill, (n+1)*alertsPerKill); err != nil {
			return err
		}
		time.Sleep(500*time.Millisecond + rand.N(2*time.Second))
		if err := c.Process.Kill(); err != nil {
			return err
		}
		if err := c.Start(ctx); err != nil {
			return err
		}
	}
	const all = killTimes * alertsPerKill
	f.holds("every alert has a report, and none has two", eventually(ctx, func(ctx context.Context) error { return c.oneEach(ctx, all) }))
	f.holds("every report has an incident that is there", eventually(ctx, c.incidentsThere))
	f.holds("every incident has one mark on Grafana", eventually(ctx, func(ctx context.Context) error { return f.oneMarkEach(ctx, c) }))
	return nil
}

// oneEach checks that each of the alerts has one finished report.
func (c *culprit) oneEach(ctx context.Context, alerts int) error {
	list, err := c.Reports(ctx)
	if err != nil {
		return err
	}
	of := map[string]int{}
	for _, r := range list {
		if len(r.Sent) > 0 {
			of[r.Alert.Fingerprint]++
		}
	}
	if len(of) != alerts || len(list) != alerts {
		return fmt.Errorf("%d reports, and finished ones of %d of %d alerts", len(list), len(of), alerts)
	}
	return nil
}

// incidentsThere checks that the incident of every report exists.
func (c *culprit) incidentsThere(ctx context.Context) error {
	list, err := c.Reports(ctx)
	if err != nil {
		return err
	}
	for _, r := range list {
		if err := c.Expect(ctx, "/api/v1/incidents/"+r.Incident, http.StatusOK, r.ID); err != nil {
			return err
		}
	}
	return nil
}

// oneMarkEach checks that Grafana shows each incident once.
func (f *field) oneMarkEach(ctx context.Context, c *culprit) error {
	list, err := c.Reports(ctx)
	if err != nil {
		return err
	}
	texts := map[string]int{}
	for _, mark := range f.Grafana.Annotations() {
		for _, r := range list {
			if strings.Contains(mark.Text, r.Incident) {
				texts[r.Incident]++
			}
		}
	}
	var errs []error
	for _, r := range list {
		if n := texts[r.Incident]; n != 1 {
			errs = append(errs, fmt.Errorf("incident %s of alert %s has %d marks", r.Incident, number(r), n))
		}
	}
	return errors.Join(errs...)
}

func number(r report.Report) string { return string(r.Alert.Labels["number"]) }
