// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"testing"

	"github.com/prometheus/common/model"
)

// A batch is read with one question, which must let every alert of it through.
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

// While an incident grows its line is no reason to post; that the alert has
// lost our annotations, or that its own cause is new, is one all the same.
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
