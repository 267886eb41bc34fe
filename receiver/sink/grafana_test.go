// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// exchange is a recorded request to Grafana 9.3.2, with its answer.
type exchange struct {
	Request struct {
		Method, Path string
		Body         map[string]any
	}
	Status   int
	Response any
}

// step is a request that the sink must make, and its recorded answer.
type step struct {
	ask      string // method and path without the query
	recorded string // name of the exchange
	status   int    // of an answer without a recording and without a body
	hang     bool   // don't answer

	check func(*http.Request, exchange) // of the request, against the recording
	edit  func(string) string           // of the answer, where it must contain our texts
}

// lookUp is the lookup of the dashboard, which is not recorded: only the status matters, and that
// is documented.
func lookUp(status int) step {
	return step{ask: "GET /api/dashboards/uid/svc-checkout", status: status}
}

// replayGrafana answers the steps in order. It fails the test on any other request, and on steps
// without a request.
func replayGrafana(t *testing.T, steps ...step) *config.URL {
	t.Helper()
	file, err := os.ReadFile("testdata/grafana-9.3.2.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]exchange
	if err := json.Unmarshal(file, &recorded); err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		ask := r.Method + " " + r.URL.Path
		if len(steps) == 0 || steps[0].ask != ask {
			t.Errorf("nobody expected %s", ask)
			w.WriteHeader(http.StatusTeapot)
			return
		}
		next := steps[0]
		steps = steps[1:]
		if next.hang {
			bodyOf(t, r) // otherwise the server doesn't see the client disconnect
			<-r.Context().Done()
			return
		}
		answer(t, w, r, next, recorded)
	}))
	t.Cleanup(func() {
		s.Close()
		for _, left := range steps {
			t.Errorf("nobody asked %s", left.ask)
		}
	})
	return parseURL(t, s.URL)
}

func answer(t *testing.T, w http.ResponseWriter, r *http.Request, next step, recorded map[string]exchange) {
	if next.status != 0 {
		w.WriteHeader(next.status)
		return
	}
	e, ok := recorded[next.recorded]
	if !ok {
		t.Errorf("nobody has recorded %q", next.recorded)
	}
	if next.check != nil {
		next.check(r, e)
	}
	body, err := json.Marshal(e.Response)
	if err != nil {
		t.Error(err)
	}
	text := string(body)
	if next.edit != nil {
		text = next.edit(text)
	}
	w.WriteHeader(e.Status)
	fmt.Fprint(w, text)
}

