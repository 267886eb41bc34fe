// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
)

// ledger is a daemon with open alerts, which counts outcomes.
type ledger struct {
	mu   sync.Mutex
	open map[string]Message
	told map[string][]string // fingerprint → statuses
}

func (l *ledger) Open(fingerprint string) (Message, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	m, ok := l.open[fingerprint]
	return m, ok
}

func (l *ledger) Kept(m Message, s report.Sent) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told[m.Report.Alert.Fingerprint] = append(l.told[m.Report.Alert.Fingerprint], s.Status)
}

// annotating annotates alerts.
func annotating(t *testing.T, c *alertmanager.Client, source Source, alerts ...posted) (*Annotations, *ledger) {
	t.Helper()
	a := NewAnnotations(peersOf(c), Options{Source: source})
	l := &ledger{open: map[string]Message{}, told: map[string][]string{}}
	for _, p := range alerts {
		m := explained(p.Labels)
		l.open[m.Report.Alert.Fingerprint] = m
		if sent := a.Send(t.Context(), m); len(sent) != 1 {
			t.Fatalf("%+v", sent)
		}
	}
	return a, l
}

// keep keeps them annotated until the end of the test.
func (l *ledger) keep(t *testing.T, a *Annotations) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); a.Keep(ctx, l, nil) }()
	t.Cleanup(func() { stop(); <-done })
}

// becomes waits until a fact holds.
func becomes(t *testing.T, fact string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !holds(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("this did not come to be: %s", fact)
		}
	}
}

func TestErasedAnnotationsAreRestored(t *testing.T) {
	c := quiet(t)
	p, q := fromPrometheus("A"), fromPrometheus("B")
	post(t, c, p, q)
	a, l := annotating(t, c, firing(), p, q)
	l.keep(t, a)
	for range 3 {
		post(t, c, p, q)
		for _, each := range []posted{p, q} {
			becomes(t, "the annotations are back", func() bool {
				got := mustFind(t, c, each.Labels)
				return got.Annotations[AnnotationSummary] != "" && got.Annotations["summary"] == "many errors"
			})
		}
	}
	if got := mustFind(t, c, p.Labels); got.EndsAt.Sub(p.EndsAt).Abs() > time.Millisecond {
		t.Errorf("the alert ends at %v, not %v", got.EndsAt, p.EndsAt)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if got := strings.Join(l.told[p.Labels.Fingerprint().String()], " "); !strings.HasPrefix(got, "ok") {
		t.Errorf("told %q", got)
	}
}

// An alert may have ended while its Prometheus does not answer. A post would make it fire until
// Prometheus resends the end.
func TestAnAlertWhosePrometheusDoesNotAnswerIsPostedWhenItDoes(t *testing.T) {
	c := quiet(t)
	p := fromPrometheus("Errors")
	post(t, c, p)
	before := mustFind(t, c, p.Labels)
	s := firing()
	s.fail(http.ErrServerClosed)
	a, l := annotating(t, c, s)
	m := explained(p.Labels)
	l.open[m.Report.Alert.Fingerprint] = m
	sent := a.Send(t.Context(), m)
	if statuses(sent) != "failed" || !strings.Contains(sent[0].Error, "does not say whether the alert still fires") {
		t.Errorf("%+v", sent)
	}
	if now := mustFind(t, c, p.Labels); !now.UpdatedAt.Equal(before.UpdatedAt) {
		t.Error("it was posted")
	}
	s.fail(nil)
	l.keep(t, a)
	becomes(t, "it is annotated", func() bool { return mustFind(t, c, p.Labels).Annotations[AnnotationSummary] != "" })
}

// Another replica that has explained an alert gets time to annotate it. If it doesn't, this one
// does.
func TestAnAlertThatAnotherReplicaFailsToAnnotateIsAnnotated(t *testing.T) {
	c := quiet(t)
	p, done := fromPrometheus("Stopped"), fromPrometheus("Done")
	post(t, c, p, done)
	annotating(t, c, firing(), done) // the other replica
	before := mustFind(t, c, done.Labels)
	a, l := annotating(t, c, firing())
	for _, each := range []posted{p, done} {
		m := explained(each.Labels)
		l.open[m.Report.Alert.Fingerprint] = m
		a.Expect(m.Report.Alert.Fingerprint)
	}
	l.keep(t, a)
	becomes(t, "the alert is annotated", func() bool { return mustFind(t, c, p.Labels).Annotations[AnnotationSummary] != "" })
	if after := mustFind(t, c, done.Labels); !after.UpdatedAt.Equal(before.UpdatedAt) {
		t.Error("one that was annotated in time is posted again")
	}
}

// Alertmanager may still show a resolved alert, and a cached answer of Prometheus may be outdated:
// the keeper posts neither.
func TestAnAlertThatIsOverIsForgotten(t *testing.T) {
	am := startAlertmanager(t, lab.AlertmanagerOptions{})
	direct := connect(t, am.URL())
	var mu sync.Mutex
	posts := 0
	c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
		mu.Lock()
		defer mu.Unlock()
		if r.Method == http.MethodPost {
			posts++
		}
		return false
	})
	resolved, silent, ended := fromPrometheus("Resolved"), fromPrometheus("Silent"), fromPrometheus("Ended")
	post(t, direct, resolved, silent, ended)
	s := firing()
	a, l := annotating(t, c, s, resolved, silent, ended)
	s.resolve()
	over := resolved
	over.EndsAt = time.Now()
	post(t, direct, over, silent)
	delete(l.open, ended.Labels.Fingerprint().String())
	post(t, direct, ended)
	mu.Lock()
	posts = 0
	mu.Unlock()
	l.keep(t, a)
	time.Sleep(3 * time.Second) // three looks at an alert without a rhythm
	mu.Lock()
	defer mu.Unlock()
	if posts > 0 || find(t, direct, resolved.Labels) != nil {
		t.Errorf("%d posts; %v", posts, find(t, direct, resolved.Labels))
	}
	for _, p := range []posted{silent, ended} {
		if got := mustFind(t, direct, p.Labels); got.Annotations[AnnotationSummary] != "" {
			t.Errorf("%v was annotated: %v", p.Labels, got.Annotations)
		}
	}
}

