// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// The tests of this file document what Alertmanager does when an alert that it has is posted. The
// guards of [Annotations] depend on it: if a test fails after an upgrade, review them.

func TestAPostedAnnotationIsThereAtOnceAndIsGoneWithTheNextSend(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	post(t, c, p)
	before := mustFind(t, c, p.Labels)
	if err := c.PostAlerts(t.Context(), before.Repost(model.LabelSet{"ours": "1"}, time.Time{})); err != nil {
		t.Fatal(err)
	}
	after := mustFind(t, c, p.Labels)
	if !after.Annotations.Equal(model.LabelSet{"ours": "1"}) {
		t.Errorf("the annotations are %v: the newest post wins as a whole", after.Annotations)
	}
	if !after.StartsAt.Equal(before.StartsAt) || !after.EndsAt.Equal(before.EndsAt) || after.GeneratorURL != before.GeneratorURL || after.Fingerprint != before.Fingerprint {
		t.Errorf("%+v became %+v", before, after)
	}
	post(t, c, p)
	if again := mustFind(t, c, p.Labels); !again.Annotations.Equal(p.Annotations) {
		t.Errorf("after the next send: %v", again.Annotations)
	}
}

func TestAnAlertThatIsPostedAfterItsEndFiresAgainUntilTheEndInThePost(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	post(t, c, p)
	stale := mustFind(t, c, p.Labels)
	resolved := p
	resolved.EndsAt = time.Now()
	post(t, c, resolved)
	if find(t, c, p.Labels) != nil {
		t.Fatal("it is not resolved")
	}
	if err := c.PostAlerts(t.Context(), stale.Repost(stale.Annotations, time.Time{})); err != nil {
		t.Fatal(err)
	}
	if again := find(t, c, p.Labels); again == nil || !again.EndsAt.Equal(stale.EndsAt) {
		t.Errorf("with the end copied: %+v", again)
	}
	resolved.EndsAt = time.Now()
	post(t, c, resolved)
	if err := c.PostAlerts(t.Context(), stale.Repost(stale.Annotations, time.Now().Add(700*time.Millisecond))); err != nil {
		t.Fatal(err)
	}
	if find(t, c, p.Labels) == nil {
		t.Error("with a short end it does not fire at all")
	}
	time.Sleep(time.Second)
	if again := find(t, c, p.Labels); again != nil {
		t.Errorf("with a short end it still fires: %+v", again)
	}
}

func TestAShortEndIsHarmlessWhenTheSenderNamedALaterOne(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	post(t, c, p)
	before := mustFind(t, c, p.Labels)
	if err := c.PostAlerts(t.Context(), before.Repost(model.LabelSet{"ours": "1"}, time.Now().Add(5*time.Second))); err != nil {
		t.Fatal(err)
	}
	after := mustFind(t, c, p.Labels)
	if after.EndsAt.Before(before.EndsAt) || after.Annotations["ours"] != "1" {
		t.Errorf("the end %v became %v", before.EndsAt, after.EndsAt)
	}
}

func TestAShortEndEndsAnAlertWhoseSenderNamedNone(t *testing.T) {
	c := quiet(t)
	p := posted{Labels: model.LabelSet{"alertname": "Script"}}
	post(t, c, p)
	before := mustFind(t, c, p.Labels)
	if d := before.EndsAt.Sub(before.UpdatedAt) - 5*time.Minute; d.Abs() > timeoutSlack {
		t.Errorf("an alert without an end gets %v, not the resolve timeout", before.EndsAt.Sub(before.UpdatedAt))
	}
	if err := c.PostAlerts(t.Context(), before.Repost(before.Annotations, time.Now().Add(700*time.Millisecond))); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Second)
	if find(t, c, p.Labels) != nil {
		t.Error("it lives on: then a short end could be used for all senders")
	}
}

func TestAPostWithoutAnEndMovesTheEndAndWipesTheRest(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	p.EndsAt = time.Now().Add(time.Minute)
	post(t, c, p)
	before := mustFind(t, c, p.Labels)
	post(t, c, posted{Labels: p.Labels, Annotations: model.LabelSet{"only": "this"}})
	after := mustFind(t, c, p.Labels)
	if !after.EndsAt.After(before.EndsAt.Add(3*time.Minute)) || after.GeneratorURL != "" || !after.Annotations.Equal(model.LabelSet{"only": "this"}) {
		t.Errorf("%+v", after)
	}
	if !after.StartsAt.Equal(before.StartsAt) {
		t.Errorf("the start %v became %v", before.StartsAt, after.StartsAt)
	}
}

