// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// disk gives culprit a small disk and fills it: it stays up, says so, takes no
// alert that it can't keep, and goes on by itself when there is room.
func disk(ctx context.Context, f *field) error {
	c, err := f.culprit("culprit")
	if err != nil {
		return err
	}
	if err := os.Mkdir(c.data(), 0o700); err != nil {
		return err
	}
	c.prefix = smallDisk(c.data())
	if out, err := exec.CommandContext(ctx, c.prefix[0], append(c.prefix[1:], "true")...).CombinedOutput(); err != nil {
		return fmt.Errorf("%w: no small disk: %w %s", errSkip, err, out)
	}
	if err := f.servers(ctx, c.address); err != nil {
		return err
	}
	if err := c.start(ctx); err != nil {
		return err
	}
	if err := f.raise(ctx, 0, 3); err != nil {
		return err
	}
	f.holds("alerts before it have a report", eventually(ctx, func(ctx context.Context) error { return c.oneEach(ctx, 3) }))
	ballast, err := fill(filepath.Join(fmt.Sprintf("/proc/%d/root", c.process.PID()), c.data()))
	if err != nil {
		return err
	}
	if err := f.raise(ctx, 3, 40); err != nil {
		return err
	}
	f.holds("with a full disk it says that it is not ready, and why", eventually(ctx, func(ctx context.Context) error {
		return c.expect(ctx, "/-/ready", http.StatusServiceUnavailable, "free some space")
	}))
	f.holds("it is healthy: a restart would not help", c.expect(ctx, "/-/healthy", http.StatusOK, ""))
	f.holds("it refuses alerts, and Alertmanager keeps them", eventually(ctx, func(ctx context.Context) error {
		return c.expect(ctx, "/metrics", http.StatusOK, `culprit_notifications_total{outcome="unavailable"}`)
	}))
	if err := os.Remove(ballast); err != nil {
		return err
	}
	f.holds("with room it becomes ready by itself", eventually(ctx, c.ready))
	f.holds("then every alert has a report, and none has two", eventually(ctx, func(ctx context.Context) error { return c.oneEach(ctx, 40) }))
	return nil
}

// smallDisk runs a command with a small file system in memory at the path that
// follows, in namespaces of its own, for which nobody has to be root.
func smallDisk(path string) []string {
	return []string{
		"unshare", "--user", "--map-root-user", "--mount",
		"sh", "-c", `mount -t tmpfs -o size=24m tmpfs "$0" && exec "$@"`, path,
	}
}

// fill writes a file until the disk is full, and returns its path.
func fill(dir string) (string, error) {
	path := filepath.Join(dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		return "", err
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		return "", fmt.Errorf("filling the disk: %w", err)
	}
	return path, nil
}