func grafanaAt(t *testing.T, u *config.URL) *Grafana {
	t.Helper()
	g, err := NewGrafana(config.Grafana{URL: u}, Options{Now: func() time.Time { return story().Report.CreatedAt }})
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// fields decodes a request's body, and compares its field names with the recording's.
func fields(t *testing.T, r *http.Request, e exchange) map[string]any {
	t.Helper()
	var body map[string]any
	if err := json.Unmarshal([]byte(bodyOf(t, r)), &body); err != nil {
		t.Error(err)
	}
	names := func(m map[string]any) map[string]bool {
		all := map[string]bool{}
		for name := range m {
			all[name] = true
		}
		return all
	}
	if diff := cmp.Diff(names(e.Request.Body), names(body)); diff != "" {
		t.Errorf("%s asks for other fields than Grafana was seen to take: %s", r.URL.Path, diff)
	}
	return body
}

const (
	askFind   = "GET /api/annotations"
	askCreate = "POST /api/annotations"
	askPatch  = "PATCH /api/annotations/11"
)

func TestAnIncidentIsOneRegionFromItsOnsetToItsEnd(t *testing.T) {
	m := story()
	find := step{ask: askFind, recorded: "found none", check: func(r *http.Request, _ exchange) {
		q := r.URL.Query()
		if q.Get("tags") != "culprit" || q.Get("from") != "1795319217367" || q.Get("to") != "1795326420367" || q.Get("limit") != "1000" {
			t.Errorf("looked for with %v", q)
		}
	}}
	create := step{ask: askCreate, recorded: "added on a dashboard", check: func(r *http.Request, e exchange) {
		body := fields(t, r, e)
		want := map[string]any{
			"dashboardUID": "svc-checkout", "panelId": 2.0, "time": 1795322817367.0, "timeEnd": 1795322820367.0,
			"tags": []any{"culprit", "alertname:HighErrorRatio", "severity:page"}, "text": grafanaText(m),
		}
		if diff := cmp.Diff(want, body); diff != "" {
			t.Error(diff)
		}
	}}
	end := step{ask: askPatch, recorded: "patched", check: func(r *http.Request, e exchange) {
		body := fields(t, r, e)
		if body["timeEnd"] != 1795323542367.0 || !strings.Contains(body["text"].(string), "Resolved after 12m5s") {
			t.Errorf("closed with %v", body)
		}
	}}
	g := grafanaAt(t, replayGrafana(t, find, lookUp(200), create, end))
	for i, now := range []Message{m, m, resolved(m), resolved(m)} {
		if sent := g.Send(t.Context(), now); statuses(sent) != "ok" || sent[0].Ref != "11" || sent[0].Sink != "grafana" || sent[0].Error != "" {
			t.Errorf("message %d: %+v", i, sent)
		}
	}
}

func TestAnAnnotationFromBeforeACrashIsFoundAndNotMadeTwice(t *testing.T) {
	m := story()
	text, err := json.Marshal(grafanaText(m))
	if err != nil {
		t.Fatal(err)
	}
	g := grafanaAt(t, replayGrafana(t, step{ask: askFind, recorded: "found", edit: func(r string) string {
		return strings.Replace(r, `"text":"region"`, `"text":`+string(text), 1)
	}}))
	if sent := g.Send(t.Context(), m); statuses(sent) != "ok" || sent[0].Ref != "11" {
		t.Errorf("%+v", sent)
	}

	t.Run("nor after a restart when it was recorded", func(t *testing.T) {
		m.Incident.Sent = []report.Sent{{Sink: NameGrafana, Status: report.SentOK, Ref: "11"}}
		g := grafanaAt(t, replayGrafana(t, step{ask: askPatch, recorded: "patched"}))
		for range 2 {
			if sent := g.Send(t.Context(), m); statuses(sent) != "ok" || sent[0].Ref != "11" {
				t.Errorf("%+v", sent)
			}
		}
	})
}

func TestTheTextFollowsTheIncident(t *testing.T) {
	m := story()
	patch := step{ask: askPatch, recorded: "patched", check: func(r *http.Request, _ exchange) {
		body := bodyOf(t, r)
		if strings.Contains(body, "timeEnd") || strings.Contains(body, "tags") || !strings.Contains(body, "2 alerts") {
			t.Errorf("%s", body)
		}
	}}
	g := grafanaAt(t, replayGrafana(t, step{ask: askFind, recorded: "found none"}, lookUp(200), step{ask: askCreate, recorded: "added on a dashboard"}, patch))
	g.Send(t.Context(), m)
	other := explained(errands())
	other.Report.Onset = m.Report.Onset
	m.Incident = m.Incident.Merge([]report.Report{m.Report, other.Report}, m.Report.CreatedAt)
	m.Incident.Onset = m.Report.Onset
	for range 2 {
		if sent := g.Send(t.Context(), m); statuses(sent) != "ok" {
			t.Errorf("%+v", sent)
		}
	}
	over := m
	over.Resolved = true
	if sent := g.Send(t.Context(), over); len(sent) != 0 {
		t.Errorf("one of two alerts is over: %+v", sent)
	}
}

func TestAnUnknownDashboardIsReportedAndTheAnnotationIsTheOrganisations(t *testing.T) {
	create := step{ask: askCreate, recorded: "added on no dashboard", check: func(r *http.Request, _ exchange) {
		if body := bodyOf(t, r); strings.Contains(body, "dashboardUID") || strings.Contains(body, "panelId") {
			t.Errorf("%s", body)
		}
	}}
	sent := grafanaAt(t, replayGrafana(t, step{ask: askFind, recorded: "found none"}, lookUp(404), create)).Send(t.Context(), story())
	if statuses(sent) != "ok" || sent[0].Ref != "10" || !strings.Contains(sent[0].Error, `"svc-checkout"`) || !strings.Contains(sent[0].Error, "dashboard_uid") {
		t.Errorf("%+v", sent)
	}
	t.Run("and so it is when no dashboard is named", func(t *testing.T) {
		m := story()
		m.Report.Grafana, m.Incident.Grafana = report.Place{}, report.Place{}
		sent := grafanaAt(t, replayGrafana(t, step{ask: askFind, recorded: "found none"}, create)).Send(t.Context(), m)
		if statuses(sent) != "ok" || sent[0].Error != "" {
			t.Errorf("%+v", sent)
		}
	})
}

func TestFailuresOfGrafanaSayWhetherToRetry(t *testing.T) {
	none := step{ask: askFind, recorded: "found none"}
	for name, tc := range map[string]struct {
		steps     []step
		retryable bool
		words     string
	}{
		"no token":                     {[]step{{ask: askFind, recorded: "no token"}}, true, "credentials"},
		"a bad token":                  {[]step{{ask: askFind, recorded: "bad token"}}, true, "invalid API key"},
		"a viewer's token":             {[]step{none, lookUp(200), {ask: askCreate, recorded: "viewer"}}, true, "Access denied"},
		"the dashboard can't be asked": {[]step{none, lookUp(500)}, true, "500"},
		"a token that may not look at dashboards is enough": {[]step{none, lookUp(403), {ask: askCreate, recorded: "added on a dashboard"}}, false, ""},
		"a refusal":        {[]step{none, lookUp(200), {ask: askCreate, recorded: "no text"}}, false, "Failed to save annotation"},
		"a Grafana of 500": {[]step{none, lookUp(200), {ask: askCreate, recorded: "new tag in a patch"}}, true, "500"},
		"one that hangs":   {[]step{none, lookUp(200), {ask: askCreate, hang: true}}, true, "no answer in time"},
	} {
		t.Run(name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer cancel()
			sent := grafanaAt(t, replayGrafana(t, tc.steps...)).Send(ctx, story())
			want := report.SentFailed
			if tc.words == "" {
				want = report.SentOK
			}
			if statuses(sent) != want || sent[0].Retryable != tc.retryable || !strings.Contains(sent[0].Error, tc.words) {
				t.Errorf("%+v", sent)
			}
		})
	}
}

