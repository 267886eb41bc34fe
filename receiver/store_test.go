// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// brokerOf starts a broker on a directory.
func brokerOf(t testing.TB, dir string) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Dir: dir, MaxBucketBytes: -1, SyncInterval: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

// storeOn opens a store on a broker; change may wrap the buckets.
func storeOn(t testing.TB, b *broker.Broker, opt storeOptions, change func(reports, incidents bucket) (bucket, bucket)) *store {
	t.Helper()
	if opt.now == nil {
		opt.now = time.Now
	}
	opt.log, opt.ttl = slog.New(slog.DiscardHandler), time.Hour
	reports, err := b.Bucket(t.Context(), "reports", opt.ttl)
	if err != nil {
		t.Fatal(err)
	}
	incidents, err := b.Bucket(t.Context(), "incidents", opt.ttl)
	if err != nil {
		t.Fatal(err)
	}
	s := makeStore(opt)
	var r, i bucket = reports, incidents
	if change != nil {
		r, i = change(r, i)
	}
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	if err := s.open(ctx, r, i); err != nil {
		t.Fatal(err)
	}
	return s
}

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

// recordOf is the n-th report of a group, new and open.
func recordOf(n int, start time.Time) *record {
	labels := model.LabelSet{"alertname": "Errors", "service": "shop", "number": model.LabelValue(fmt.Sprint(n))}
	alert := report.Alert{Labels: labels, StartsAt: start, Fingerprint: labels.Fingerprint().String()}
	return &record{
		Group:  group{Receiver: "culprit", Labels: model.LabelSet{"service": "shop"}, Key: "g"},
		Report: report.New(report.Input{Alert: alert, Now: start, Onset: start, Result: analysis.Result{Verdict: analysis.NoConfidentCause}}),
	}
}

func mustPut(t testing.TB, s *store, r *record) report.Incident {
	t.Helper()
	inc, err := s.Put(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	return inc
}

// eventually waits until a fact holds.
func eventually(t *testing.T, fact string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not come to be: %s", fact)
		}
	}
}

// killed is a bucket whose process is killed before a write.
type killed struct {
	bucket
	mu   sync.Mutex
	left int // writes until then
}

var errKilled = errors.New("killed")

func (k *killed) die() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.left--; k.left < 0 {
		return errKilled
	}
	return nil
}

func (k *killed) Create(ctx context.Context, key string, value []byte) (uint64, error) {
	if err := k.die(); err != nil {
		return 0, err
	}
	return k.bucket.Create(ctx, key, value)
}

func (k *killed) Update(ctx context.Context, key string, value []byte, revision uint64) (uint64, error) {
	if err := k.die(); err != nil {
		return 0, err
	}
	return k.bucket.Update(ctx, key, value, revision)
}

func TestHalfWrittenStateIsCompletedAtTheNextStart(t *testing.T) {
	for name, c := range map[string]struct{ reports, incidents int }{
		"a report without its incident":      {1, 0},
		"an incident without its last alert": {3, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := brokerOf(t, t.TempDir())
			s := storeOn(t, b, storeOptions{base: "http://c"}, func(r, i bucket) (bucket, bucket) { return r, &killed{bucket: i, left: c.incidents} })
			var id string
			for n := range c.reports {
				r := recordOf(n, noon.Add(time.Duration(n)*time.Second))
				_, err := s.Put(t.Context(), r)
				if id = r.Report.Incident; err != nil && !errors.Is(err, errKilled) {
					t.Fatal(err)
				}
			}
			next := storeOn(t, b, storeOptions{base: "http://c"}, nil)
			inc, ok := next.incidentByID(id)
			if !ok || len(inc.Reports) != c.reports || inc.ID != id || !strings.HasSuffix(inc.URL, id) {
				t.Errorf("%t: %+v", ok, inc)
			}
			if other := storeOn(t, b, storeOptions{}, nil); other.digestOf(id) != next.digestOf(id) {
				t.Error("it was finished in memory only")
			}
		})
	}
}

func TestAHalfWrittenEndIsCompleted(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	dying := &killed{left: 1}
	s := storeOn(t, b, storeOptions{}, func(r, i bucket) (bucket, bucket) { dying.bucket = i; return r, dying })
	r := recordOf(1, noon)
	mustPut(t, s, r)
	at := noon.Add(time.Hour)
	if _, err := s.update(t.Context(), r.Report.ID, func(r *record) { r.Report.ResolvedAt = &at }); !errors.Is(err, errKilled) {
		t.Fatal(err)
	}
	next := storeOn(t, b, storeOptions{}, nil)
	if inc, _ := next.incidentByID(r.Report.Incident); inc.Open() {
		t.Error("the incident is open after its only alert has ended")
	}
}

