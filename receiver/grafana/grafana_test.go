// SPDX-License-Identifier: Apache-2.0

package grafana

import (
	"encoding/json"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
)

// client starts a Grafana of the lab and a client of it.
func client(t *testing.T, o lab.GrafanaOptions) (*lab.Grafana, *Client) {
	t.Helper()
	server, err := lab.StartGrafana(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Close() })
	var conf config.Grafana
	if err := yaml.Unmarshal([]byte("url: "+server.URL()), &conf); err != nil {
		t.Fatal(err)
	}
	c, err := New(conf)
	if err != nil {
		t.Fatal(err)
	}
	return server, c
}

var incident = Annotation{
	Key: "incident-1", DashboardUID: "checkout", PanelID: 4, Time: 1795322817367, TimeEnd: 1795322820367,
	Tags: []string{"culprit", "alertname:HighErrorRatio"}, Text: "path=/pay",
}

// asked returns the calls to a server, without what varies.
func asked(server *lab.Grafana) (calls []string) {
	for _, c := range server.Calls() {
		path, _, _ := strings.Cut(c.Path, "?")
		calls = append(calls, c.Method+" "+path)
	}
	return calls
}

// Whatever a server offers, an annotation is created once, found again, and ends correctly; the new
// API is never used where the old one exists.
func TestAnAnnotationIsOneThroughEveryAPI(t *testing.T) {
	for _, api := range []string{lab.LegacyAPI, lab.BothAPIs, lab.AppsAPI, lab.NativeAPI} {
		t.Run("api "+api, func(t *testing.T) {
			server, c := client(t, lab.GrafanaOptions{API: api, Namespace: "stacks-7", Dashboards: map[string]string{"checkout": "Checkout"}})
			q := Query{From: time.UnixMilli(incident.Time - 1000), To: time.UnixMilli(incident.TimeEnd + 1000), Tags: []string{"culprit"}, Limit: 10}
			if found, err := c.Find(t.Context(), q); err != nil || len(found) != 0 {
				t.Fatal(found, err)
			}
			ref, err := c.Create(t.Context(), incident)
			if err != nil {
				t.Fatal(err)
			}
			if ref, err = c.Change(t.Context(), ref, Change{Text: "version=v2"}); err != nil {
				t.Fatal(err)
			}
			end := incident.TimeEnd + 600_000
			for range 2 { // the second time there is nothing to do
				if ref, err = c.Change(t.Context(), ref, Change{Text: "over", TimeEnd: end}); err != nil {
					t.Fatal(err)
				}
			}
			want := incident
			want.Key, want.Ref, want.Text, want.TimeEnd = "", ref, "over", end
			found, err := c.Find(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff([]Annotation{want}, found); diff != "" {
				t.Error(diff)
			}
			if err := c.Dashboard(t.Context(), "checkout"); err != nil {
				t.Error(err)
			}
			if err := c.Dashboard(t.Context(), "none"); !Gone(err) {
				t.Error(err)
			}
			isNew := func(call string) bool { return strings.Contains(call, "/apis/") }
			if has := slices.ContainsFunc(asked(server), isNew); has != (api == lab.AppsAPI || api == lab.NativeAPI) {
				t.Errorf("asked %v", asked(server))
			}
		})
	}
}

// A store that keeps names prevents duplicates, even if the answer to the creation was lost.
func TestANameIsGivenOnce(t *testing.T) {
	server, c := client(t, lab.GrafanaOptions{API: lab.NativeAPI})
	var refs []string
	for range 2 {
		ref, err := c.Create(t.Context(), incident)
		if err != nil {
			t.Fatal(err)
		}
		refs = append(refs, ref)
	}
	if n := len(server.Annotations()); n != 1 || refs[0] != refs[1] {
		t.Errorf("%d annotations, called %v", n, refs)
	}
}

// A server is upgraded between the start and the end of an incident. It stays one annotation,
// because the database is the same.
func TestAnUpgradeAndADowngradeAreNoticed(t *testing.T) {
	server, c := client(t, lab.GrafanaOptions{})
	clock := time.Now()
	c.now = func() time.Time { return clock }
	ref, err := c.Create(t.Context(), incident)
	if err != nil {
		t.Fatal(err)
	}
	change := func(text string) {
		t.Helper()
		if ref, err = c.Change(t.Context(), ref, Change{Text: text, TimeEnd: incident.TimeEnd + 1000}); err != nil {
			t.Fatal(err)
		}
		if all := server.Annotations(); len(all) != 1 || all[0].Text != text || all[0].TimeEnd != incident.TimeEnd+1000 {
			t.Fatalf("%+v", all)
		}
	}
	server.Serve(lab.AppsAPI)
	change("after the upgrade")
	before := len(server.Calls())
	change("again")
	if calls := asked(server)[before:]; len(calls) != 2 {
		t.Errorf("what the server offers is asked for again: %v", calls)
	}
	server.Serve(lab.LegacyAPI)
	change("after the way back")
	server.Serve(lab.BothAPIs)
	clock = clock.Add(remembered + time.Second)
	before = len(server.Calls())
	change("with both")
	if calls := asked(server)[before:]; !cmp.Equal(calls, []string{"PATCH /api/annotations/1"}) {
		t.Errorf("asked %v", calls)
	}
}

// A server may fail between deleting an annotation with a wrong end and creating its replacement.
func TestAnAnnotationBeingReplacedIsNotLost(t *testing.T) {
	server, c := client(t, lab.GrafanaOptions{API: lab.NativeAPI})
	ref, err := c.Create(t.Context(), incident)
	if err != nil {
		t.Fatal(err)
	}
	server.FailOn(http.MethodPost, 503)
	end := Change{Text: "over", TimeEnd: incident.TimeEnd + 1000}
	again, err := c.Change(t.Context(), ref, end)
	if err == nil || again != ref || len(server.Annotations()) != 0 {
		t.Fatal(again, err, server.Annotations())
	}
	server.FailOn("", 0)
	if _, err = c.Change(t.Context(), again, end); err != nil {
		t.Fatal(err)
	}
	if all := server.Annotations(); len(all) != 1 || all[0].TimeEnd != end.TimeEnd || *all[0].DashboardUID != "checkout" || len(all[0].Tags) != 2 {
		t.Errorf("%+v", all)
	}
}

// Without the permission to delete there is still one annotation, with the right text, and an error
// says so.
func TestWithoutPermissionToDeleteNothingIsDuplicated(t *testing.T) {
	server, c := client(t, lab.GrafanaOptions{API: lab.NativeAPI})
	ref, err := c.Create(t.Context(), incident)
	if err != nil {
		t.Fatal(err)
	}
	server.FailOn(http.MethodDelete, 403)
	_, err = c.Change(t.Context(), ref, Change{Text: "over", TimeEnd: incident.TimeEnd + 1000})
	if err == nil || !strings.Contains(err.Error(), "replace annotation") || !strings.Contains(err.Error(), "403") {
		t.Error(err)
	}
	if all := server.Annotations(); len(all) != 1 || all[0].Text != "over" {
		t.Errorf("%+v", all)
	}
}

func TestPagesOfASearchAreReadUpToTheLimit(t *testing.T) {
	_, c := client(t, lab.GrafanaOptions{API: lab.AppsAPI})
	for range 7 {
		if _, err := c.Create(t.Context(), incident); err != nil {
			t.Fatal(err)
		}
	}
	if found, err := c.Find(t.Context(), Query{Tags: []string{"culprit"}, Limit: 5}); err != nil || len(found) != 5 {
		t.Error(len(found), err)
	}
	if found, err := c.Find(t.Context(), Query{Tags: []string{"other", "culprit"}, AnyTag: true, Limit: 50}); err != nil || len(found) != 7 {
		t.Error(len(found), err)
	}
}

// Requests and answers have the documented form. The file says where each exchange is from; none is
// recorded.
func TestTheNewAPIIsSpokenAsItIsDocumented(t *testing.T) {
	file, err := os.ReadFile("testdata/annotation.grafana.app-v0alpha1.json")
	if err != nil {
		t.Fatal(err)
	}
	var documented struct {
		Search, Create, Patch struct {
			Path     string
			Request  json.RawMessage
			Response json.RawMessage
		}
	}
	if err := json.Unmarshal(file, &documented); err != nil {
		t.Fatal(err)
	}
	server, c := client(t, lab.GrafanaOptions{API: lab.AppsAPI})
	ref, err := c.Create(t.Context(), incident)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Change(t.Context(), ref, Change{Text: "over"}); err != nil {
		t.Fatal(err)
	}
	for _, call := range server.Calls() {
		for want, doc := range map[string]json.RawMessage{documented.Create.Path: documented.Create.Request, documented.Patch.Path: documented.Patch.Request} {
			if call.Method+" "+call.Path == want {
				if sent, known := keys(t, []byte(call.Body)), keys(t, doc); !cmp.Equal(known, sent, cmpopts.SortSlices(strings.Compare)) {
					t.Errorf("%s: sent %v, documented %v", want, sent, known)
				}
			}
		}
	}
	var page struct{ Items []object }
	if err := json.Unmarshal(documented.Search.Response, &page); err != nil {
		t.Fatal(err)
	}
	want := Annotation{Ref: "7", DashboardUID: "d", Time: 100, Text: "hi"}
	if diff := cmp.Diff(want, page.Items[0].annotation()); diff != "" {
		t.Error(diff)
	}
}

// keys lists the field names of a JSON object, recursively.
func keys(t *testing.T, doc []byte) (names []string) {
	t.Helper()
	var all map[string]json.RawMessage
	if err := json.Unmarshal(doc, &all); err != nil {
		t.Fatalf("%s: %v", doc, err)
	}
	for name, value := range all {
		names = append(names, name)
		if value[0] == '{' {
			for _, inner := range keys(t, value) {
				names = append(names, name+"."+inner)
			}
		}
	}
	return names
}
