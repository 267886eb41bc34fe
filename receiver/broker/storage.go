// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// Names of the broker's own files, next to JetStream's.
const (
	lockFile     = "lock"
	replicasFile = "replicas"
	probeFile    = "probe"
)

// probeSize is what must fit on the disk for it to count as writable: a block of JetStream's
// bookkeeping and a few jobs.
const probeSize = 256 << 10

// openStorage creates and locks the directory, and checks its number of replicas. The lock matters:
// two servers on one directory destroy each other's files.
func openStorage(dir string, replicas int) (fileutil.Releaser, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, storageError(dir, err)
	}
	if err := probeStorage(dir); err != nil {
		return nil, err
	}
	lock, err := lockStorage(dir)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(checkWhole(dir), checkReplicas(dir, replicas)); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return lock, nil
}

// openStorage opens the directory, and waits if the disk is full: a restart would not free space,
// and a supervisor might give up.
func (b *Broker) openStorage(ctx context.Context) (err error) {
	for {
		b.lock, err = openStorage(b.opt.Dir, b.opt.replicas())
		if err == nil || !diskFull(err) {
			return err
		}
		b.waiting("room: " + err.Error())
		if !pauseFor(ctx, roomPause) {
			return err
		}
	}
}

// roomPause is the pause between two looks at a full disk.
const roomPause = 500 * time.Millisecond

// probeStorage writes and flushes a file to find out whether the disk is writable and has space.
func probeStorage(dir string) (err error) {
	path := filepath.Join(dir, probeFile)
	defer func() {
		_ = os.Remove(path) // may not exist
		err = storageError(dir, err)
	}()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeSize))
	return errors.Join(err, f.Sync(), f.Close())
}

// checkReplicas compares the number with that of the directory, and records it in a new one. A file
// without a number, as a power failure may leave, is rewritten.
func checkReplicas(dir string, replicas int) error {
	path := filepath.Join(dir, replicasFile)
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return storageError(dir, err)
	}
	had := replicasIn(string(text))
	if had == 0 {
		return storageError(dir, writeDurably(path, []byte(replicasText(replicas)+"\n")))
	}
	if had != replicas {
		return &Error{
			What: fmt.Sprintf("storage directory %q was created with %d replicas, but %d are requested", dir, had, replicas), Err: ErrReplicas,
			Hint: "the number is chosen once: go back to it, or start with an empty directory",
		}
	}
	return nil
}

// replicasText spells the number so that a damaged digit doesn't go unnoticed.
func replicasText(replicas int) string {
	if replicas == 1 {
		return "1 replica"
	}
	return strconv.Itoa(replicas) + " replicas"
}

// replicasIn parses it, also as older versions wrote it; 0 if there is no number.
func replicasIn(text string) int {
	text = strings.TrimSpace(text)
	for _, n := range []int{1, 3} {
		if text == replicasText(n) || text == strconv.Itoa(n) {
			return n
		}
	}
	return 0
}

// writeDurably writes a file atomically, and so that it survives a power failure.
func writeDurably(path string, content []byte) error {
	next := path + ".next"
	f, err := os.OpenFile(next, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return fileutil.Rename(next, path) // also flushes the directory
}
