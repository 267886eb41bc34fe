// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestOneIDIsOneJob(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	jobs := func() int {
		s, err := b.Stats(deadline(t))
		if err != nil {
			t.Fatal(err)
		}
		return s.Pending
	}
	for range 3 {
		publish(t, b, 2)
	}
	if n := jobs(); n != 2 {
		t.Errorf("%d jobs, want 2", n)
	}
	collect(t, b, 2)
	eventually(t, "the ids free again", func() bool {
		publish(t, b, 2) // a job that has just ended may still count as present
		return jobs() == 2
	})
}

func TestAJobThatIsWorkedOnIsInTheQueue(t *testing.T) {
	b := start(t, Options{Logger: testLog(t), RetryMin: 10 * time.Millisecond})
	running, goOn := make(chan int), make(chan error)
	consume(t, b, 1, func(_ context.Context, job Job) error {
		running <- job.Deliveries
		return <-goOn
	})
	for delivery, end := range []error{errors.New("not now"), nil} {
		publish(t, b, 1)
		if n := <-running; n != delivery+1 {
			t.Fatalf("attempt %d is number %d: the job is there twice", delivery+1, n)
		}
		publish(t, b, 1) // while it is in progress
		goOn <- end
	}
	eventually(t, "an empty queue", func() bool {
		s, err := b.Stats(deadline(t))
		return err == nil && s.Pending+s.InFlight == 0
	})
	again := 0
	eventually(t, "the job again", func() bool {
		publish(t, b, 1) // a job that has just ended may still count as present
		select {
		case again = <-running:
			return true
		case <-time.After(100 * time.Millisecond):
			return false
		}
	})
	if again != 1 {
		t.Errorf("after its end the job comes with attempt %d", again)
	}
	goOn <- nil
}

// Older versions put all jobs under one subject.
func TestJobsOfAnOlderCulpritAreWorkedOn(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	for i := range 3 {
		msg := nats.NewMsg(subject)
		if _, err := b.link.Load().js.PublishMsg(deadline(t), msg, jetstream.WithMsgID(encodeKey(fmt.Sprint("old ", i)))); err != nil {
			t.Fatal(err)
		}
	}
	if jobs := collect(t, b, 3); jobs["old 2"].ID != "old 2" {
		t.Errorf("%v", jobs)
	}
}

func TestAnyStringIsAnID(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	ids := []string{"", " ", "a b", "a\r\nNats-Rollup: all", "läbel", "=", "=20", "\x00\xff", strings.Repeat("x", 1000)}
	for _, id := range ids {
		if err := b.Publish(deadline(t), id, []byte(id)); err != nil {
			t.Fatal(err)
		}
	}
	jobs := collect(t, b, len(ids))
	for _, id := range ids {
		if string(jobs[id].Body) != id {
			t.Errorf("%q came back as %+v", id, jobs[id])
		}
	}
}

func TestAFullQueueRefusesAndKeepsWhatItHas(t *testing.T) {
	for name, opt := range map[string]Options{
		"jobs":  {MaxJobs: 10},
		"bytes": {MaxBytes: 2000},
	} {
		t.Run(name, func(t *testing.T) {
			b := start(t, opt)
			var taken int
			var err error
			for ; err == nil && taken < 1000; taken++ {
				err = b.Publish(deadline(t), fmt.Sprint(taken), make([]byte, 100))
			}
			taken--
			if !errors.Is(err, ErrFull) || errors.Is(err, ErrUnavailable) {
				t.Fatalf("after %d jobs: %v, want ErrFull", taken, err)
			}
			if name == "jobs" && taken != 10 {
				t.Errorf("%d jobs were taken, want 10", taken)
			}
			if err := b.Healthy(); err != nil {
				t.Errorf("a full queue is no illness: %v", err)
			}
			jobs := collect(t, b, taken)
			if _, ok := jobs["0"]; !ok {
				t.Error("the oldest job is gone")
			}
			if err := b.Publish(deadline(t), "new", nil); err != nil {
				t.Errorf("there is room again: %v", err)
			}
		})
	}
}

