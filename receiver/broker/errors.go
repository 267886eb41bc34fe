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

// The errors that callers tell apart with errors.Is.
var (
	ErrFull        = errors.New("the queue is full")             // try again when handlers have caught up
	ErrUnavailable = errors.New("the broker can't store it now") // disk, quorum or deadline; try again with the same id
	ErrTooLarge    = errors.New("too large")                     // above MaxPayload; never try again
	ErrKey         = errors.New("impossible key")                // longer than MaxKey; never try again
	ErrClosed      = errors.New("the broker is closed")
	ErrStuck       = errors.New("the broker is stuck") // and does not come right by itself: start the process again

	ErrNotFound = errors.New("no such key")                            // Get of a key that was never put, was deleted or has expired
	ErrExists   = errors.New("it is there already")                    // Create of a key that is there, or a job that is in the queue
	ErrConflict = errors.New("the entry has changed since")            // Update with a revision that is not the newest
	ErrReplicas = errors.New("wrong number of replicas")               // not 1 or 3, or not what the directory was made with
	ErrSecret   = errors.New("too short to keep anybody out")          // the secret of a cluster
	ErrLocked   = errors.New("the directory is in use")                // by another process
	ErrDeadJob  = errors.New("delivered too often and unacknowledged") // the reason of a job that kills its process
)

// Error is a failure with advice for the person who reads it.
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

// diskFull says whether there is no room on the disk, or in its quota.
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

// publishError sorts the answers of JetStream to a write into the errors of
// this package. The limits of a stream share one code with failed writes and
// differ in their description only.
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
