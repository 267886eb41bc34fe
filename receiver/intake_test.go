// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/template"

	"github.com/culprit-dev/culprit/receiver/report"
)

// bodyOf writes a message like Alertmanager: the alerts come before the group.
func bodyOf(alerts ...template.Alert) []byte {
	body, err := json.Marshal(struct {
		template.Data
		Version         string `json:"version"`
		GroupKey        string `json:"groupKey"`
		TruncatedAlerts uint64 `json:"truncatedAlerts"`
	}{
		template.Data{Receiver: "culprit", Status: statusFiring, Alerts: alerts, GroupLabels: template.KV{"service": "shop"}},
		"4", "{}:{service=\"shop\"}", 0,
	})
	if err != nil {
		panic(err)
	}
	return body
}

// alertOf is the n-th of many similar alerts.
func alertOf(n int) template.Alert {
	return template.Alert{
		Status:      statusFiring,
		Labels:      template.KV{"alertname": "Errors", "service": "shop", "number": fmt.Sprint(n)},
		Annotations: template.KV{"summary": "errors"},
		StartsAt:    time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC),
	}
}

func alertsOf(n int) []template.Alert {
	alerts := make([]template.Alert, n)
	for i := range alerts {
		alerts[i] = alertOf(i)
	}
	return alerts
}

func fingerprintOf(a template.Alert) string { return labelSet(a.Labels).Fingerprint().String() }

func TestABodyOfTwelveThousandAlertsIsTaken(t *testing.T) {
	alerts := alertsOf(12_000)
	for i := range alerts {
		alerts[i].Annotations["description"] = strings.Repeat("what people write ", 120)
	}
	body := bodyOf(alerts...)
	if len(body) < 28e6 {
		t.Fatalf("the body has %d bytes only", len(body))
	}
	q := &memoryQueue{}
	if w := post(t, q, body); w.Code != http.StatusAccepted {
		t.Fatalf("answered %d %q", w.Code, w.Body)
	}
	if len(q.jobs) != len(alerts) {
		t.Errorf("%d jobs", len(q.jobs))
	}
	if j := q.job(t, fingerprintOf(alerts[11_999])); j.Group.Key != `{}:{service="shop"}` || j.Group.Labels["service"] != "shop" || j.Left != 0 {
		t.Errorf("the last job is %+v", j)
	}
}

// endless is a body of alerts without an end before the limit.
type endless struct {
	first, rest []byte
}

func (e *endless) Read(p []byte) (int, error) {
	if len(e.first) == 0 {
		e.first = e.rest
	}
	n := copy(p, e.first)
	e.first = e.first[n:]
	return n, nil
}

func TestAMessageTakesNoMoreMemoryThanItMay(t *testing.T) {
	one, err := json.Marshal(alertOf(1))
	if err != nil {
		t.Fatal(err)
	}
	const alerts = 100_000
	d := newDecoder()
	d.one = 1 << 20
	n, err := d.decode(io.MultiReader(
		strings.NewReader(`{"receiver":"culprit","alerts":[`),
		io.LimitReader(&endless{rest: append(one, ',')}, int64((alerts-1)*(len(one)+1))),
		bytes.NewReader(one), strings.NewReader(`],"groupLabels":{},"version":"4","groupKey":"g"}`)))
	if err != nil {
		t.Fatal(err)
	}
	if len(n.Alerts)+n.NoRoom != alerts || len(n.Alerts) != d.one/len(one) {
		t.Errorf("%d taken, %d not, of %d; %d bytes", len(n.Alerts), n.NoRoom, alerts, n.room)
	}
	q := &memoryQueue{}
	h := webhookOf(q)
	if err := h.enqueue(t.Context(), n); err != nil {
		t.Fatal(err)
	}
	j := q.job(t, fingerprintOf(alertOf(1)))
	if warnings := j.missing(); len(warnings) != 1 || !strings.Contains(warnings[0].Text, fmt.Sprint(n.NoRoom)) {
		t.Errorf("the report says %v", warnings)
	}
	d.release(n)
	if !d.budget.TryAcquire(maxTakenByAll) {
		t.Error("memory was not given back")
	}
}

