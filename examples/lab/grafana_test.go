// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"encoding/json"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/examples/lab"
)

// call makes one call and returns the status and the body.
func call(t *testing.T, g *lab.Grafana, method, path, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, g.URL()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer secret")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(text))
}

// The exchanges were recorded on a Grafana 9.3.2 with one dashboard.
func TestGrafanaAnswersAsRecorded(t *testing.T) {
	g, err := lab.StartGrafana(lab.GrafanaOptions{Token: "secret", Dashboards: map[string]string{"svc-checkout": "checkout"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	exchanges := []struct {
		method, path, body string
		status             int
		want               string // part of the answer
	}{
		{"GET", "/api/health", "", 200, `"version":"9.3.2"`},
		{"POST", "/api/annotations", `{"time":5000,"text":"org-wide","tags":["alert","a:b"]}`, 200, `{"id":1,"message":"Annotation added"}`},
		{"POST", "/api/annotations", `{"dashboardUID":"svc-checkout","panelId":2,"time":1000,"timeEnd":2000,"text":"region","tags":["alert","region"]}`, 200, `"id":2`},
		{"POST", "/api/annotations", `{"dashboardUID":"nope","time":5000,"text":"unknown dashboard","tags":["x"]}`, 200, `"id":3`},
		{"GET", "/api/annotations/3", "", 200, `"dashboardUID":null,"panelId":0`},
		{"POST", "/api/annotations", `{"time":5000,"tags":["notext"]}`, 400, `"Failed to save annotation"`},
		{"POST", "/api/annotations", ``, 400, `"bad request data"`},
		{"POST", "/api/annotations", `{"time":5000,"timeEnd":4000,"text":"end before start"}`, 200, `"id":4`},
		{"GET", "/api/annotations/4", "", 200, `"time":4000,"timeEnd":5000`},
		{"GET", "/api/annotations?tags=alert&tags=region", "", 200, `[{"id":2,`},
		{"GET", "/api/annotations?tags=region&tags=x&matchAny=true", "", 200, `[{"id":3,`},
		{"GET", "/api/annotations?tags=none", "", 200, `[]`},
		{"GET", "/api/annotations?dashboardUID=svc-checkout", "", 200, `[{"id":2,`},
		{"PATCH", "/api/annotations/1", `{"timeEnd":9000}`, 200, `{"message":"Annotation patched"}`},
		{"GET", "/api/annotations/1", "", 200, `"time":5000,"timeEnd":9000,"text":"org-wide","tags":["alert","a:b"]`},
		{"PATCH", "/api/annotations/1", `{"tags":["alert","region"]}`, 200, "patched"},
		{"PATCH", "/api/annotations/1", `{"tags":["never seen"]}`, 500, `"Failed to update annotation"`},
		{"PATCH", "/api/annotations/999", `{"text":"none"}`, 404, `"Annotation not found"`},
		{"DELETE", "/api/annotations/4", "", 200, `"Annotation deleted"`},
		{"GET", "/api/annotations/4", "", 404, `"Annotation not found"`},
		{"GET", "/api/dashboards/uid/svc-checkout", "", 200, `"uid":"svc-checkout"`},
		{"GET", "/api/dashboards/uid/nope", "", 404, `"Dashboard not found"`},
		{"GET", "/apis/annotation.grafana.app", "", 404, "Not found"},
	}
	for _, e := range exchanges {
		status, body := call(t, g, e.method, e.path, e.body)
		if status != e.status || !strings.Contains(body, e.want) {
			t.Errorf("%s %s %s: have %d %s, want %d %s", e.method, e.path, e.body, status, body, e.status, e.want)
		}
	}
	calls := g.Calls()
	if len(calls) != len(exchanges) {
		t.Fatalf("%d calls are recorded, %d were made", len(calls), len(exchanges))
	}
	for i, e := range exchanges {
		if c := calls[i]; c.Method != e.method || c.Path != e.path || c.Body != e.body || c.Status != e.status {
			t.Errorf("call %d is recorded as %+v", i, c)
		}
	}
	ids := []int64{}
	for _, a := range g.Annotations() {
		ids = append(ids, a.ID)
	}
	if !slices.Equal(ids, []int64{1, 2, 3}) {
		t.Errorf("kept are %v", ids)
	}
}

func TestGrafanaRefusesStrangersAndFailsOnDemand(t *testing.T) {
	g, err := lab.StartGrafana(lab.GrafanaOptions{Token: "other"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	if status, body := call(t, g, "POST", "/api/annotations", `{"text":"x"}`); status != 401 || !strings.Contains(body, "invalid API key") {
		t.Errorf("a wrong token: have %d %s", status, body)
	}
	resp, err := http.Post(g.URL()+"/api/annotations", "application/json", strings.NewReader(`{"text":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	var message struct{ Message string }
	err = json.NewDecoder(resp.Body).Decode(&message)
	resp.Body.Close()
	if err != nil || resp.StatusCode != 401 || message.Message != "Unauthorized" {
		t.Errorf("no token: have %d %q, %v", resp.StatusCode, message.Message, err)
	}
	g.Fail(http.StatusInternalServerError)
	if status, _ := call(t, g, "GET", "/api/health", ""); status != 500 {
		t.Errorf("told to fail: have %d", status)
	}
	g.Fail(0)
	if status, _ := call(t, g, "GET", "/api/health", ""); status != 200 {
		t.Errorf("healed: have %d", status)
	}
}
