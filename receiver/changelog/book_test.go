// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/client_golang/prometheus/testutil"

	"github.com/culprit-dev/culprit/receiver/broker"
)

var noon = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)

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

// bookOn opens a book at noon.
func bookOn(t testing.TB, b *broker.Broker, most int64) *Book {
	t.Helper()
	ctx, stop := context.WithCancel(context.WithoutCancel(t.Context()))
	t.Cleanup(stop)
	book, err := Open(ctx, b, Options{
		Lifetime: 30 * 24 * time.Hour, Now: func() time.Time { return noon }, Log: slog.New(slog.DiscardHandler), maxBytes: most,
	})
	if err != nil {
		t.Fatal(err)
	}
	return book
}

func put(t testing.TB, b *Book, c Change) (Change, Outcome) {
	t.Helper()
	kept, outcome, err := b.Put(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	return kept, outcome
}

// titles lists the titles of a page.
func titles(t testing.TB, b *Book, f Filter) (all []string) {
	t.Helper()
	list, err := b.List(t.Context(), f)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range list {
		all = append(all, c.Title)
	}
	return all
}

func TestTheSameChangeTwiceIsOne(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	c := Change{Title: "checkout v42", At: noon.Add(-time.Minute), Labels: map[string]string{"service": "checkout"}, Source: "api"}
	if _, outcome := put(t, b, c); outcome != Added {
		t.Errorf("the first is %s", outcome)
	}
	if _, outcome := put(t, b, c); outcome != Known {
		t.Errorf("the second is %s", outcome)
	}
	c.At = c.At.In(time.FixedZone("", 3600)) // the same time in another zone
	if _, outcome := put(t, b, c); outcome != Known {
		t.Errorf("in another zone it is %s", outcome)
	}
	c.To = "v42"
	if _, outcome := put(t, b, c); outcome != Added {
		t.Errorf("another is %s", outcome)
	}
	if n := len(titles(t, b, Filter{})); n != 2 {
		t.Errorf("%d changes are listed", n)
	}
}

func TestASenderTellsTheEndOfItsChange(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	first, _ := put(t, b, Change{Sender: "run-7", Title: "deploy", Source: "ci", At: noon.Add(-3 * time.Minute)})
	again, outcome := put(t, b, Change{Sender: "run-7", Title: "deploy", Source: "ci", Until: noon})
	if outcome != Replaced || again.ID != first.ID || !again.At.Equal(first.At) || !again.Until.Equal(noon) {
		t.Errorf("%s: %+v", outcome, again)
	}
	if other, outcome := put(t, b, Change{Sender: "run-7", Title: "deploy", Source: "another"}); outcome != Added || other.ID == first.ID || !other.At.Equal(noon) {
		t.Errorf("the same id of another sender: %s: %+v", outcome, other)
	}
	// A repeat without a time keeps the old one.
	if repeat, outcome := put(t, b, Change{Sender: "run-7", Title: "deploy", Source: "ci", Until: noon}); outcome != Known || !repeat.At.Equal(first.At) {
		t.Errorf("a repeat: %s: %+v", outcome, repeat)
	}
}

func TestChangesSurviveARestartAndAreSharedByReplicas(t *testing.T) {
	dir := t.TempDir()
	b := brokerOf(t, dir)
	one, two := bookOn(t, b, 0), bookOn(t, b, 0)
	put(t, one, Change{Sender: "a", Title: "first", At: noon})
	for deadline := time.Now().Add(time.Minute); len(titles(t, two, Filter{})) == 0; time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the other replica does not see the change")
		}
	}
	// Both write at once, and neither is lost.
	if _, outcome := put(t, two, Change{Sender: "a", Title: "second", At: noon}); outcome != Replaced {
		t.Errorf("the other replica's is %s", outcome)
	}
	if _, outcome := put(t, one, Change{Sender: "a", Title: "third", At: noon}); outcome != Replaced {
		t.Errorf("the one replica's is %s", outcome)
	}
	if err := b.Close(); err != nil {
		t.Fatal(err)
	}
	if got := titles(t, bookOn(t, brokerOf(t, dir), 0), Filter{}); len(got) != 1 || got[0] != "third" {
		t.Errorf("after a restart: %v", got)
	}
}

func TestBetweenReturnsEveryOverlappingChange(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	for i, c := range []Change{
		{Title: "long before", At: noon.Add(-3 * time.Hour)},
		{Title: "began before", At: noon.Add(-2 * time.Hour), Until: noon.Add(-30 * time.Minute)},
		{Title: "at the beginning", At: noon.Add(-time.Hour)},
		{Title: "inside", At: noon.Add(-10 * time.Minute)},
		{Title: "at the end", At: noon},
		{Title: "after", At: noon.Add(time.Second)},
	} {
		c.Sender = fmt.Sprint(i)
		put(t, b, c)
	}
	list, _, err := b.Between(t.Context(), noon.Add(-time.Hour), noon)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range list {
		got = append(got, c.Title)
	}
	if diff := cmp.Diff([]string{"began before", "at the beginning", "inside", "at the end"}, got); diff != "" {
		t.Error(diff)
	}
	if got := titles(t, b, Filter{From: noon.Add(-time.Hour), To: noon, Limit: 2}); len(got) != 2 || got[0] != "at the end" {
		t.Errorf("listed: %v", got)
	}
}

