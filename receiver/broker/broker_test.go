// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"testing"
	"time"
)

// start opens a broker that is closed at the end of the test.
func start(t testing.TB, opt Options) *Broker {
	t.Helper()
	if opt.Dir == "" {
		opt.Dir = t.TempDir()
	}
	b, err := Start(deadline(t), opt)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

// deadline bounds everything that a test waits for.
func deadline(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// testLog sends the broker's log to the test's log.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// publish enqueues jobs job-0 to job-(n-1), unless they are there.
func publish(t testing.TB, b *Broker, n int) {
	t.Helper()
	for i := range n {
		if err := b.Publish(deadline(t), fmt.Sprintf("job-%d", i), []byte(fmt.Sprintf("body %d", i))); err != nil && !errors.Is(err, ErrExists) {
			t.Fatal(err)
		}
	}
}

// collect handles n jobs and returns them by id.
func collect(t testing.TB, b *Broker, n int) map[string]Job {
	t.Helper()
	ctx, cancel := context.WithCancel(deadline(t))
	defer cancel()
	var mu sync.Mutex
	jobs := map[string]Job{}
	err := b.Consume(ctx, 4, func(_ context.Context, job Job) error {
		mu.Lock()
		defer mu.Unlock()
		jobs[job.ID] = job
		if len(jobs) == n {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return jobs
}

// eventually waits until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for ctx := deadline(t); !ok(); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil {
			t.Fatalf("never: %s", what)
		}
	}
}

func TestPublishedJobsAreHandledOnce(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	publish(t, b, 10)
	jobs := collect(t, b, 10)
	for i := range 10 {
		job := jobs[fmt.Sprintf("job-%d", i)]
		if want := fmt.Sprintf("body %d", i); string(job.Body) != want {
			t.Errorf("job %d has body %q, want %q", i, job.Body, want)
		}
		if job.Deliveries != 1 {
			t.Errorf("job %d came %d times", i, job.Deliveries)
		}
		if age := time.Since(job.EnqueuedAt); age < 0 || age > time.Minute {
			t.Errorf("job %d was enqueued %s ago", i, age)
		}
	}
	eventually(t, "an empty queue", func() bool {
		s, err := b.Stats(deadline(t))
		return err == nil && s == Stats{}
	})
	if err := b.Healthy(); err != nil {
		t.Error(err)
	}
}
