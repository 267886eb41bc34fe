// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"
)

// limited is a context that ends when it has been asked for its end so many times:
// somewhere in the middle of what it is for.
type limited struct {
	context.Context
	left atomic.Int64
	end  context.CancelFunc
}

func endsAfter(t *testing.T, n int) *limited {
	ctx, cancel := context.WithCancel(deadline(t))
	t.Cleanup(cancel)
	l := &limited{Context: ctx, end: cancel}
	l.left.Store(int64(n))
	return l
}

func (l *limited) Deadline() (time.Time, bool) {
	if l.left.Add(-1) == 0 {
		l.end()
	}
	return l.Context.Deadline()
}

// A process may be told to end while it opens a bucket.
func TestABucketWhoseOpeningIsCutOffIsNoBucket(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	done := 0
	for n := 1; done == 0 && n < 100; n++ {
		k, err := b.Bucket(endsAfter(t, n), fmt.Sprint("cut", n), time.Hour)
		switch {
		case err == nil && k.ledger == nil:
			t.Errorf("cut off at %d: half a bucket, and no error", n)
		case err == nil:
			done = n
		case !errors.Is(err, context.Canceled):
			t.Errorf("cut off at %d: %v", n, err)
		}
	}
	if done < 2 {
		t.Errorf("nothing was cut off: %d", done)
	}
}
