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

// start opens a broker that ends with the test.
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

// testLog sends the broker's log to the test's.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelWarn}))
}

// publish puts n jobs into the queue, job-0 to job-(n-1).
func publish(t testing.TB, b *Broker, n int) {
	t.Helper()
	for i := range n {
		if err := b.Publish(deadline(t), fmt.Sprintf("job-%d", i), []byte(fmt.Sprintf("body %d", i))); err != nil {
			t.Fatal(err)
		}
	}
}

// collect handles jobs until there were n, and returns them by id.
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

// eventually waits until ok or the end of the test's patience.
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

func TestBucketBasics(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	ctx := deadline(t)
	k, err := b.Bucket(ctx, "reports", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Get(ctx, "a b.c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get of nothing: %v", err)
	}
	rev, err := k.Create(ctx, "a b.c", []byte("1"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := k.Create(ctx, "a b.c", []byte("2")); !errors.Is(err, ErrExists) {
		t.Errorf("second Create: %v", err)
	}
	if _, err := k.Update(ctx, "a b.c", []byte("3"), rev); err != nil {
		t.Errorf("Update: %v", err)
	}
	if _, err := k.Update(ctx, "a b.c", []byte("4"), rev); !errors.Is(err, ErrConflict) {
		t.Errorf("Update with an old revision: %v", err)
	}
	e, err := k.Get(ctx, "a b.c")
	if err != nil || string(e.Value) != "3" || e.Key != "a b.c" {
		t.Errorf("Get: %+v, %v", e, err)
	}
	if err := k.Delete(ctx, "a b.c"); err != nil {
		t.Error(err)
	}
	if _, err := k.Get(ctx, "a b.c"); !errors.Is(err, ErrNotFound) {
		t.Errorf("Get after Delete: %v", err)
	}
	if _, err := k.Create(ctx, "a b.c", []byte("5")); err != nil {
		t.Errorf("Create after Delete: %v", err)
	}
}

func BenchmarkPublish(b *testing.B) {
	for name, interval := range map[string]time.Duration{"flushed": 0, "interval": 2 * time.Minute} {
		b.Run(name, func(b *testing.B) {
			br := start(b, Options{SyncInterval: interval, MaxJobs: 1 << 40, MaxBytes: 1 << 40})
			body := make([]byte, 2<<10)
			ctx := context.Background()
			for i := 0; b.Loop(); i++ {
				if err := br.Publish(ctx, fmt.Sprint(i), body); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
