// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"
)

// limited is a context that ends after its end has been checked that many times: somewhere in the
// middle.
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

// A process may be stopped while it opens a bucket.
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

// A start may be cut off before it has reported losses: then the next one reports them.
func TestAStartThatIsCutOffForgetsNothing(t *testing.T) {
	var lost atomic.Uint64
	opt := Options{Dir: t.TempDir(), Logger: slog.New(slog.DiscardHandler), OnLost: func(_ string, n uint64) { lost.Add(n) }}
	b := start(t, opt)
	publish(t, b, 5)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	blocks, err := filepath.Glob(filepath.Join(opt.Dir, "jetstream/*/streams", streamName, "msgs/*.blk"))
	if err != nil || len(blocks) != 1 || os.Remove(blocks[0]) != nil {
		t.Fatalf("%q, %v", blocks, err)
	}
	done := 0
	for n := 1; done == 0 && n < 100; n++ {
		b, err := Start(endsAfter(t, n), opt)
		if err != nil {
			continue
		}
		done = n
		if err := b.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if done < 2 || lost.Load() != 5 {
		t.Errorf("%d jobs are said to be gone, want 5; the first start that came to an end is number %d", lost.Load(), done)
	}
}

// What the server writes while a start is cut off is not damage.
func TestAStartThatIsCutOffDamagesNothing(t *testing.T) {
	var said bytes.Buffer
	opt := Options{Dir: t.TempDir(), Logger: slog.New(slog.NewTextHandler(&said, &slog.HandlerOptions{Level: slog.LevelError}))}
	b := start(t, opt)
	publish(t, b, 5)
	collect(t, b, 2)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	opt.AckWait = time.Minute // the server rewrites the settings
	done := 0
	for n := 1; done == 0 && n < 100; n++ {
		if b, err := Start(endsAfter(t, n), opt); err == nil {
			done = n
			if err := b.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if done < 2 || said.Len() > 0 {
		t.Errorf("%d starts, and the log says\n%s", done, said.String())
	}
}
