// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// The disk is a small tmpfs, which a process may mount in its own namespaces without root.
func TestAFullDiskIsToldAndSurvived(t *testing.T) {
	cmd := child("full", t.TempDir())
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	out, err := cmd.Output()
	if err != nil && len(out) == 0 {
		t.Skipf("no namespaces here: %v", err)
	}
	if err != nil || strings.TrimSpace(string(out)) != "mounted" {
		t.Errorf("%s: %v", out, err)
	}
}

// fillDisk publishes until the disk is full, frees space and goes on.
func fillDisk(dir string) error {
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=24m"); err != nil {
		return err
	}
	fmt.Println("mounted")
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 12<<20), 0o600); err != nil {
		return err
	}
	b, err := Start(context.Background(), Options{Dir: filepath.Join(dir, "data")})
	if err != nil {
		return err
	}
	taken, err := publishUntilRefused(b)
	if !errors.Is(err, ErrUnavailable) || errors.Is(err, ErrFull) {
		return fmt.Errorf("refused with: %w", err)
	}
	if err := within(func() error { return tellsOfTheDisk(b) }); err != nil {
		return err
	}
	if err := os.Remove(ballast); err != nil {
		return err
	}
	if err := within(b.Healthy); err != nil {
		return fmt.Errorf("after room was made: %w", err)
	}
	if err := b.Publish(context.Background(), "after", nil); err != nil {
		return err
	}
	s, err := b.Stats(context.Background())
	if err != nil || s.Pending < taken+1 || s.Pending > taken+2 { // the refused one may be there
		return fmt.Errorf("%d jobs are in the queue, %d were acknowledged: %w", s.Pending, taken+1, err)
	}
	if err := b.Close(); err != nil {
		return err
	}
	return startsWhenThereIsRoom(dir)
}

// startsWhenThereIsRoom starts a broker on a full disk: it says what it waits for, and starts when
// there is space.
func startsWhenThereIsRoom(dir string) error {
	ballast := filepath.Join(dir, "ballast")
	for size := 1 << 20; size > 0; size /= 2 {
		f, err := os.OpenFile(ballast, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
		for page := make([]byte, size); err == nil; {
			_, err = f.Write(page)
		}
		if !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		_ = f.Close()
	}
	var waited atomic.Bool
	b, err := Start(context.Background(), Options{Dir: filepath.Join(dir, "data"), OnWait: func(what string) {
		if strings.Contains(what, "free some space") && !waited.Swap(true) {
			_ = os.Remove(ballast)
		}
	}})
	if err != nil || !waited.Load() {
		return fmt.Errorf("started on a full disk, waited %t: %w", waited.Load(), err)
	}
	return b.Close()
}

// publishUntilRefused returns how many jobs were accepted, and the error.
func publishUntilRefused(b *Broker) (int, error) {
	for n := 0; ; n++ {
		if err := b.Publish(context.Background(), fmt.Sprint(n), make([]byte, 64<<10)); err != nil {
			return n, err
		}
	}
}

// tellsOfTheDisk requires that the broker says at once why it refuses writes.
func tellsOfTheDisk(b *Broker) error {
	if err := b.Healthy(); !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("health: %w", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	if err := b.Publish(ctx, "x", nil); !errors.Is(err, ErrUnavailable) || !strings.Contains(err.Error(), "free some space") {
		return fmt.Errorf("publish: %w", err)
	}
	return nil
}

// within tries for half a minute.
func within(f func() error) error {
	var err error
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if err = f(); err == nil {
			return nil
		}
	}
	return err
}
