// SPDX-License-Identifier: Apache-2.0

package amevents

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/eventrecorder"
	"github.com/prometheus/alertmanager/eventrecorder/eventrecorderpb"
	"github.com/prometheus/common/model"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/types/known/timestamppb"

	"github.com/culprit-dev/culprit/receiver/report"
)

const week = 7 * 24 * time.Hour

var (
	noon  = time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	quiet = model.LabelSet{"alertname": "Quiet", "service": "shop"}
)

// event is an event as the recorder sends it.
func event(t testing.TB, at time.Time, data *eventrecorderpb.EventData) string {
	t.Helper()
	text, err := protojson.Marshal(&eventrecorderpb.Event{Timestamp: timestamppb.New(at), Instance: "am-0", Data: data})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func muted(silence string, until time.Time) *eventrecorderpb.EventData {
	return eventrecorder.NewSilenceMutedAlertEvent(&eventrecorderpb.Silence{
		Id: silence, EndsAt: timestamppb.New(until), CreatedBy: "ann", Comment: "repair\n\x1b[31m" + strings.Repeat("x", 1000),
	}, quiet.Fingerprint(), quiet)
}

func sent(to string, resolved bool, alerts ...model.LabelSet) *eventrecorderpb.EventData {
	n := &eventrecorderpb.NotificationEvent{
		GroupInfo:   &eventrecorderpb.AlertGroupInfo{GroupKey: "g", ReceiverName: to},
		Integration: &eventrecorderpb.Integration{Name: "pagerduty"},
	}
	for _, labels := range alerts {
		n.Alerts = append(n.Alerts, &eventrecorderpb.GroupedAlert{Details: &eventrecorderpb.Alert{Labels: eventrecorder.LabelSetAsProto(labels), Resolved: resolved}})
	}
	return &eventrecorderpb.EventData{EventType: &eventrecorderpb.EventData_Notification{Notification: n}}
}

func TestWhatTheRecorderSendsIsRead(t *testing.T) {
	other := model.LabelSet{"alertname": "Other"}
	inhibited := eventrecorder.NewInhibitionMutedAlertEvent([]*eventrecorderpb.InhibitRule{{SourceMatchers: []*eventrecorderpb.Matcher{
		{Rendered: `severity="critical"`}, {Rendered: `team="a"`},
	}}}, 0, quiet, []model.Fingerprint{0xabc})
	list := []string{
		event(t, noon, muted("s1", noon.Add(time.Hour))), event(t, noon, sent("pager", false, quiet, other, quiet)), event(t, noon, inhibited),
		event(t, noon, sent("pager", true, quiet)),                                                                         // told of its end
		event(t, noon, eventrecorder.NewSilenceCreatedEvent(&eventrecorderpb.Silence{Id: "s2"})),                           // mutes nothing yet
		event(t, noon.Add(-week-time.Second), muted("s1", noon)), event(t, noon.Add(2*time.Hour), sent("p", false, quiet)), // of no time of ours
		`{"@timestamp": "2026-11-29T12:00:00Z", "data": {"somethingNew": {"a": 1}}, "more": []}`, `{}`,
	}
	facts, events, err := read(strings.NewReader(" ["+strings.Join(list, ",")+"]\n"), noon, week)
	if err != nil || events != len(list) || len(facts) != 3 {
		t.Fatalf("%d events, %d facts, %v", events, len(facts), err)
	}
	silenced, notified, muted := facts[0], facts[1], facts[2]
	if f := silenced; f.What != report.Silenced || f.By != "ann" || !strings.HasPrefix(f.Comment, "repair [31mx") || len(f.Comment) > 300 ||
		!f.Until.Equal(noon.Add(time.Hour)) || !f.First.Equal(noon) || !f.about(quiet.Fingerprint().String()) {
		t.Errorf("%+v", f)
	}
	if f := notified; f.What != report.Notified || f.By != "pager (pagerduty)" || f.Times != 1 || len(f.Of) != 2 || !f.about(other.Fingerprint().String()) {
		t.Errorf("%+v", f)
	}
	if f := muted; f.What != report.Inhibited || f.By != `severity="critical",team="a"` || f.Source != "0000000000000abc" {
		t.Errorf("%+v", f)
	}
	if alone, events, err := read(strings.NewReader(list[0]), noon, week); err != nil || events != 1 || len(alone) != 1 || alone[0].key != silenced.key {
		t.Errorf("one that comes alone: %+v, %d, %v", alone, events, err)
	}
}

func TestWhatTheRecorderDoesNotSendIsRefused(t *testing.T) {
	for _, text := range []string{"", " ", "null", "7", `"a"`, "[", "[{}", "[{},]", "{} {}", "[]x", "[7]", `{"data": {"notification": 7}}`, `{"@timestamp": "noon"}`, `{"@timestamp": "2026-11-29T12:00:00Z", "timestamp": "2026-11-29T12:00:00Z"}`} {
		if facts, _, err := read(strings.NewReader(text), noon, week); !errors.Is(err, errNoEvents) || len(facts) > 0 || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("%q: %v, %v", text, facts, err)
		}
	}
	if _, events, err := read(strings.NewReader("[]"), noon, week); err != nil || events != 0 {
		t.Errorf("an empty list: %d, %v", events, err)
	}
}

// FuzzRead: any input is refused or bounded, deterministically.
func FuzzRead(f *testing.F) {
	f.Add(event(f, noon, muted("s", noon)))
	f.Add("[" + event(f, noon, sent("pager", false, quiet)) + ",{}]")
	f.Add(`{"@timestamp":"9999-12-31T23:59:59Z","data":{"inhibitionMutedAlert":{"inhibitRules":[{}],"inhibitingFingerprints":["1"]}}}`)
	f.Fuzz(func(t *testing.T, text string) {
		facts, events, err := read(strings.NewReader(text), noon, week)
		if err != nil && len(facts) > 0 || len(facts) > events {
			t.Fatalf("%d facts of %d events, %v", len(facts), events, err)
		}
		for _, fact := range facts {
			if len(fact.Of) == 0 || len(fact.Of) > maxAlerts || len(fact.By) > 300 || len(fact.Comment) > 300 || fact.key == "" || strings.ContainsAny(fact.By+fact.Comment, "\n\x1b") {
				t.Fatalf("%+v", fact)
			}
			for _, fp := range fact.Of {
				if !report.ValidFingerprint(fp) {
					t.Fatalf("%q is no fingerprint", fp)
				}
			}
			if fact.Source != "" && !report.ValidFingerprint(fact.Source) || fact.First.Before(noon.Add(-week)) || fact.Last.After(noon.Add(maxAhead)) {
				t.Fatalf("%+v", fact)
			}
		}
		if again, _, _ := read(strings.NewReader(text), noon, week); fmt.Sprint(again) != fmt.Sprint(facts) {
			t.Fatalf("%v and %v", facts, again)
		}
	})
}