// All clocks go back by an hour between a firing and what follows.
func TestAClockSetBackHidesNothing(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	now := noon
	s := storeOn(t, b, storeOptions{now: func() time.Time { return now }}, nil)
	first := recordOf(1, now)
	mustPut(t, s, first)
	end := now
	if _, err := s.update(t.Context(), first.Report.ID, func(r *record) { r.Report.ResolvedAt = &end }); err != nil {
		t.Fatal(err)
	}
	now = now.Add(-time.Hour)
	again := recordOf(1, now)
	mustPut(t, s, again)
	fp := again.Report.Alert.Fingerprint
	for name, s := range map[string]*store{"here": s, "after a restart": storeOn(t, b, storeOptions{}, nil)} {
		known, ok := s.current(fp)
		if !ok || known.Report.ID != again.Report.ID || !known.open() {
			t.Errorf("%s the newest report is %s, of %s", name, known.Report.ID, known.Report.Alert.StartsAt)
		}
		if !s.reported(again.Report.Alert) {
			t.Errorf("%s the alert counts as one without a report", name)
		}
	}
	if _, err := s.update(t.Context(), again.Report.ID, func(r *record) { r.Report.ResolvedAt = &now }); err != nil {
		t.Fatal(err)
	}
	if known, _ := s.current(fp); known.open() {
		t.Error("the end was not noted")
	}
	if inc, _ := s.incidentByID(again.Report.Incident); inc.Open() {
		t.Error("the end of the incident was not noted")
	}
}

func TestAnEndBelongsToTheFiringOfItsStart(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{}, nil)
	first, second := recordOf(1, noon), recordOf(1, noon.Add(time.Hour))
	end := noon.Add(time.Minute)
	first.Report.ResolvedAt = &end
	mustPut(t, s, first)
	mustPut(t, s, second)
	if r, ok := s.firing(first.Report.Alert); ok {
		t.Errorf("an end that comes again would end %s", r.Report.ID)
	}
	moved := second.Report.Alert
	moved.StartsAt = moved.StartsAt.Add(-time.Second)
	for _, a := range []report.Alert{second.Report.Alert, moved} {
		if r, ok := s.firing(a); !ok || r.Report.ID != second.Report.ID {
			t.Errorf("the end of %s is of %q", a.StartsAt, r.Report.ID)
		}
	}
}

// Two replicas write the reports of one group, and their indexes end up equal. An end written by
// one survives the other's writes.
func TestTwoReplicasLoseNoWriteOfEachOther(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	one, two := storeOn(t, b, storeOptions{}, nil), storeOn(t, b, storeOptions{}, nil)
	first := recordOf(0, noon)
	inc := mustPut(t, one, first)
	eventually(t, "the other sees it", func() bool { _, ok := two.incidentByID(inc.ID); return ok })
	const n = 60
	var all sync.WaitGroup
	for k, s := range []*store{one, two} {
		all.Go(func() {
			for i := 1 + k; i <= n; i += 2 {
				mustPut(t, s, recordOf(i, noon))
			}
		})
	}
	all.Wait()
	eventually(t, "both know all", func() bool {
		a, _ := one.incidentByID(inc.ID)
		c, _ := two.incidentByID(inc.ID)
		return len(a.Reports) == n+1 && len(c.Reports) == n+1
	})

	known, err := one.load(t.Context(), first.Report.ID)
	if err != nil {
		t.Fatal(err)
	}
	end := noon.Add(time.Minute)
	if _, err := two.update(t.Context(), first.Report.ID, func(r *record) { r.Report.ResolvedAt = &end }); err != nil {
		t.Fatal(err)
	}
	known.Tries++ // another look, begun before the end was written
	mustPut(t, one, &known)
	if r, err := two.load(t.Context(), first.Report.ID); err != nil || r.open() || r.Tries != known.Tries {
		t.Errorf("%v: resolved at %v after %d tries", err, r.Report.ResolvedAt, r.Tries)
	}
}