// fill adds changes to memory only: one a second, the last at noon.
func fill(b *Book, n int) {
	for i := range n {
		c := Change{ID: fmt.Sprintf("%016d", i), Title: fmt.Sprint(i), At: noon.Add(-time.Duration(n-1-i) * time.Second), Labels: map[string]string{"tenth": fmt.Sprint(i % 10)}}
		b.remember(entry{Change: c, revision: 1, size: 100})
	}
}

// A flood of changes must not make every alert read all of them.
func TestBetweenKeepsTheNewestAndSaysWhatItLeavesOut(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	fill(b, 1700)
	to := noon.Add(-100 * time.Second)
	list, older, err := b.Between(t.Context(), noon.Add(-time.Hour), to)
	if err != nil || len(list) != 1000 || older != 600 || list[999].At != float64(to.Unix()) || list[0].Title != "600" {
		t.Errorf("%d changes from %q to %q, %d older ones: %v", len(list), list[0].Title, list[len(list)-1].Title, older, err)
	}
	if list, older, _ := b.Between(t.Context(), noon.Add(-time.Minute), noon); len(list) != 61 || older != 0 {
		t.Errorf("in a minute: %d, and %d older ones", len(list), older)
	}
}

func TestAListReadsPageByPage(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	fill(b, 3500)
	if page := b.before(Cursor{}); len(page) != pageSize || page[0].Title != "3499" {
		t.Errorf("a page has %d changes", len(page))
	}
	rare := Filter{Matchers: labels.Matchers{{Type: labels.MatchEqual, Name: "tenth", Value: "3"}}}
	if got := titles(t, b, rare); len(got) != 350 || got[0] != "3493" || got[349] != "3" {
		t.Errorf("%d changes of all pages", len(got))
	}
	rare.From, rare.To = noon.Add(-3000*time.Second), noon.Add(-1000*time.Second)
	if got := titles(t, b, rare); len(got) != 200 || got[0] != "2493" || got[199] != "503" {
		t.Errorf("%d changes of some pages, from %s to %s", len(got), got[0], got[len(got)-1])
	}
}

func TestAListContinuesAfterItsCursor(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	for i := range 7 {
		put(t, b, Change{Sender: fmt.Sprint(i), Title: fmt.Sprint(i), At: noon.Add(time.Duration(i/3) * time.Minute)}) // some at the same time
	}
	seen := map[string]bool{}
	var f Filter
	for f.Limit = 2; ; {
		list, err := b.List(t.Context(), f)
		if err != nil {
			t.Fatal(err)
		}
		if len(list) == 0 {
			break
		}
		for _, c := range list {
			if seen[c.Title] {
				t.Errorf("%s is listed twice", c.Title)
			}
			seen[c.Title] = true
		}
		if f.After, err = ParseCursor(CursorOf(list[len(list)-1]).String()); err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) != 7 {
		t.Errorf("%d of 7 are listed", len(seen))
	}
}

func TestTooManyChangesPushOutTheOldest(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 20_000)
	for i := range 200 {
		put(t, b, Change{Sender: fmt.Sprint(i), Title: fmt.Sprint(i), At: noon.Add(time.Duration(i) * time.Second), Source: "api"})
	}
	list := titles(t, b, Filter{})
	if b.bytes > 20_000 || len(list) < 50 || len(list) == 200 || list[0] != "199" {
		t.Errorf("%d bytes in %d changes, the newest is %s", b.bytes, len(list), list[0])
	}
}

func TestTheNumberOfChangesIsBounded(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	b.opt.maxStored = 50
	for i := range 80 {
		put(t, b, Change{Sender: fmt.Sprint(i), Title: fmt.Sprint(i), At: noon.Add(time.Duration(i) * time.Second), Source: "api"})
	}
	if list := titles(t, b, Filter{}); len(list) != 50 || list[0] != "79" || list[49] != "30" {
		t.Errorf("%d changes, the newest is %s", len(list), list[0])
	}
}

// If a book is far too full each change deletes a few, so that none takes long.
func TestNoMessageWaitsForTheDeletingOfThousands(t *testing.T) {
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	fill(b, 2000)
	b.opt.maxStored = 1000
	put(t, b, Change{Sender: "a", Title: "a", At: noon, Source: "api"})
	if n := testutil.ToFloat64(b.metrics.dropped); n != trimAtOnce {
		t.Errorf("one change deletes %v", n)
	}
	for i := range 400 {
		put(t, b, Change{Sender: fmt.Sprint(i), Title: "b", At: noon, Source: "api"})
	}
	if n := len(titles(t, b, Filter{})); n != 1000 {
		t.Errorf("%d are left", n)
	}
}
