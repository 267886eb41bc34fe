// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// smallDisk runs a command with a small in-memory file system at the path that follows, in its own
// namespaces, so that it needs no root.
func smallDisk(path string) []string {
	return []string{
		"unshare", "--user", "--map-root-user", "--mount",
		"sh", "-c", `mount -t tmpfs -o size=24m tmpfs "$0" && exec "$@"`, path,
	}
}

// fill writes a file until the disk of a process is full, and returns its path for removal.
func fill(t *testing.T, p *lab.Process, dir string) string {
	t.Helper()
	path := filepath.Join(fmt.Sprintf("/proc/%d/root", p.PID()), dir, "ballast")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for page := make([]byte, 4096); err == nil; {
		_, err = f.Write(page)
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk: %v", err)
	}
	return path
}

// With a full disk culprit stays up and accepts no alert that it can't keep: Alertmanager keeps it
// instead, and sends it again when there is room.
func TestWithAFullDiskAlertsWaitInAlertmanager(t *testing.T) {
	t.Parallel()
	w := startTest(t, nil)
	data := filepath.Join(w.dir, "data")
	if err := os.Mkdir(data, 0o700); err != nil {
		t.Fatal(err)
	}
	prefix := smallDisk(data)
	if out, err := exec.CommandContext(t.Context(), prefix[0], append(prefix[1:], "true")...).CombinedOutput(); err != nil {
		t.Skipf("no small disk here: %v %s", err, out)
	}
	p := startOutside(t, w, buildCulprit(t), prefix...)
	w.flip(t, "before", 1)
	w.reportsOf(t, "report", "Switch", func(list []report.Report) bool { return len(list) == 1 && len(list[0].Sent) > 0 })

	ballast := fill(t, p, data)
	alerts := 1
	eventually(t, "refusal", func(ctx context.Context) (float64, bool, error) {
		w.flip(t, fmt.Sprintf("full %d", alerts), 1) // the last page may have room for some
		alerts++
		n, err := w.metric(ctx, "culprit_notifications_total", "outcome", "unavailable")
		return n, n > 0, err
	})
	w.healthy(t)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	w.reportsOf(t, "report of every alert", "Switch", func(list []report.Report) bool { return len(list) == alerts })
	if !p.Running() {
		t.Error("culprit has ended")
	}
}