func TestTheOldestReportsGoFirstAndFiringOnesNever(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{limit: 200 << 10}, nil)
	end := noon.Add(time.Minute)
	text := strings.Repeat("x", 4<<10)
	firing := recordOf(0, noon)
	firing.Report.Summary = text
	mustPut(t, s, firing)
	var newest *record
	for n := 1; n < 200; n++ {
		newest = recordOf(n, noon)
		newest.Group.Key, newest.Group.Labels = fmt.Sprint(n), model.LabelSet{"n": model.LabelValue(fmt.Sprint(n))}
		newest.Report.Summary, newest.Report.ResolvedAt = text, &end
		mustPut(t, s, newest)
		s.measure(t.Context())
	}
	if size, err := s.reports.Size(t.Context()); err != nil || size > s.limit {
		t.Errorf("%d bytes, %v", size, err)
	}
	for r, want := range map[*record]bool{firing: true, newest: true, recordOf(1, noon): false} {
		_, err := s.load(t.Context(), r.Report.ID)
		if _, known := s.report(r.Report.ID); known != want || (err == nil) != want {
			t.Errorf("report %s is there: %t, %v; want %t", r.Report.Alert.Labels["number"], known, err, want)
		}
	}
	if n := len(s.incident); n > 60 {
		t.Errorf("%d incidents are left of reports that are gone", n)
	}
	if err := s.pressure(); err != nil {
		t.Error(err)
	}
}

func TestAFullStoreWarnsEarlyAndStillStoresEnds(t *testing.T) {
	s := storeOn(t, brokerOf(t, t.TempDir()), storeOptions{limit: 100 << 10}, nil)
	var last *record
	var warned bool
	var err error
	for n := 0; err == nil && n < 1000; n++ {
		r := recordOf(n, noon)
		r.Report.Summary = strings.Repeat("x", 2<<10)
		warned = warned || s.pressure() != nil
		if _, err = s.Put(t.Context(), r); err == nil {
			last = r
		}
	}
	if !errors.Is(err, broker.ErrFull) || !strings.Contains(err.Error(), "--storage.retention.size") {
		t.Fatalf("refused with %v", err)
	}
	if !warned {
		t.Error("nothing was said before")
	}
	end := noon.Add(time.Minute)
	if _, err := s.update(t.Context(), last.Report.ID, func(r *record) { r.Report.ResolvedAt = &end }); err != nil {
		t.Errorf("an end is not noted: %v", err)
	}
	for n := range 10 {
		if _, err := s.update(t.Context(), recordOf(n, noon).Report.ID, func(r *record) { r.Report.ResolvedAt = &end }); err != nil {
			t.Fatal(err)
		}
	}
	s.measure(t.Context())
	mustPut(t, s, recordOf(2000, noon))
}

// The cost of a report must not grow with its group.
func BenchmarkPut(b *testing.B) {
	for _, n := range []int{10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				b.StopTimer()
				s := storeOn(b, brokerOf(b, b.TempDir()), storeOptions{}, nil)
				b.StartTimer()
				for i := range n {
					mustPut(b, s, recordOf(i, noon))
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/alert")
		})
	}
}

// Records of deliveries are deleted with their report, so the size of the store bounds them too.
func TestDeliveriesAreDeletedWithTheirReport(t *testing.T) {
	b := brokerOf(t, t.TempDir())
	s := storeOn(t, b, storeOptions{limit: 64 << 10}, nil)
	book, err := openDeliveries(t.Context(), b, time.Hour, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	s.onDrop(book.forget)
	end := noon.Add(time.Minute)
	var last *record
	for n := range 60 {
		last = recordOf(n, noon)
		last.Group.Key, last.Group.Labels = fmt.Sprint(n), model.LabelSet{"n": model.LabelValue(fmt.Sprint(n))}
		last.Report.Summary, last.Report.ResolvedAt = strings.Repeat("x", 4<<10), &end
		mustPut(t, s, last)
		for _, about := range []string{last.Report.ID, last.Report.Incident} {
			if err := book.update(t.Context(), about, "webhook", func(d *delivery) bool { d.Over = true; return true }); err != nil {
				t.Fatal(err)
			}
		}
		s.measure(t.Context())
	}
	comesTrue(t, func() bool {
		book.mu.RLock()
		defer book.mu.RUnlock()
		for about := range book.of {
			_, report := s.report(about)
			if _, incident := s.incidentByID(about); !report && !incident {
				return false
			}
		}
		return true
	})
	if !book.get(last.Report.ID, "webhook").Over {
		t.Error("what was told of the newest is gone, too")
	}
}
