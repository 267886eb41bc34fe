// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"encoding/json"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// The JSON names are a contract: programs and dashboards depend on them. Names may be added, but
// never changed or removed.
func TestJSONContract(t *testing.T) {
	r := example(t)
	h := New(options(t, memory{reports: []report.Report{r}}))
	var got map[string]any
	if err := json.Unmarshal(get(t, h, "/api/v1/reports/"+r.ID).Body.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	for path, names := range map[string]string{
		"":                           "id status alert rule onset summary plan result timings sent url incident createdAt charts without limit grafana",
		"alert":                      "labels annotations startsAt generatorURL fingerprint",
		"plan":                       "queries start end step",
		"plan.queries":               "role name query",
		"result":                     "verdict causes dimensions fit graph warnings change forecast",
		"result.causes":              "rank kind labels name score share confidence method sentence explains common evidence",
		"result.dimensions":          "label surprise explained masking elements",
		"result.dimensions.elements": "value forecast actual ep surprise change",
		"result.fit":                 "explained series moved selected converged",
		"result.graph":               "nodes edges chains notes",
		"result.graph.nodes":         "name role score onset",
		"result.graph.edges":         "from to directed partial_correlation p weight source",
		"result.graph.chains":        "nodes weight directed sentence",
		"result.warnings":            "source text",
		"timings":                    "queued fetch analyze publish",
		"sent":                       "sink status ref at",
		"charts":                     "name times values",
		"without":                    "of steps before whole flat beside",
		"without.steps":              "from to whole rest",
		"limit":                      "operator value",
	} {
		want := slices.Sorted(slices.Values(strings.Fields(names)))
		if diff := cmp.Diff(want, slices.Sorted(maps.Keys(at(t, got, path)))); diff != "" {
			t.Errorf("names of %q (-want +got):\n%s", path, diff)
		}
	}
	if causes := got["result"].(map[string]any)["causes"].([]any); causes[1].(map[string]any)["series"] != `db connections{pod="cart-db-0"}` {
		t.Errorf("the second cause is %v", causes[1])
	}
}

// at walks to an object, through the first elements of lists.
func at(t *testing.T, v any, path string) map[string]any {
	t.Helper()
	for _, name := range strings.FieldsFunc(path, func(r rune) bool { return r == '.' }) {
		v = first(v).(map[string]any)[name]
	}
	object, ok := first(v).(map[string]any)
	if !ok {
		t.Fatalf("%s is %T, not an object", path, v)
	}
	return object
}

func first(v any) any {
	if list, ok := v.([]any); ok {
		return list[0]
	}
	return v
}

// Stored reports are served unchanged.
func TestReportIsServedUnchanged(t *testing.T) {
	r := example(t)
	body := get(t, New(options(t, memory{reports: []report.Report{r}})), "/api/v1/reports/"+r.ID).Body.Bytes()
	file, err := os.ReadFile("testdata/report.json")
	if err != nil {
		t.Fatal(err)
	}
	var want, got any
	if err := errors.Join(json.Unmarshal(file, &want), json.NewDecoder(bytes.NewReader(body)).Decode(&got)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-file +served):\n%s", diff)
	}
}

// several reports, newest first: an open one, a resolved one of another alert, and a failed one.
func several(t *testing.T) memory {
	open, resolved, failed := example(t), example(t), example(t)
	end := resolved.Alert.StartsAt.Add(10 * time.Minute)
	resolved.ID, resolved.ResolvedAt, resolved.Incident = idOf("resolved"), &end, "other"
	resolved.Alert.Labels = model.LabelSet{"alertname": "CartSlow", "service": "cart"}
	resolved.Alert.Fingerprint = cartAlert
	failed.ID, failed.Status = idOf("failed"), report.Failed
	open.ID = idOf("open")
	incident := report.Open("g", open.Alert.StartsAt, "").Merge([]report.Report{open, failed}, open.CreatedAt)
	incident.ID = idOf("first")
	closed := report.Open("h", open.Alert.StartsAt, "").Merge([]report.Report{open}, open.CreatedAt)
	closed.ID, closed.ResolvedAt = idOf("second"), &end
	return memory{reports: []report.Report{open, resolved, failed}, incidents: []report.Incident{incident, closed}, pending: []string{pendingAlert}}
}