func TestAnAnnotationThatSomebodyDeletedIsNotMadeAgain(t *testing.T) {
	m := resolved(story())
	m.Incident.Sent = []report.Sent{{Sink: NameGrafana, Status: report.SentOK, Ref: "11"}}
	sent := grafanaAt(t, replayGrafana(t, step{ask: askPatch, recorded: "deleted"}, step{ask: askFind, recorded: "found none"})).Send(t.Context(), m)
	if statuses(sent) != "skipped" || sent[0].Retryable || !strings.Contains(sent[0].Error, "deleted") {
		t.Errorf("%+v", sent)
	}
}

func TestAnIncidentThatWasNeverMarkedIsNotMarkedAtItsEnd(t *testing.T) {
	if sent := grafanaAt(t, replayGrafana(t, step{ask: askFind, recorded: "found none"})).Send(t.Context(), resolved(story())); len(sent) != 0 {
		t.Errorf("%+v", sent)
	}
}

func TestManyAlertsOfOneIncidentMakeOneAnnotation(t *testing.T) {
	server, err := lab.StartGrafana(lab.GrafanaOptions{Dashboards: map[string]string{"svc-checkout": "checkout"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	reg := prometheus.NewRegistry()
	g, err := NewGrafana(config.Grafana{URL: parseURL(t, server.URL())}, Options{Registerer: reg})
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if sent := g.Send(t.Context(), story()); statuses(sent) != "ok" || sent[0].Ref != "1" {
				t.Errorf("%+v", sent)
			}
		})
	}
	wg.Wait()
	if n := len(server.Annotations()); n != 1 {
		t.Errorf("%d annotations", n)
	}
	server.Fail(500)
	if sent := g.Send(t.Context(), resolved(story())); statuses(sent) != "failed" || !sent[0].Retryable {
		t.Errorf("%+v", sent)
	}
	if counted(t, reg, "culprit_sink_failures_total", "grafana") != 1 {
		t.Error("the failure is not counted")
	}
	server.Fail(0)
	if sent := g.Send(t.Context(), resolved(story())); statuses(sent) != "ok" {
		t.Errorf("%+v", sent)
	}
	if a := server.Annotations()[0]; a.Time != 1795322817367 || a.TimeEnd != 1795323542367 || len(a.Tags) != 3 {
		t.Errorf("%+v", a)
	}
	lint(t, reg)
}