func TestAShortEndCutsAnAlertOfMixedSendersAndTheOldEndRestoresIt(t *testing.T) {
	c, p := quiet(t), mixed(t)
	post(t, c, p...)
	before := mustFind(t, c, p[0].Labels)
	if d := before.EndsAt.Sub(before.UpdatedAt); d < 19*time.Minute {
		t.Fatalf("it ends in %v: the later end should have been kept", d)
	}
	if err := c.PostAlerts(t.Context(), before.Repost(before.Annotations, time.Now().Add(5*time.Second))); err != nil {
		t.Fatal(err)
	}
	if cut := mustFind(t, c, p[0].Labels); time.Until(cut.EndsAt) > 6*time.Second {
		t.Errorf("it ends in %v: the short end is harmless now", time.Until(cut.EndsAt))
	}
	if err := c.PostAlerts(t.Context(), before.Repost(before.Annotations, time.Time{})); err != nil {
		t.Fatal(err)
	}
	if whole := mustFind(t, c, p[0].Labels); !whole.EndsAt.Equal(before.EndsAt) {
		t.Errorf("it ends at %v, not at %v", whole.EndsAt, before.EndsAt)
	}
}

// mixed are posts of two senders of one alert, one with an end and one without.
func mixed(t *testing.T) []posted {
	t.Helper()
	first := fromPrometheus("Mixed")
	first.EndsAt = time.Now().Add(20 * time.Minute)
	return []posted{first, {Labels: first.Labels, Annotations: first.Annotations}}
}

func TestAReplicaThatFiredEarlierMovesTheStartAndNotTheFingerprint(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	post(t, c, p)
	before := mustFind(t, c, p.Labels)
	p.StartsAt = p.StartsAt.Add(-time.Minute)
	post(t, c, p)
	after := mustFind(t, c, p.Labels)
	if d := before.StartsAt.Sub(after.StartsAt); d != time.Minute || after.Fingerprint != before.Fingerprint {
		t.Errorf("the start moved by %v", d)
	}
}

func TestOneBadAnnotationNameCostsThatAlertOnly(t *testing.T) {
	c, good := quiet(t), fromPrometheus("Good")
	bad, err := json.Marshal(map[string]any{"labels": map[string]string{"alertname": "Bad"}, "annotations": map[string]string{"": "x"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.PostAlerts(t.Context(), bad, good.raw(t)); remote.ReasonOf(err) != remote.Refused {
		t.Errorf("the answer is %v", err)
	}
	if find(t, c, good.Labels) == nil || find(t, c, model.LabelSet{"alertname": "Bad"}) != nil {
		t.Error("the good alert should be there and the bad one not")
	}
}

// People's first message waits 1.5 s here instead of 30 s.
func TestThePeoplesFirstMessageCarriesTheCausesAndAChangedAnnotationMakesNoOther(t *testing.T) {
	culprit, people := receiver(t), receiver(t)
	am := startAlertmanager(t, lab.AlertmanagerOptions{Config: fmt.Sprintf(`
route:
  receiver: people
  group_by: [alertname]
  group_wait: 1500ms
  group_interval: 1s
  routes:
    - {receiver: culprit, group_wait: 0s, continue: true}
    - {receiver: people}
receivers:
  - {name: culprit, webhook_configs: [{url: %q}]}
  - {name: people, webhook_configs: [{url: %q}]}`, culprit.URL(), people.URL())})
	c, p := connect(t, am.URL()), fromPrometheus("Errors")
	posted := time.Now()
	p.StartsAt = posted // alerts older than group_wait are notified at once
	post(t, c, p)

	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	any := func(lab.Message) bool { return true }
	ours, err := culprit.Wait(ctx, any)
	if err != nil {
		t.Fatal(err)
	}
	sent := NewAnnotations(peersOf(c), Options{Source: firing()}).Send(ctx, explained(p.Labels))
	if statuses(sent) != "ok" {
		t.Fatalf("%+v", sent)
	}
	theirs, err := people.Wait(ctx, any)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("culprit's message after %v, the people's after %v", ours.At.Sub(posted), theirs.At.Sub(posted))
	if got := theirs.Alerts[0].Annotations[AnnotationSummary]; got != explained(p.Labels).Report.Line() {
		t.Errorf("the people read %q", got)
	}
	time.Sleep(1500 * time.Millisecond)
	if n := len(culprit.Messages()) + len(people.Messages()); n != 2 {
		t.Errorf("%d messages, not 2", n)
	}
}

func receiver(t *testing.T) *lab.Receiver {
	t.Helper()
	r, err := lab.StartReceiver("")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	return r
}
