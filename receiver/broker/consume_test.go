// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// consume runs Consume in the background and returns a function that stops it and waits.
func consume(t testing.TB, b *Broker, workers int, handle func(context.Context, Job) error) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- b.Consume(ctx, workers, handle) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Consume: %v", err)
		}
	})
	t.Cleanup(stop)
	return stop
}

// fast are options that retry failures at once.
func fast(t testing.TB) Options {
	return Options{Logger: testLog(t), RetryMin: 10 * time.Millisecond, RetryMax: 40 * time.Millisecond}
}

func TestAFailedJobComesAgainUntilItSucceeds(t *testing.T) {
	b := start(t, fast(t))
	publish(t, b, 1)
	var seen []int
	done := make(chan struct{})
	consume(t, b, 3, func(_ context.Context, job Job) error {
		if seen = append(seen, job.Deliveries); job.Deliveries < 3 {
			return errors.New("not yet")
		}
		close(done)
		return nil
	})
	wait(t, done)
	if want := "[1 2 3]"; fmt.Sprint(seen) != want {
		t.Errorf("deliveries %v, want %s", seen, want)
	}
}

// wait waits for a channel to be closed.
func wait(t testing.TB, done <-chan struct{}) {
	t.Helper()
	select {
	case <-done:
	case <-deadline(t).Done():
		t.Fatal("waited in vain")
	}
}

func TestAJobThatAlwaysFailsIsToldAsDeadAndLeavesTheQueue(t *testing.T) {
	opt := fast(t)
	opt.MaxDeliveries = 3
	type death struct {
		job Job
		err error
	}
	dead := make(chan death, 10)
	opt.OnDead = func(j Job, err error) { dead <- death{j, err} }
	b := start(t, opt)
	publish(t, b, 1)
	var calls atomic.Int32
	consume(t, b, 1, func(context.Context, Job) error {
		if calls.Add(1) == 2 {
			panic("a bug in the handler")
		}
		return errors.New("no such dashboard")
	})
	d := <-dead
	if d.job.ID != "job-0" || string(d.job.Body) != "body 0" || d.job.Deliveries != 3 || d.err.Error() != "no such dashboard" {
		t.Errorf("dead: %+v, %v", d.job, d.err)
	}
	eventually(t, "an empty queue", func() bool { s, err := b.Stats(deadline(t)); return err == nil && s == Stats{} })
	if n := calls.Load(); n != 3 || len(dead) != 0 {
		t.Errorf("%d calls, %d more deaths", n, len(dead))
	}
}

func TestAPanicBecomesTheErrorOfItsJob(t *testing.T) {
	opt := fast(t)
	opt.MaxDeliveries = 1
	dead := make(chan error, 1)
	opt.OnDead = func(_ Job, err error) { dead <- err }
	b := start(t, opt)
	publish(t, b, 1)
	consume(t, b, 1, func(context.Context, Job) error { panic("index out of range") })
	if err := <-dead; !strings.Contains(err.Error(), "panic: index out of range") || !strings.Contains(err.Error(), "consume_test.go") {
		t.Errorf("%v", err)
	}
}

// A job that kills its process each time never returns an error; its number of deliveries gives it
// away.
func TestAJobThatWasNeverAnsweredIsDeadAfterItsAttempts(t *testing.T) {
	opt := fast(t)
	opt.MaxDeliveries = 2
	dead := make(chan error, 1)
	opt.OnDead = func(_ Job, err error) { dead <- err }
	b := start(t, opt)
	publish(t, b, 1)
	cons, err := b.link.Load().js.Consumer(deadline(t), streamName, consumerName)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // taken and dropped, as by a process that dies
		msg, err := cons.Next()
		if err != nil {
			t.Fatal(err)
		}
		if err := msg.Nak(); err != nil {
			t.Fatal(err)
		}
	}
	consume(t, b, 1, func(context.Context, Job) error {
		t.Error("the handler was called")
		return nil
	})
	if err := <-dead; !errors.Is(err, ErrDeadJob) {
		t.Errorf("%v", err)
	}
}

func TestALongJobIsNotGivenToAnother(t *testing.T) {
	opt := fast(t)
	opt.AckWait = 1500 * time.Millisecond
	b := start(t, opt)
	publish(t, b, 1)
	var calls atomic.Int32
	done := make(chan struct{})
	consume(t, b, 4, func(context.Context, Job) error {
		calls.Add(1)
		time.Sleep(2 * opt.AckWait)
		close(done)
		return nil
	})
	wait(t, done)
	if n := calls.Load(); n != 1 {
		t.Errorf("the job was given out %d times", n)
	}
}

func TestConsumeLetsRunningHandlersFinish(t *testing.T) {
	b := start(t, fast(t))
	publish(t, b, 5)
	started, release := make(chan struct{}, 5), make(chan struct{})
	var finished atomic.Int32
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, 2, func(ctx context.Context, _ Job) error {
			started <- struct{}{}
			<-release
			finished.Add(1)
			return ctx.Err()
		})
	}()
	<-started
	<-started
	cancel()
	select {
	case err := <-done:
		t.Fatalf("Consume left its handlers behind: %v", err)
	case <-time.After(100 * time.Millisecond):
	}
	close(release)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if n := finished.Load(); n != 2 || len(started) != 0 {
		t.Errorf("%d handlers finished, %d more were started", n, len(started))
	}
	if jobs := collect(t, b, 3); len(jobs) != 3 {
		t.Errorf("%d jobs are left, want 3", len(jobs))
	}
}

func TestAHandlerThatOutlastsTheDrainGivesItsJobBack(t *testing.T) {
	opt := fast(t)
	opt.DrainTimeout = 50 * time.Millisecond
	opt.MaxDeliveries = 1 // being cut off is not the job's fault
	opt.OnDead = func(j Job, err error) { t.Errorf("dead: %s: %v", j.ID, err) }
	b := start(t, opt)
	publish(t, b, 1)
	started := make(chan struct{})
	stop := consume(t, b, 1, func(ctx context.Context, _ Job) error {
		close(started)
		<-ctx.Done()
		return ctx.Err()
	})
	wait(t, started)
	stop()
	eventually(t, "the job back in the queue", func() bool { s, err := b.Stats(deadline(t)); return err == nil && s.Pending+s.InFlight == 1 })
}

func TestConsumeEndsWhenTheBrokerIsClosed(t *testing.T) {
	b := start(t, fast(t))
	done := make(chan error, 1)
	ready := make(chan struct{})
	publish(t, b, 1)
	go func() {
		done <- b.Consume(context.Background(), 2, func(context.Context, Job) error { close(ready); return nil })
	}()
	wait(t, ready)
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if err := <-done; !errors.Is(err, ErrClosed) {
		t.Errorf("%v, want ErrClosed", err)
	}
	if err := b.Publish(deadline(t), "x", nil); !errors.Is(err, ErrClosed) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("Publish after Close: %v", err)
	}
	if err := b.Healthy(); !errors.Is(err, ErrClosed) {
		t.Errorf("Healthy after Close: %v", err)
	}
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	b := &Broker{opt: Options{RetryMin: time.Second, RetryMax: 10 * time.Second}}
	for n, want := range map[int]time.Duration{1: 1, 2: 2, 3: 4, 4: 8, 5: 10, 6: 10, 1000: 10} {
		if got := b.backoff(n); got != want*time.Second {
			t.Errorf("backoff(%d) = %s, want %s", n, got, want*time.Second)
		}
	}
}
