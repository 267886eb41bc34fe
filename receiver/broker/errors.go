// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// Errors that callers distinguish with errors.Is.
var (
	ErrFull        = errors.New("the queue is full")             // retry when handlers have caught up
	ErrUnavailable = errors.New("the broker can't store it now") // disk, quorum or deadline; retry with the same id
	ErrTooLarge    = errors.New("too large")                     // above MaxPayload; don't retry
	ErrKey         = errors.New("impossible key")                // longer than MaxKey; don't retry
	ErrClosed      = errors.New("the broker is closed")
	ErrStuck       = errors.New("the broker is stuck") // can't recover by itself: restart the process

	ErrNotFound = errors.New("no such key")                            // Get of a key that was never written, was deleted or has expired
	ErrExists   = errors.New("it is there already")                    // Create of an existing key, or a job that is in the queue
	ErrConflict = errors.New("the entry has changed since")            // Update of a revision that is not the newest
	ErrReplicas = errors.New("wrong number of replicas")               // not 1 or 3, or not what the directory was created with
	ErrSecret   = errors.New("too short to keep anybody out")          // the secret of a cluster
	ErrLocked   = errors.New("the directory is in use")                // by another process
	ErrDeadJob  = errors.New("delivered too often and unacknowledged") // for a job that kills its process
)

// Error is a failure with advice for whoever reads it.
type Error struct {
	What string // what failed, with the value
	Hint string // what to do about it
	Err  error  // the cause
}

// Error returns "what: cause (hint)".
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.What)
	if e.Err != nil {
		b.WriteString(": " + e.Err.Error())
	}
	if e.Hint != "" {
		b.WriteString(" (" + e.Hint + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// diskFull reports whether the disk or its quota is full.
func diskFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}

// storageError explains why the directory can't be used.
func storageError(dir string, err error) error {
	if err == nil {
		return nil
	}
	e := &Error{What: fmt.Sprintf("storage directory %q can't be written", dir), Err: err}
	switch {
	case errors.Is(err, fs.ErrPermission):
		e.Hint = "give the user that runs culprit write access to it, or choose another directory"
	case diskFull(err):
		e.Hint = "the disk or the quota is full: free some space; culprit goes on by itself when there is room"
	case errors.Is(err, syscall.EROFS):
		e.Hint = "the file system is mounted read-only: choose a directory on one that can be written"
	case errors.Is(err, syscall.ENOTDIR), errors.Is(err, fs.ErrExist):
		e.Hint = "a part of the path is a file: choose another directory"
	default:
		e.Hint = "check the disk and the path"
	}
	return e
}

// publishError maps JetStream's errors of a write to those of this package. The limits of a stream
// share one code with failed writes, and differ only in the description.
func publishError(err error) error {
	var api *jetstream.APIError
	switch {
	case err == nil:
		return nil
	case errors.Is(err, nats.ErrMaxPayload):
		return fmt.Errorf("%w: %w", ErrTooLarge, err)
	case errors.As(err, &api) && strings.HasPrefix(api.Description, "maximum "):
		return fmt.Errorf("%w: %s", ErrFull, api.Description)
	default:
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
}
