// SPDX-License-Identifier: Apache-2.0

package amevents

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

func brokerOf(t testing.TB) *broker.Broker {
	t.Helper()
	b, err := broker.Start(t.Context(), broker.Options{Dir: t.TempDir(), MaxBucketBytes: -1, SyncInterval: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.Close() })
	return b
}

func bookOn(t testing.TB, b *broker.Broker, most int) *Book {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	book, err := Open(ctx, b, Options{Lifetime: week, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler), maxStored: most})
	if err != nil {
		t.Fatal(err)
	}
	return book
}

// tell stores the fact of an event.
func tell(t testing.TB, b *Book, text string) {
	t.Helper()
	facts, _, err := read(strings.NewReader(text), noon, week)
	if err != nil || len(facts) != 1 {
		t.Fatalf("%v, %v", facts, err)
	}
	if err := b.Put(t.Context(), facts[0]); err != nil {
		t.Fatal(err)
	}
}

// Alertmanager reports a silence at every flush: that is one fact, which is written rarely but read
// exactly.
func TestARepeatedEventIsOneFact(t *testing.T) {
	b := brokerOf(t)
	book := bookOn(t, b, 0)
	start := noon.Add(-30 * time.Minute)
	for m := range 31 {
		tell(t, book, event(t, start.Add(time.Duration(m)*time.Minute), muted("s1", noon.Add(time.Hour))))
	}
	of := quiet.Fingerprint().String()
	check := func(b *Book, last time.Time) {
		t.Helper()
		if list := b.Of(of); len(list) != 1 || !list[0].First.Equal(start) || list[0].Last.Before(last) {
			t.Errorf("%+v", list)
		}
	}
	check(book, noon)
	if kept, known := testutil.ToFloat64(book.metrics.events.WithLabelValues("kept")), testutil.ToFloat64(book.metrics.events.WithLabelValues("known")); kept != 4 || known != 27 {
		t.Errorf("%v were written, %v not", kept, known)
	}
	check(bookOn(t, b, 0), noon.Add(-rewrite)) // another replica

	tell(t, book, event(t, noon, muted("s1", noon.Add(2*time.Hour)))) // it is extended
	if list := book.Of(of); len(list) != 1 || !list[0].Until.Equal(noon.Add(2*time.Hour)) {
		t.Errorf("%+v", list)
	}
	tell(t, book, event(t, noon, muted("s2", noon.Add(time.Hour))))
	for range 2 { // a sender that retries
		tell(t, book, event(t, noon, sent("pager", false, quiet)))
	}
	if list := book.Of(of); len(list) != 3 {
		t.Errorf("%+v", list)
	}
	if list := book.Of("0123456789abcdef"); len(list) != 0 {
		t.Errorf("of another: %+v", list)
	}
}

// Above its limit a book deletes the oldest facts, on disk too.
func TestTheOldestFactsGoFirst(t *testing.T) {
	b := brokerOf(t)
	book := bookOn(t, b, 5)
	for m := range 20 {
		tell(t, book, event(t, noon.Add(time.Duration(m-20)*time.Minute), sent("pager", false, quiet)))
	}
	for _, b := range []*Book{book, bookOn(t, b, 5)} {
		list := b.Of(quiet.Fingerprint().String())
		if len(list) != 5 {
			t.Fatalf("%d are kept", len(list))
		}
		for _, h := range list {
			if h.First.Before(noon.Add(-5 * time.Minute)) {
				t.Errorf("%s is kept", h.First)
			}
		}
	}
	if n := testutil.ToFloat64(book.metrics.dropped); n != 15 {
		t.Errorf("%v are counted", n)
	}
}

// While the store refuses writes, refused facts take no memory either.
func TestWhatCannotBeStoredIsNotKept(t *testing.T) {
	b := brokerOf(t)
	book := bookOn(t, b, 5)
	old := noon.Add(-time.Hour)
	tell(t, book, event(t, old, sent("pager", false, quiet)))
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	for m := range 20 {
		facts, _, err := read(strings.NewReader(event(t, noon.Add(time.Duration(m-20)*time.Minute), sent("pager", false, quiet))), noon, week)
		if err != nil {
			t.Fatal(err)
		}
		if err := book.Put(t.Context(), facts[0]); err == nil {
			t.Fatal("a closed store has taken it")
		}
	}
	if list := book.Of(quiet.Fingerprint().String()); len(list) != 1 || !list[0].First.Equal(old) {
		t.Errorf("kept: %+v", list)
	}
}

// Two replicas may see events in different orders.
func TestOrderOfFactsDoesNotMatter(t *testing.T) {
	at := func(minutes int) Fact {
		m := noon.Add(time.Duration(minutes) * time.Minute)
		return Fact{Handled: report.Handled{What: report.Silenced, First: m, Last: m, By: fmt.Sprint(minutes)}}
	}
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.SliceOfNDistinct(rapid.IntRange(0, 55), 1, 6, rapid.ID).Draw(t, "minutes")
		one, other := at(minutes[0]), at(minutes[0])
		for _, m := range minutes[1:] {
			one = merge(one, at(m))
		}
		for _, m := range rapid.Permutation(minutes).Draw(t, "another order") {
			other = merge(at(m), other)
		}
		if fmt.Sprint(one) != fmt.Sprint(other) {
			t.Fatalf("%+v and %+v", one, other)
		}
	})
	if f := merge(at(0), at(90)); !f.First.Equal(f.Last) {
		t.Errorf("two times that lie apart are one: %+v", f)
	}
}

// Alertmanager's fingerprint equals ours.
func TestFingerprintsAreThoseOfAlertmanager(t *testing.T) {
	facts, _, err := read(strings.NewReader(event(t, noon, muted("s", noon))), noon, week)
	if err != nil || len(facts) != 1 || facts[0].Of[0] != quiet.Fingerprint().String() {
		t.Errorf("%+v, %v", facts, err)
	}
}