func TestTagsStayUnderGrafanasLimit(t *testing.T) {
	m := story()
	m.Report.Alert.Labels["alertname"] = "x"
	m.Report.Alert.Labels["severity"] = "a\nb"
	if tags := grafanaTags(m); tags[2] != "severity:a b" {
		t.Errorf("%q", tags)
	}
	for _, name := range []string{"alertname", "severity", "team"} {
		m.Report.Alert.Labels[model.LabelName(name)] = model.LabelValue(strings.Repeat("ż", 400))
	}
	b, err := json.Marshal(grafanaTags(m))
	if err != nil || len(b) > 500 || !strings.Contains(string(b), `"team:`) {
		t.Errorf("%d bytes: %s", len(b), b)
	}
}

func TestALinkIsALinkOnlyIfItIsOne(t *testing.T) {
	m := story()
	m.Report.URL = `javascript:alert("x")`
	m.Report.Result.Causes = []analysis.Finding{}
	m.Incident = m.Incident.Merge([]report.Report{m.Report}, time.Now())
	if text := grafanaText(m); strings.Contains(text, "javascript") {
		t.Errorf("%s", text)
	}
}

// Grafana's tooltips show line breaks as spaces, and support simple elements.
func TestATooltipHasALineForEachCause(t *testing.T) {
	page, err := goquery.NewDocumentFromReader(strings.NewReader(grafanaText(resolved(story()))))
	if err != nil {
		t.Fatal(err)
	}
	body := page.Find("body")
	first := body.Find("b")
	if first.Length() != 1 || first.Text() != story().Report.Line() {
		t.Errorf("the first line is %q", first.Text())
	}
	if n := body.Find("br").Length(); n != 4 { // the line, two causes, the end
		t.Errorf("%d lines end", n)
	}
	if other := body.Find("*").Not("b, br, a"); other.Length() > 0 {
		t.Errorf("there is a <%s>", goquery.NodeName(other))
	}
	if a := body.Find("a"); a.AttrOr("href", "") != story().Report.URL || a.AttrOr("target", "") != "_blank" {
		t.Errorf("the link is %v", a.Nodes)
	}
}

// A server without either annotation API is not a usable Grafana.
func TestAServerWithoutAnnotationsIsSaidInWords(t *testing.T) {
	nothing := step{ask: askFind, status: http.StatusNotFound}
	g := grafanaAt(t, replayGrafana(t, nothing, nothing, step{ask: "GET /apis/annotation.grafana.app", status: http.StatusNotFound}))
	sent := g.Send(t.Context(), story())
	if len(sent) != 1 || sent[0].Status != report.SentFailed || !strings.Contains(sent[0].Error, "hint: this is not Grafana, or it offers neither of its annotation APIs") {
		t.Errorf("%+v", sent)
	}
}

// The new API, over a store that never changes times: the incident has one annotation, even after a
// restart that leaves only its ref.
func TestAnIncidentIsOneRegionThroughTheNewAPIToo(t *testing.T) {
	server, err := lab.StartGrafana(lab.GrafanaOptions{API: lab.NativeAPI, Dashboards: map[string]string{"svc-checkout": "checkout"}})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	m := story()
	sent := grafanaAt(t, parseURL(t, server.URL())).Send(t.Context(), m)
	if statuses(sent) != "ok" || sent[0].Error != "" {
		t.Fatalf("%+v", sent)
	}
	first := sent[0].Ref
	for range 2 {
		m.Incident.Sent = sent
		if sent = grafanaAt(t, parseURL(t, server.URL())).Send(t.Context(), resolved(m)); statuses(sent) != "ok" {
			t.Fatalf("%+v", sent)
		}
		if thing, now, _ := strings.Cut(sent[0].Ref, " "); thing != first || now == "" {
			t.Errorf("the ref %q is of another thing than %q", sent[0].Ref, first)
		}
		if all := server.Annotations(); len(all) != 1 || all[0].TimeEnd != 1795323542367 || *all[0].DashboardUID != "svc-checkout" || !strings.Contains(all[0].Text, "Resolved after") {
			t.Errorf("%+v", all)
		}
	}
}
