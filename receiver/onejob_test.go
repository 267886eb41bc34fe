// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// finder is a replica's reconcile loop that finds the same alerts in every round. No worker takes a
// job.
func finder(t *testing.T, b *broker.Broker) (*reconciler, *store) {
	s := storeOn(t, b, storeOptions{}, nil)
	return &reconciler{
		store: s, queue: b, stats: b.Stats, metrics: newMetrics(prometheus.NewRegistry()), log: slog.New(slog.DiscardHandler), now: time.Now,
		reached: map[string]bool{}, gone: map[string]time.Time{}, loggedTooLarge: map[string]time.Time{},
	}, s
}

func TestAnAlertHasOneJobHoweverOftenItIsFound(t *testing.T) {
	const alerts, rounds = 200, 5
	start := time.Now().Add(-time.Hour)
	found := make([]alertmanager.Alert, alerts)
	for i := range found {
		labels := model.LabelSet{"alertname": "Errors", "number": model.LabelValue(fmt.Sprint(i))}
		found[i].Labels, found[i].StartsAt, found[i].Fingerprint = labels, start, labels.Fingerprint().String()
	}
	look := func(r *reconciler) {
		v := view{peers: []peerView{{alerts: found}}, whole: true, groups: map[string]group{}}
		r.enqueueMissed(t.Context(), &live{config: anyAlert()}, &v)
	}
	pending := func(b *broker.Broker) int {
		s, err := b.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return s.Pending + s.InFlight
	}
	dir := t.TempDir()
	b := brokerOf(t, dir)
	one, _ := finder(t, b)
	two, _ := finder(t, b) // another replica, on the same queue
	for range rounds {
		look(one)
		look(two)
	}
	if n := pending(b); n != alerts {
		t.Fatalf("%d jobs of %d alerts", n, alerts)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	b = brokerOf(t, dir)
	again, _ := finder(t, b)
	look(again)
	if n := pending(b); n != alerts {
		t.Fatalf("%d jobs of %d alerts after a restart", n, alerts)
	}
	var j job
	for _, a := range found[:3] { // their ends are queued next to their starts
		j = job{Alert: stripped(a), Status: statusResolved, Reason: reasonWebhook, ReceivedAt: time.Now()}
		if err := publish(t.Context(), b, j, again.metrics); err != nil {
			t.Fatal(err)
		}
	}
	// The queue counts with a small delay.
	eventually(t, "no end is swallowed", func() bool { return pending(b) == alerts+3 })
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, 4, func(context.Context, broker.Job) error { return nil })
	}()
	eventually(t, "the queue is empty", func() bool { return pending(b) == 0 })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	eventually(t, "a job for each alert that still has no report", func() bool {
		look(again) // a job that has just ended may still count as its alert's
		return pending(b) == alerts
	})
}

// Second looks wait until every alert has had its first.
func TestSecondLooksWaitForFirstOnes(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	r, s := finder(t, b)
	var found []alertmanager.Alert
	for i, name := range []model.LabelValue{"Known", "New"} {
		labels := model.LabelSet{"alertname": name}
		a := alertmanager.Alert{Labels: labels, StartsAt: time.Now().Add(-time.Hour), Fingerprint: labels.Fingerprint().String()}
		found = append(found, a)
		if i == 0 {
			known := &record{Report: report.Report{ID: "known", Alert: stripped(a)}, Tries: 1, AnalyzedAt: a.StartsAt}
			mustPut(t, s, known)
		}
	}
	pending := func() int {
		st, err := b.Stats(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return st.Pending
	}
	find := func(alerts ...alertmanager.Alert) {
		v := view{peers: []peerView{{alerts: alerts}}, whole: true, groups: map[string]group{}}
		r.enqueueMissed(t.Context(), &live{config: anyAlert()}, &v)
	}
	find(found[1])
	eventually(t, "a job of the new alert", func() bool { return pending() == 1 }) // the queue counts with a small delay
	find(found...)
	time.Sleep(50 * time.Millisecond)
	if n := pending(); n != 1 {
		t.Fatalf("%d jobs: a second look comes before the first of another", n)
	}
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() {
		done <- b.Consume(ctx, 1, func(context.Context, broker.Job) error { return nil })
	}()
	eventually(t, "the first look is over", func() bool { st, err := b.Stats(t.Context()); return err == nil && st.Pending+st.InFlight == 0 })
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	find(found[0])
	eventually(t, "then it is looked at again", func() bool { return pending() == 1 })
}

// anyAlert is a configuration that explains every alert.
func anyAlert() *config.Config { return &config.Config{Rules: []config.Rule{{Name: "any"}}} }

func TestAClockSetBackPreventsNoRetry(t *testing.T) {
	now := time.Now()
	r := &reconciler{now: func() time.Time { return now }}
	known := record{Tries: 1, AnalyzedAt: now.Add(time.Hour)}
	if !r.due(known) {
		t.Error("it waits until the clock has caught up")
	}
	if known.AnalyzedAt = now.Add(-time.Second); r.due(known) {
		t.Error("it does not wait at all")
	}
}
