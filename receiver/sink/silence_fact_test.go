// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// The tests of this file document what Alertmanager does with a posted silence. The guards of
// [Silences] and [Notes] depend on it.

// silenceOf silences an alert by two of its labels, as a person would.
func silenceOf(ls model.LabelSet) alertmanager.NewSilence {
	now := time.Now()
	return alertmanager.NewSilence{
		Matchers: []alertmanager.Matcher{
			{Name: "service", Value: string(ls["service"]), IsEqual: true},
			{Name: "alertname", Value: string(ls["alertname"]), IsEqual: true},
		},
		StartsAt: now, EndsAt: now.Add(time.Hour), CreatedBy: "ann", Comment: "ACK! known, see OPS-1",
	}
}

func silenced(t *testing.T, c *alertmanager.Client, s any) string {
	t.Helper()
	id, err := c.PostSilence(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func readSilence(t *testing.T, c *alertmanager.Client, id string) alertmanager.Silence {
	t.Helper()
	s, err := c.Silence(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// edit changes fields of a silence's JSON; nil removes a field.
func edit(t *testing.T, s alertmanager.Silence, fields map[string]any) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(s.Update(s.Comment, nil), &m); err != nil {
		t.Fatal(err)
	}
	for name, value := range fields {
		if m[name] = value; value == nil {
			delete(m, name)
		}
	}
	return m
}

func errands() model.LabelSet { return fromPrometheus("Errors").Labels }

func TestASilenceIsUpdatedInPlace(t *testing.T) {
	c := quiet(t)
	for time.Now().Nanosecond() > 900e6 {
		time.Sleep(10 * time.Millisecond) // starts are compared to the second
	}
	asked := silenceOf(errands())
	id := silenced(t, c, asked)
	before := readSilence(t, c, id)
	for what, body := range map[string]any{
		"as it was read":           before.Update("new comment", nil),
		"with the start as asked":  edit(t, before, map[string]any{"startsAt": asked.StartsAt, "comment": "new comment"}),
		"with a later end as well": edit(t, before, map[string]any{"endsAt": before.EndsAt.Add(time.Hour), "comment": "new comment"}),
	} {
		if got := silenced(t, c, body); got != id {
			t.Errorf("%s: the id %s became %s", what, id, got)
		}
		after := readSilence(t, c, id)
		if after.Comment != "new comment" || after.StartsAt.Sub(before.StartsAt).Abs() > time.Second || after.CreatedBy != "ann" || after.UpdatedAt.Before(before.UpdatedAt) {
			t.Errorf("%s: started at %v and %v, comment %q by %s, updated at %v", what, before.StartsAt, after.StartsAt, after.Comment, after.CreatedBy, after.UpdatedAt)
		}
	}
}

func TestReorderedMatchersMakeANewSilence(t *testing.T) {
	c := quiet(t)
	id := silenced(t, c, silenceOf(errands()))
	before := readSilence(t, c, id)
	m := before.Matchers
	if got := silenced(t, c, edit(t, before, map[string]any{"matchers": []alertmanager.Matcher{m[1], m[0]}})); got == id {
		t.Error("it has the same id")
	}
	if s := readSilence(t, c, id); s.State != alertmanager.SilenceExpired {
		t.Errorf("the old one is %s", s.State)
	}
}

func TestAnUpdateOfAnExpiredSilenceMakesAnActiveOne(t *testing.T) {
	c := quiet(t)
	id := silenced(t, c, silenceOf(errands()))
	before := readSilence(t, c, id)
	if err := c.DeleteSilence(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	got := silenced(t, c, before.Update("too late", nil))
	if s := readSilence(t, c, got); got == id || s.State != alertmanager.SilenceActive {
		t.Errorf("%s became %s, which is %s", id, got, s.State)
	}
}

func TestAnUnknownIDIsRefused(t *testing.T) {
	c := quiet(t)
	s := readSilence(t, c, silenced(t, c, silenceOf(errands())))
	body := edit(t, s, map[string]any{"id": "00000000-0000-4000-8000-000000000000"})
	if _, err := c.PostSilence(t.Context(), body); remote.ReasonOf(err) != remote.NotFound {
		t.Errorf("%v", err)
	}
}

func TestAnnotationsOfASilenceAreWipedUnlessTheyAreSent(t *testing.T) {
	c := quiet(t)
	id := silenced(t, c, silenceOf(errands()))
	with := readSilence(t, c, id).Update("x", model.LabelSet{"ticket": "OPS-1"})
	silenced(t, c, with)
	s := readSilence(t, c, id)
	if s.Annotations["ticket"] != "OPS-1" {
		t.Fatalf("%v", s.Annotations)
	}
	silenced(t, c, s.Update("y", nil))
	if s := readSilence(t, c, id); s.Annotations["ticket"] != "OPS-1" {
		t.Errorf("sent back as they came: %v", s.Annotations)
	}
	silenced(t, c, edit(t, s, map[string]any{"annotations": nil}))
	if s := readSilence(t, c, id); len(s.Annotations) != 0 {
		t.Errorf("left out: %v", s.Annotations)
	}
}

func TestASilenceThatIsOverOrCouldMatchEverythingIsRefused(t *testing.T) {
	c := quiet(t)
	over, empty := silenceOf(errands()), silenceOf(errands())
	over.StartsAt, over.EndsAt = time.Now().Add(-2*time.Hour), time.Now().Add(-time.Hour)
	empty.Matchers = []alertmanager.Matcher{{Name: "foo", Value: ".*", IsRegex: true, IsEqual: true}}
	for _, s := range []alertmanager.NewSilence{over, empty} {
		if _, err := c.PostSilence(t.Context(), s); remote.ReasonOf(err) != remote.Refused {
			t.Errorf("%+v: %v", s, err)
		}
	}
}

func TestTooManyAndTooLargeSilencesAreRefused(t *testing.T) {
	c := connect(t, startAlertmanager(t, lab.AlertmanagerOptions{MaxSilences: 1, MaxSilenceSize: 512}).URL())
	large := silenceOf(errands())
	large.Comment = strings.Repeat("x", 512)
	if _, err := c.PostSilence(t.Context(), large); remote.ReasonOf(err) != remote.Refused || !strings.Contains(err.Error(), tooLargeText) {
		t.Errorf("too large: %v", err)
	}
	id := silenced(t, c, silenceOf(errands()))
	if err := c.DeleteSilence(t.Context(), id); err != nil {
		t.Fatal(err)
	}
	_, err := c.PostSilence(t.Context(), silenceOf(errands()))
	if remote.ReasonOf(err) != remote.Refused || !strings.Contains(err.Error(), "maximum number") {
		t.Errorf("too many, the expired one counts: %v", err)
	}
}

func TestMatchersThatContradictEachOtherSilenceNothing(t *testing.T) {
	c, p := quiet(t), fromPrometheus("Errors")
	post(t, c, p)
	odd := fromPrometheus("Errors")
	odd.Labels = odd.Labels.Clone()
	odd.Labels[noteLabel] = "some incident"
	post(t, c, odd)
	for _, ls := range []model.LabelSet{p.Labels, odd.Labels} {
		m := explained(ls)
		m.Incident.ID = "some incident"
		if s := readSilence(t, c, silenced(t, c, noteOf(m, time.Now()))); s.State != alertmanager.SilenceActive {
			t.Errorf("the note is %s", s.State)
		}
	}
	for _, ls := range []model.LabelSet{p.Labels, odd.Labels} {
		if a := mustFind(t, c, ls); a.State == alertmanager.AlertSuppressed || len(a.SilencedBy) != 0 {
			t.Errorf("%v is %s by %v", ls, a.State, a.SilencedBy)
		}
	}
}