func TestAJobAboveTheLimitIsTooLarge(t *testing.T) {
	b := start(t, Options{})
	if err := b.Publish(deadline(t), "big", make([]byte, MaxPayload+1)); !errors.Is(err, ErrTooLarge) || errors.Is(err, ErrUnavailable) {
		t.Errorf("%v, want ErrTooLarge", err)
	}
	if err := b.Publish(deadline(t), "just right", make([]byte, MaxPayload-1024)); err != nil {
		t.Error(err)
	}
}

func TestPublishEndsWithItsContext(t *testing.T) {
	b := start(t, Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.Publish(ctx, "x", nil); !errors.Is(err, context.Canceled) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("%v", err)
	}
}

func TestStatsCountWaitingAndRunningJobs(t *testing.T) {
	b := start(t, Options{Logger: testLog(t)})
	if s, err := b.Stats(deadline(t)); err != nil || s != (Stats{}) {
		t.Errorf("empty: %+v, %v", s, err)
	}
	publish(t, b, 5)
	time.Sleep(20 * time.Millisecond)
	running, release := make(chan struct{}, 2), make(chan struct{})
	consume(t, b, 2, func(context.Context, Job) error {
		running <- struct{}{}
		<-release
		return nil
	})
	t.Cleanup(sync.OnceFunc(func() { close(release) }))
	<-running
	<-running
	s, err := b.Stats(deadline(t))
	if err != nil || s.Pending != 3 || s.InFlight != 2 || s.Bytes == 0 || s.Oldest < 20*time.Millisecond || s.Oldest > time.Minute {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestJobsAndEntriesOutliveARestart(t *testing.T) {
	dir := t.TempDir()
	b := start(t, Options{Dir: dir})
	publish(t, b, 20)
	k, err := b.Bucket(deadline(t), "reports", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	rev, err := k.Put(deadline(t), "key", []byte("value"))
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = start(t, Options{Dir: dir})
	publish(t, b, 20) // these are certainly there
	if jobs := collect(t, b, 20); len(jobs) != 20 {
		t.Errorf("%d jobs", len(jobs))
	}
	if k, err = b.Bucket(deadline(t), "reports", time.Hour); err != nil {
		t.Fatal(err)
	}
	if e, err := k.Get(deadline(t), "key"); err != nil || string(e.Value) != "value" || e.Revision != rev {
		t.Errorf("%+v, %v", e, err)
	}
}

// BenchmarkPublish measures acknowledged writes, with a flush each (the default) and with one every
// two minutes.
func BenchmarkPublish(b *testing.B) {
	for _, c := range []struct {
		name     string
		interval time.Duration
		parallel int
	}{{"flushed", 0, 1}, {"flushed-8", 0, 4}, {"interval", 2 * time.Minute, 1}} {
		for _, size := range []int{1 << 10, 16 << 10} {
			b.Run(fmt.Sprintf("%s/%dKiB", c.name, size>>10), func(b *testing.B) {
				br := start(b, Options{SyncInterval: c.interval, MaxJobs: 1 << 40, MaxBytes: 1 << 40})
				b.SetParallelism(c.parallel)
				b.SetBytes(int64(size))
				body := make([]byte, size)
				var mu sync.Mutex
				n := 0
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						mu.Lock()
						n++
						id := fmt.Sprint(n)
						mu.Unlock()
						if err := br.Publish(context.Background(), id, body); err != nil {
							b.Error(err)
							return
						}
					}
				})
			})
		}
	}
}

// BenchmarkConsume measures handling a job that is already queued.
func BenchmarkConsume(b *testing.B) {
	br := start(b, Options{SyncInterval: time.Minute, MaxJobs: 1 << 40, MaxBytes: 1 << 40})
	for i := range b.N {
		if err := br.Publish(context.Background(), fmt.Sprint(i), make([]byte, 1<<10)); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	collect(b, br, b.N)
}
