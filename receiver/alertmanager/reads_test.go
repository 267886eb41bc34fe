// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

func serve(t *testing.T, h http.HandlerFunc) *Client {
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return connect(t, s.URL)
}

// TestAStormOfReadsKeepsBelowTheLimitOfTheServer has a server with Alertmanager's limit of
// concurrent reads, half of which others use.
func TestAStormOfReadsKeepsBelowTheLimitOfTheServer(t *testing.T) {
	var now, refused atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		defer now.Add(-1)
		if now.Add(1) > 4 {
			refused.Add(1)
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, `[{"fingerprint":"1"}]`)
	})
	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			if alerts, err := c.Alerts(t.Context(), Filter{Receiver: string(rune('a' + i%50))}); err != nil || len(alerts) != 1 {
				t.Errorf("%v %v", alerts, err)
			}
		})
	}
	wg.Wait()
	if n := refused.Load(); n > 0 {
		t.Errorf("%d were refused", n)
	}
}

func TestIdenticalWaitingReadsAreMerged(t *testing.T) {
	var asked atomic.Int32
	c := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		io.WriteString(w, `[{"fingerprint":"1"}]`)
	})
	for range mostReads {
		c.reads.turns <- struct{}{}
	}
	var wg sync.WaitGroup
	for range 100 {
		wg.Go(func() {
			if alerts, err := c.Alerts(t.Context(), Filter{}); err != nil || len(alerts) != 1 || alerts[0].AskedAt.IsZero() {
				t.Errorf("%v %v", alerts, err)
			}
		})
	}
	for range mostReads {
		<-c.reads.turns
	}
	wg.Wait()
	if n := asked.Load(); n > 100/2 { // all reads before the first was sent are merged
		t.Errorf("%d reads", n)
	}
}

func TestAReadRefusedByABusyServerIsRetried(t *testing.T) {
	var tries atomic.Int32
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if tries.Add(1) < 3 {
			http.Error(w, "Limit of concurrent GET requests reached (8), try again later.", http.StatusServiceUnavailable)
			return
		}
		io.WriteString(w, `[]`)
	})
	if _, err := c.Alerts(t.Context(), Filter{}); err != nil || tries.Load() != 3 {
		t.Errorf("%d tries, %v", tries.Load(), err)
	}
	down := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) })
	if _, err := down.Alerts(t.Context(), Filter{}); remote.ReasonOf(err) != remote.Overloaded {
		t.Errorf("%v", err)
	}
}

func TestTheDeadlineOfOneReaderDoesNotAffectOthers(t *testing.T) {
	c := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, `[]`) })
	for range mostReads {
		c.reads.turns <- struct{}{}
	}
	hasty, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		_, err := c.Alerts(hasty, Filter{})
		first <- err
	}()
	for waits := false; !waits; { // until it waits for a slot
		c.reads.mu.Lock()
		waits = len(c.reads.waiting) == 1
		c.reads.mu.Unlock()
	}
	second := make(chan error, 1)
	go func() {
		_, err := c.Alerts(t.Context(), Filter{})
		second <- err
	}()
	cancel()
	if err := <-first; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	for range mostReads {
		<-c.reads.turns
	}
	if err := <-second; err != nil {
		t.Errorf("%v", err)
	}
}

func TestAHugeAnswerIsAnErrorThatSaysSo(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "[")
		for range 2000 {
			io.WriteString(w, `{"fingerprint":"1"},`)
		}
		io.WriteString(w, `{}]`)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(config.Alertmanager{URL: config.NewURL(u)}, Options{MaxBody: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	_, err = c.Alerts(t.Context(), Filter{})
	if remote.ReasonOf(err) != remote.TooLarge || remote.Retryable(err) {
		t.Errorf("%v", err)
	}
}