func TestLists(t *testing.T) {
	h := New(options(t, several(t)))
	for query, want := range map[string]string{
		"reports":                                                  "open resolved failed",
		"reports?limit=1":                                          "open",
		"reports?open=true":                                        "open failed",
		"reports?open=false":                                       "resolved",
		"reports?status=failed":                                    "failed",
		"reports?alertname=CartSlow":                               "resolved",
		"reports?fingerprint=" + cartAlert:                         "resolved",
		"reports?incident=other":                                   "resolved",
		"reports?match=service%3D%22checkout%22":                   "open failed",
		"reports?match=service%3D~%22c.*%22,team%3D%22%22":         "resolved",
		"reports?match=service%3Dcart&match=alertname!%3DCartSlow": "",
		"incidents":                                                "first second",
		"incidents?open=true":                                      "first",
		"incidents?limit=1":                                        "first",
		"incidents?alertname=CheckoutErrors":                       "first second",
		"incidents?alertname=Other":                                "",
	} {
		w := get(t, h, "/api/v1/"+query)
		var list []struct{ ID string }
		if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || list == nil {
			t.Errorf("%s: no list: %v: %s", query, err, w.Body)
			continue
		}
		ids, wanted := make([]string, len(list)), strings.Fields(want)
		for i := range list {
			ids[i] = list[i].ID
		}
		for i := range wanted {
			wanted[i] = idOf(wanted[i])
		}
		if got := strings.Join(ids, " "); got != strings.Join(wanted, " ") {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
		if ct := w.Header().Get("Content-Type"); ct != "application/json; charset=utf-8" {
			t.Errorf("%s: content type %q", query, ct)
		}
	}
}

func TestMistakesHaveSentences(t *testing.T) {
	opts := options(t, several(t))
	broken := options(t, memory{err: errors.New("disk on fire")})
	tests := []struct {
		opts   Options
		path   string
		status int
		text   string
	}{
		{opts, "/api/v1/reports?limit=0", 400, `limit is a number from 1 to 1000, not "0"`},
		{opts, "/api/v1/reports?open=maybe", 400, `open is true or false, not "maybe"`},
		{opts, "/api/v1/reports?status=done", 400, `status is complete, partial or failed, not "done"`},
		{opts, "/api/v1/incidents?match=service%3D~%22(%22", 400, `match is a matcher such as service="checkout", not`},
		{opts, "/api/v1/reports/none", 404, "There is no such report"},
		{opts, "/api/v1/incidents/none", 404, "There is no such report or incident"},
		{opts, "/api/v1/nothing", 404, "There is no such page."},
		{opts, "/reports/none", 404, "There is no such report"},
		{opts, "/incidents/none", 404, "There is no such report"},
		{opts, "/static/none.css", 404, "There is no such file."},
		{opts, "/a/0000", 404, "There is no report about this alert."},
		{opts, "/nothing", 404, "There is no such page."},
		{broken, "/api/v1/reports", 500, "The store can't be read: disk on fire"},
		{broken, "/", 500, "The store can't be read: disk on fire"},
	}
	for _, tt := range tests {
		w := get(t, New(tt.opts), tt.path)
		if w.Code != tt.status {
			t.Errorf("%s: status %d, want %d", tt.path, w.Code, tt.status)
		}
		if strings.HasPrefix(tt.path, "/api/") {
			var body struct{ Error string }
			if err := json.Unmarshal(w.Body.Bytes(), &body); err != nil || !strings.HasPrefix(body.Error, tt.text) {
				t.Errorf("%s: got %s, want %q", tt.path, w.Body, tt.text)
			}
			continue
		}
		if got := getPage(t, tt.opts, tt.path, tt.status).Find("main [role=alert]").Text(); !strings.Contains(got, tt.text) {
			t.Errorf("%s: got %q, want %q", tt.path, got, tt.text)
		}
	}
}

func TestPagesAreReadOnly(t *testing.T) {
	w := httptest.NewRecorder()
	New(options(t, several(t))).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/api/v1/reports", strings.NewReader("{}")))
	if w.Code != http.StatusMethodNotAllowed {
		t.Errorf("POST is answered with %d", w.Code)
	}
}
