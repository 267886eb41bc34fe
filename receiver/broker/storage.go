// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/prometheus/prometheus/tsdb/fileutil"
)

// Names of the files that the broker itself keeps beside those of JetStream.
const (
	lockFile     = "lock"
	replicasFile = "replicas"
	probeFile    = "probe"
)

// probeSize is what must fit on the disk before it counts as writable: a block
// of JetStream's bookkeeping and a few jobs.
const probeSize = 256 << 10

// openStorage makes the directory, takes its lock and checks that it was made
// with as many replicas as are asked for. Two servers on one directory destroy
// each other's files, hence the lock.
func openStorage(dir string, replicas int) (fileutil.Releaser, error) {
	if err := os.MkdirAll(dir, 0o750); err != nil {
		return nil, storageError(dir, err)
	}
	if err := probeStorage(dir); err != nil {
		return nil, err
	}
	lock, _, err := fileutil.Flock(filepath.Join(dir, lockFile))
	if err != nil {
		return nil, &Error{
			What: fmt.Sprintf("storage directory %q", dir), Err: fmt.Errorf("%w: %w", ErrLocked, err),
			Hint: "another culprit runs on it: stop that one, or give this one a directory of its own",
		}
	}
	if err := checkReplicas(dir, replicas); err != nil {
		return nil, errors.Join(err, lock.Release())
	}
	return lock, nil
}

// probeStorage writes and flushes a file, to learn whether the disk has room.
func probeStorage(dir string) (err error) {
	path := filepath.Join(dir, probeFile)
	defer func() {
		_ = os.Remove(path) // it may never have come to be
		err = storageError(dir, err)
	}()
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = f.Write(make([]byte, probeSize))
	return errors.Join(err, f.Sync(), f.Close())
}

// checkReplicas compares the number with the one that the directory was made
// with, and notes it in a new one.
func checkReplicas(dir string, replicas int) error {
	path := filepath.Join(dir, replicasFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return storageError(dir, os.WriteFile(path, []byte(strconv.Itoa(replicas)+"\n"), 0o640))
	}
	if err != nil {
		return storageError(dir, err)
	}
	if had := strings.TrimSpace(string(text)); had != strconv.Itoa(replicas) {
		return &Error{
			What: fmt.Sprintf("storage directory %q was made with %s replicas, %d are asked for", dir, had, replicas), Err: ErrReplicas,
			Hint: "the number is chosen once: go back to it, or start with an empty directory",
		}
	}
	return nil
}