// While other messages use all the memory, one is asked to retry.
func TestAMessageWithoutRoomIsRetried(t *testing.T) {
	q := &memoryQueue{}
	h := webhookOf(q)
	if !h.decoder.budget.TryAcquire(maxTakenByAll) {
		t.Fatal("the budget is not free")
	}
	if w := postTo(h, bytes.NewReader(bodyOf(alertOf(1)))); w.Code != http.StatusServiceUnavailable {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
	h.decoder.budget.Release(maxTakenByAll)
	if w := postTo(h, bytes.NewReader(bodyOf(alertOf(1)))); w.Code != http.StatusAccepted || len(q.jobs) != 1 {
		t.Errorf("answered %d %q", w.Code, w.Body)
	}
}

func TestATooLargeAlertAffectsNoOther(t *testing.T) {
	huge := strings.Repeat("x", 9<<20)
	for name, change := range map[string]func(*template.Alert){
		"a label":       func(a *template.Alert) { a.Labels["huge"] = huge },
		"labels":        func(a *template.Alert) { a.Labels["huge"] = huge[:maxIdentity+1] },
		"the generator": func(a *template.Alert) { a.GeneratorURL = huge[:maxIdentity+1] },
		"many notes": func(a *template.Alert) {
			for i := range 2000 {
				a.Annotations[fmt.Sprint("a", i)] = huge[:1000]
			}
		},
	} {
		t.Run(name, func(t *testing.T) {
			alerts := alertsOf(3)
			change(&alerts[1])
			q := &memoryQueue{}
			if w := post(t, q, bodyOf(alerts...)); w.Code != http.StatusAccepted {
				t.Fatalf("answered %d %q", w.Code, w.Body)
			}
			if len(q.jobs) != 2 {
				t.Fatalf("%d jobs", len(q.jobs))
			}
			for _, a := range []template.Alert{alerts[0], alerts[2]} {
				q.job(t, fingerprintOf(a))
			}
		})
	}
}

func TestLongAnnotationsAreCutAndMarked(t *testing.T) {
	a := alertOf(1)
	a.Annotations["description"] = strings.Repeat("läßt", 1<<20)
	a.Annotations["edge"] = strings.Repeat("y", maxAnnotation)
	for i := range 9 {
		a.Annotations[fmt.Sprint("many", i)] = strings.Repeat("z", maxAnnotation)
	}
	q := &memoryQueue{}
	if w := post(t, q, bodyOf(a)); w.Code != http.StatusAccepted {
		t.Fatalf("answered %d %q", w.Code, w.Body)
	}
	got := q.job(t, fingerprintOf(a)).Alert.Annotations
	if text := string(got["description"]); len(text) > maxAnnotation+100 || !strings.HasPrefix(text, "läßtläßt") || !strings.HasSuffix(text, cutMark(len(a.Annotations["description"]))) {
		t.Errorf("%d bytes, …%q", len(text), text[max(0, len(text)-60):])
	}
	if got["edge"] != "" && string(got["edge"]) != a.Annotations["edge"] {
		t.Error("what fits was cut")
	}
	if n := sizeOf(got); n > maxAnnotations+2000 || len(got) != len(a.Annotations) {
		t.Errorf("%d annotations of %d bytes", len(got), n)
	}
	if string(got["summary"]) != cutMark(len("errors")) { // the last name
		t.Errorf("beyond the bound there is %q", got["summary"])
	}
}

func TestABodyThatIsCutOffEnqueuesNothing(t *testing.T) {
	whole := bodyOf(alertsOf(50)...)
	for _, share := range []float64{.1, .5, .9, .999} {
		q := &memoryQueue{}
		if w := post(t, q, whole[:int(share*float64(len(whole)))]); w.Code != http.StatusBadRequest || len(q.jobs) > 0 {
			t.Errorf("of %g of the body: %d, %d jobs", share, w.Code, len(q.jobs))
		}
	}
}

func TestAnAlertThatIsTwiceInABodyIsOneJob(t *testing.T) {
	ended := alertOf(1)
	ended.Status, ended.EndsAt = statusResolved, ended.StartsAt.Add(time.Minute)
	q := &memoryQueue{}
	if w := post(t, q, bodyOf(alertOf(1), alertOf(2), alertOf(1), ended)); w.Code != http.StatusAccepted {
		t.Fatalf("answered %d %q", w.Code, w.Body)
	}
	if len(q.jobs) != 3 { // and the end of the first, which is never dropped
		t.Errorf("%d jobs", len(q.jobs))
	}
}

func TestAnAlertWithAReportIsNotEnqueuedAgain(t *testing.T) {
	q := &memoryQueue{}
	h := webhookOf(q)
	h.reported = func(a report.Alert) bool { return a.Fingerprint == fingerprintOf(alertOf(1)) }
	ended := alertOf(1)
	ended.Status = statusResolved
	if w := postTo(h, bytes.NewReader(bodyOf(alertOf(1), alertOf(2), ended))); w.Code != http.StatusAccepted {
		t.Fatalf("answered %d %q", w.Code, w.Body)
	}
	if j := q.job(t, fingerprintOf(alertOf(1))); len(q.jobs) != 2 || j.Status != statusResolved {
		t.Errorf("%d jobs, of the reported alert %s", len(q.jobs), j.Status)
	}
}

func BenchmarkDecode(b *testing.B) {
	for _, n := range []int{1, 100, 12_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			body := bodyOf(alertsOf(n)...)
			d := newDecoder()
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				n, err := d.decode(bytes.NewReader(body))
				if err != nil {
					b.Fatal(err)
				}
				d.release(n)
			}
		})
	}
}
