// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"fmt"
	"net/http"
)

// disk gives culprit a small disk and fills it: culprit stays up, says so, accepts no alert that it
// can't keep, and resumes by itself when there is room.
func disk(ctx context.Context, f *field) error {
	c, err := f.culprit()
	if err != nil {
		return err
	}
	small, err := c.Disk(24)
	if err != nil {
		return fmt.Errorf("%w: %w", errSkip, err)
	}
	if err := f.Servers(ctx, c.Address); err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	if err := f.Raise(ctx, 0, 3); err != nil {
		return err
	}
	f.holds("alerts before it have a report", eventually(ctx, func(ctx context.Context) error { return c.oneEach(ctx, 3) }))
	if err := small.Fill(); err != nil {
		return err
	}
	if err := f.Raise(ctx, 3, 40); err != nil {
		return err
	}
	f.holds("with a full disk it says that it is not ready, and why", eventually(ctx, func(ctx context.Context) error {
		return c.Expect(ctx, "/-/ready", http.StatusServiceUnavailable, "free some space")
	}))
	f.holds("it is healthy: a restart would not help", c.Expect(ctx, "/-/healthy", http.StatusOK, ""))
	f.holds("it refuses alerts, and Alertmanager keeps them", eventually(ctx, func(ctx context.Context) error {
		return c.Expect(ctx, "/metrics", http.StatusOK, `culprit_notifications_total{outcome="unavailable"}`)
	}))
	if err := small.Free(); err != nil {
		return err
	}
	f.holds("with room it becomes ready by itself", eventually(ctx, c.Ready))
	f.holds("then every alert has a report, and none has two", eventually(ctx, func(ctx context.Context) error { return c.oneEach(ctx, 40) }))
	return nil
}
