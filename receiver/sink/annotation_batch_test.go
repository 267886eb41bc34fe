// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
)

// A batch is read with one request, whose filter must match every alert of it.
func TestABatchIsAskedForByWhatItsAlertsShare(t *testing.T) {
	batch := []wanted{
		{labels: model.LabelSet{"alertname": "Slow", "job": "shop", "pod": "a"}},
		{labels: model.LabelSet{"alertname": "Slow", "job": "shop", "pod": "b"}},
		{labels: model.LabelSet{"alertname": "Slow", "job": "shop"}},
	}
	want := model.LabelSet{"alertname": "Slow", "job": "shop"}
	if got := shared(batch); !got.Equal(want) {
		t.Errorf("asked for %v, not %v", got, want)
	}
	if got := shared(batch[:1]); !got.Equal(batch[0].labels) {
		t.Errorf("one alert is asked for by %v", got)
	}
	if len(batch[0].labels) != 3 {
		t.Errorf("the labels of an alert have become %v", batch[0].labels)
	}
}

// While an incident grows its line is no reason to post; lost annotations, or a new cause of the
// alert itself, still are.
func TestTheLineOfAGrowingIncidentIsNoReasonToPost(t *testing.T) {
	now := model.LabelSet{AnnotationSummary: "x rose", AnnotationIncident: "3 alerts"}
	for name, c := range map[string]struct {
		have model.LabelSet
		post bool
	}{
		"an older line":     {model.LabelSet{AnnotationSummary: "x rose", AnnotationIncident: "2 alerts"}, false},
		"no line yet":       {model.LabelSet{AnnotationSummary: "x rose"}, true},
		"another cause":     {model.LabelSet{AnnotationSummary: "y fell", AnnotationIncident: "2 alerts"}, true},
		"erased altogether": {model.LabelSet{}, true},
	} {
		w := wanted{annotations: now.Clone()}
		w.keepIncident(c.have)
		if post := !carries(c.have, w.annotations); post != c.post {
			t.Errorf("%s: post %v, not %v", name, post, c.post)
		}
	}
}

// However many alerts are sent, it takes one post and two reads, and each alert has its own
// outcome.
func TestAStormIsAnnotatedWithOnePost(t *testing.T) {
	am := startAlertmanager(t, lab.AlertmanagerOptions{})
	direct := connect(t, am.URL())
	var posts, reads atomic.Int64
	c := front(t, am.URL(), func(_ http.ResponseWriter, r *http.Request) bool {
		switch {
		case r.Method == http.MethodPost:
			posts.Add(1)
		case r.URL.Path == "/api/v2/alerts":
			reads.Add(1)
		}
		return false
	})
	var alerts []posted
	var ms []Message
	for i := range 50 {
		p := fromPrometheus(fmt.Sprintf("A|.%d", i))
		alerts, ms = append(alerts, p), append(ms, explained(p.Labels))
	}
	post(t, direct, append(alerts[:49:49], fromPrometheus("Other"))...) // the last one is missing
	ms[7].Resolved = true
	sent := NewAnnotations(peersOf(c), Options{}).SendAll(t.Context(), ms)
	if posts.Load() != 1 || reads.Load() != 2 {
		t.Errorf("%d posts, %d reads", posts.Load(), reads.Load())
	}
	for i, m := range ms {
		want := "ok"
		switch i {
		case 7:
			want = ""
		case 49:
			want = "skipped"
		}
		if got := statuses(sent[i]); got != want {
			t.Errorf("%v: %q, want %q", m.Report.Alert.Labels, got, want)
		}
		if got := find(t, direct, alerts[i].Labels); got != nil && (got.Annotations[AnnotationSummary] != "") != (want == "ok") {
			t.Errorf("%v has %v", alerts[i].Labels, got.Annotations)
		}
	}
	if got := mustFind(t, direct, fromPrometheus("Other").Labels); got.Annotations[AnnotationSummary] != "" {
		t.Errorf("another alert was annotated: %v", got.Annotations)
	}
}

func TestABatchOfManyNamesIsAskedForByThem(t *testing.T) {
	named := func(names ...string) (batch []wanted) {
		for _, name := range names {
			batch = append(batch, wanted{labels: model.LabelSet{"alertname": model.LabelValue(name), "job": "shop", "pod": model.LabelValue(name)}})
		}
		return batch
	}
	if got := filterFor(named("A", "B.x", "A")).Matchers; !slices.Equal(got, []string{`job="shop"`, `alertname=~"A|B\\.x"`}) {
		t.Errorf("%q", got)
	}
	if got := filterFor(named("A", strings.Repeat("x", 2000))).Matchers; !slices.Equal(got, []string{`job="shop"`}) {
		t.Errorf("%q", got)
	}
}