// The answer of its Prometheus may be older than the alert.
func TestAnAlertThatItsPrometheusDoesNotKnowYetIsLookedAtAgain(t *testing.T) {
	c := quiet(t)
	p := fromPrometheus("New")
	post(t, c, p)
	s := &sender{known: true}
	a, l := annotating(t, c, s, p)
	l.keep(t, a)
	if got := mustFind(t, c, p.Labels); got.Annotations[AnnotationSummary] != "" {
		t.Fatalf("it was annotated at once: %v", got.Annotations)
	}
	s.mu.Lock()
	s.firing = true
	s.mu.Unlock()
	becomes(t, "it is annotated", func() bool { return mustFind(t, c, p.Labels).Annotations[AnnotationSummary] != "" })
}

func TestABridgePostsOnlyWhatIsConfirmedAndNamesAnEndInSeconds(t *testing.T) {
	for name, c := range map[string]struct {
		source *sender
		posts  bool
	}{
		"confirmed":        {firing(), true},
		"nobody to ask":    {&sender{}, false},
		"no longer firing": {&sender{known: true}, false},
	} {
		t.Run(name, func(t *testing.T) {
			am := startAlertmanager(t, lab.AlertmanagerOptions{})
			direct := connect(t, am.URL())
			p := fromPrometheus("A")
			post(t, direct, p)
			var mu sync.Mutex
			var ends []time.Time
			front := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
				if r.Method == http.MethodPost {
					var alerts []posted
					if err := json.Unmarshal([]byte(bodyOf(t, r)), &alerts); err != nil {
						t.Error(err)
					}
					mu.Lock()
					defer mu.Unlock()
					ends = append(ends, alerts[0].EndsAt)
				}
				return false
			})
			a := NewAnnotations(peersOf(front), Options{Source: c.source})
			m := explained(p.Labels)
			fp := m.Report.Alert.Fingerprint
			l := &ledger{open: map[string]Message{fp: m}, told: map[string][]string{}}
			peer := a.peers[0]
			a.bridge(t.Context(), peer, l, flush{at: peer.clock().Add(flushAhead), fingerprints: []string{fp}})
			mu.Lock()
			defer mu.Unlock()
			if (len(ends) > 0) != c.posts {
				t.Errorf("%d posts", len(ends))
			}
			for _, end := range ends {
				if end.After(time.Now().Add(shortLife)) {
					t.Errorf("a post names the end %v", end)
				}
			}
			got := mustFind(t, direct, p.Labels)
			if _, there := got.Annotations[AnnotationSummary]; there != c.posts || got.EndsAt.Sub(p.EndsAt).Abs() > time.Millisecond {
				t.Errorf("it ends at %v, not %v, with %v", got.EndsAt, p.EndsAt, got.Annotations)
			}
		})
	}
}

// A resend may come a millisecond before people's message, and a post takes longer: a bridge never
// waits for one post before the next.
func TestABridgePostsConcurrently(t *testing.T) {
	am := startAlertmanager(t, lab.AlertmanagerOptions{})
	p := fromPrometheus("A")
	post(t, connect(t, am.URL()), p)
	both := make(chan struct{})
	var posts atomic.Int64
	c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
		if r.Method == http.MethodPost {
			if posts.Add(1) == 2 {
				close(both)
			}
			select {
			case <-both:
			case <-time.After(10 * time.Second):
				t.Error("there is no second post while the first is not answered")
			}
		}
		return false
	})
	a := NewAnnotations(peersOf(c), Options{Source: firing()})
	m := explained(p.Labels)
	fp := m.Report.Alert.Fingerprint
	l := &ledger{open: map[string]Message{fp: m}, told: map[string][]string{}}
	a.bridge(t.Context(), a.peers[0], l, flush{at: a.peers[0].clock().Add(flushAhead), fingerprints: []string{fp}})
	if posts.Load() == 0 {
		t.Error("nothing was posted")
	}
}

func TestWhatShouldBeThereIsSaidOfEachKind(t *testing.T) {
	want := model.LabelSet{AnnotationSummary: "x rose"}
	old, none := model.LabelSet{AnnotationSummary: "y fell"}, model.LabelSet{}
	for name, c := range map[string]struct {
		w            wanted
		it, old, not bool
	}{
		"any":     {wanted{annotations: want}, true, false, false},
		"if lost": {wanted{annotations: want, ifLost: true}, true, true, false},
		"anyway":  {wanted{annotations: want, anyway: true}, false, false, false},
	} {
		if c.w.has(want) != c.it || c.w.has(old) != c.old || c.w.has(none) != c.not {
			t.Errorf("%s: %v %v %v", name, c.w.has(want), c.w.has(old), c.w.has(none))
		}
	}
}
