// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

func TestManyWhoAskAtOnceShareOneAnswer(t *testing.T) {
	m := newMemory()
	var asked atomic.Int32
	release := make(chan struct{})
	var wg sync.WaitGroup
	for range 20 {
		wg.Go(func() {
			v, _, err := m.recall(t.Context(), "k", func() (any, int, error) {
				asked.Add(1)
				<-release
				return 7, 1, nil
			})
			if v != 7 || err != nil {
				t.Errorf("%v, %v", v, err)
			}
		})
	}
	close(release)
	wg.Wait()
	if n := asked.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestWhoGivesUpDoesNotSpeakForOthers(t *testing.T) {
	m := newMemory()
	hasty, cancel := context.WithCancel(t.Context())
	began := make(chan struct{})
	go func() {
		_, _, _ = m.recall(hasty, "k", func() (any, int, error) {
			close(began)
			<-hasty.Done()
			return nil, 0, gaveUp{hasty.Err()}
		})
	}()
	<-began
	time.AfterFunc(10*time.Millisecond, cancel)
	v, asked, err := m.recall(t.Context(), "k", func() (any, int, error) { return 7, 1, nil })
	if v != 7 || !asked || err != nil {
		t.Errorf("%v, %v, %v", v, asked, err)
	}
	done, cancel2 := context.WithCancel(t.Context())
	cancel2()
	m.entries["busy"] = &entry{done: make(chan struct{})}
	if _, _, err := m.recall(done, "busy", nil); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for what nobody answers: %v", err)
	}
}

func TestFailuresToReachTheServerAreNotKept(t *testing.T) {
	m := newMemory()
	for want, err := range map[bool]error{true: errors.New("connection refused"), false: &v1.Error{Type: v1.ErrExec, Msg: "too many samples"}} {
		_, _, _ = m.recall(t.Context(), fmt.Sprint(want), func() (any, int, error) { return nil, 0, err })
		_, asked, _ := m.recall(t.Context(), fmt.Sprint(want), func() (any, int, error) { return nil, 0, nil })
		if asked != want {
			t.Errorf("%v: asked again: %v", err, asked)
		}
	}
}

// The worker that panics goes on with another alert, which must not wait for an answer
// that never comes.
func TestAPanicLeavesNothingThatOthersWaitFor(t *testing.T) {
	broken := func() (any, int, error) { panic("broken") }
	quietly := func(f func()) {
		defer func() { _ = recover() }()
		f()
	}
	m := newMemory()
	quietly(func() { _, _, _ = m.recall(t.Context(), "key", broken) })
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if _, asked, err := m.recall(ctx, "key", func() (any, int, error) { return 1, 1, nil }); !asked || err != nil {
		t.Errorf("asked again: %v, %v", asked, err)
	}

	f := Fetcher{slots: make(chan struct{}, 1), timeout: time.Minute, metrics: (*Metrics)(nil).of("")}
	f.breaker.until = time.Now().Add(-time.Second) // the next question is a trial
	quietly(func() { _ = f.do(t.Context(), "query", func(context.Context) error { panic("broken") }) })
	if err := f.do(t.Context(), "query", func(context.Context) error { return nil }); err != nil {
		t.Errorf("no other trial: %v", err)
	}
}

func TestMemoryIsBounded(t *testing.T) {
	m := newMemory()
	for i := range 100 {
		_, _, _ = m.recall(t.Context(), fmt.Sprint(i), func() (any, int, error) { return i, mostRemembered / 10, nil })
	}
	if m.samples > mostRemembered || len(m.entries) > 10 || len(m.order) != len(m.entries) {
		t.Errorf("%d samples in %d entries", m.samples, len(m.entries))
	}
	if _, asked, _ := m.recall(t.Context(), "99", nil); asked {
		t.Error("the newest is forgotten")
	}
}

func TestABreakerOpensAndTriesAgain(t *testing.T) {
	var b breaker
	now := clock("12:00:00")
	for range failuresToOpen - 1 {
		if b.note(now, false) {
			t.Error("open too early")
		}
	}
	if err := b.allow(now); err != nil {
		t.Error(err)
	}
	if !b.note(now, false) {
		t.Error("not open")
	}
	if err := b.allow(now.Add(time.Second)); !errors.Is(err, ErrUnreachable) {
		t.Errorf("asked while open: %v", err)
	}
	later := now.Add(shortestPause)
	if err := b.allow(later); err != nil {
		t.Errorf("no trial: %v", err)
	}
	if err := b.allow(later); err == nil {
		t.Error("two trials at once")
	}
	b.note(later, false)
	if err := b.allow(later.Add(shortestPause)); err == nil {
		t.Error("the second pause is as short as the first")
	}
	if err := b.allow(later.Add(2 * shortestPause)); err != nil {
		t.Error(err)
	}
	b.note(later, true)
	if err := b.allow(later); err != nil {
		t.Errorf("still open: %v", err)
	}
}

// Each exemplar has labels of its own: a thousand of one series are no single sample.
func TestExemplarsWeighWhatTheyTake(t *testing.T) {
	e := v1.Exemplar{Labels: model.LabelSet{"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}, Value: 1}
	if n := weightOf([]v1.ExemplarQueryResult{{Exemplars: make([]v1.Exemplar, 1000)}, {Exemplars: []v1.Exemplar{e}}}); n < 1000*perSeries {
		t.Errorf("they weigh as %d samples", n)
	}
}
