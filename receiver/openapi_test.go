// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/prometheus/client_golang/prometheus"
	toolkit "github.com/prometheus/exporter-toolkit/web"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// contract is the document as served, and what has been tried of it.
type contract struct {
	*openapi3.T
	t    *testing.T
	base string
	seen map[string]bool // such as "getReport 200"
}

// newContract reads the document from the daemon. It forbids undocumented fields, so that an answer
// with one fails.
func newContract(t *testing.T, base string) *contract {
	t.Helper()
	for _, media := range []string{"text/html", "text/javascript"} {
		openapi3filter.RegisterBodyDecoder(media, openapi3filter.FileBodyDecoder)
	}
	resp, err := http.Get(base + apiDocument)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	doc, err := openapi3.NewLoader().LoadFromIoReader(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	if err := doc.Validate(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range doc.Components.Schemas {
		if s.Value.Properties != nil {
			s.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: new(false)}
		}
	}
	return &contract{T: doc, t: t, base: base, seen: map[string]bool{}}
}

// each iterates over the operations in a fixed order.
func (d *contract) each(f func(route *routers.Route)) {
	for _, path := range slices.Sorted(func(yield func(string) bool) {
		for path := range d.Paths.Map() {
			if !yield(path) {
				return
			}
		}
	}) {
		item := d.Paths.Value(path)
		for _, method := range []string{"GET", "POST", "PUT"} {
			if op := item.GetOperation(method); op != nil {
				f(&routers.Route{Spec: d.T, Path: path, PathItem: item, Method: method, Operation: op})
			}
		}
	}
}

func (d *contract) route(id string) (found *routers.Route) {
	d.each(func(r *routers.Route) {
		if r.Operation.OperationID == id {
			found = r
		}
	})
	if found == nil {
		d.t.Fatalf("there is no operation %s", id)
	}
	return found
}

// call is a request, and the status to expect.
type call struct {
	id     string
	path   string // empty: that of the operation, with unfilled parameters
	body   string
	header map[string]string
	status int
}

// call sends a request and validates the answer.
func (d *contract) call(c call) {
	d.t.Helper()
	route := d.route(c.id)
	if c.path == "" {
		c.path = strings.NewReplacer("{id}", strings.Repeat("a", 26), "{fingerprint}", "0123456789abcdef", "{name}", "none").Replace(route.Path)
	}
	req, err := http.NewRequest(route.Method, d.base+c.path, strings.NewReader(c.body))
	if err != nil {
		d.t.Fatal(err)
	}
	if route.Operation.RequestBody != nil {
		for media := range route.Operation.RequestBody.Value.Content {
			req.Header.Set("Content-Type", media)
		}
	}
	for name, value := range c.header {
		req.Header.Set(name, value)
	}
	once := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	resp, err := once.Do(req)
	if err != nil {
		d.t.Fatalf("%s: %v", c.id, err)
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err != nil {
		d.t.Fatalf("%s: %v", c.id, err)
	}
	if resp.StatusCode != c.status {
		d.t.Errorf("%s %s answers %d, want %d: %.300s", route.Method, c.path, resp.StatusCode, c.status, text)
		return
	}
	d.seen[fmt.Sprintf("%s %d", c.id, c.status)] = true
	asked := &openapi3filter.RequestValidationInput{Request: req, Route: route}
	if err := openapi3filter.ValidateResponse(d.t.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: asked, Status: resp.StatusCode, Header: resp.Header, Body: io.NopCloser(bytes.NewReader(text)),
		Options: &openapi3filter.Options{IncludeResponseStatus: true},
	}); err != nil {
		d.t.Errorf("%s %s answers %d otherwise than documented: %.1500v", route.Method, c.path, c.status, err)
	}
	if c.status < 300 && req.Header.Get("Content-Type") == "application/json" {
		d.takes(route, c.body)
	}
}

// takes validates the body of an accepted request.
func (d *contract) takes(route *routers.Route, body string) {
	d.t.Helper()
	var value any
	if err := json.Unmarshal([]byte(body), &value); err != nil {
		d.t.Fatal(err)
	}
	if err := route.Operation.RequestBody.Value.Content.Get("application/json").Schema.Value.VisitJSON(value); err != nil {
		d.t.Errorf("%s takes what is not documented: %v", route.Operation.OperationID, err)
	}
}

// TestEveryRouteIsInTheDocument compares the document with the routes of the daemon.
func TestEveryRouteIsInTheDocument(t *testing.T) {
	d := lonely(t, configured("mcp: {}"))
	doc := newContract(t, d.URL())
	pages := web.New(d.pages(newExplainer(d.live.Load, d.changes, d.opt.Now)))
	served := map[string]bool{}
	for _, pattern := range append(d.routes().Patterns(), pages.Patterns()...) {
		if pattern == "/mcp" {
			pattern = "POST /mcp" // it rejects other methods itself
		}
		method, path, ok := strings.Cut(pattern, " ")
		if ok { // otherwise it only rejects
			served[method+" "+strings.TrimSuffix(path, "{$}")] = true
		}
	}
	doc.each(func(r *routers.Route) {
		route := r.Method + " " + r.Path
		if !served[route] {
			t.Errorf("%s is documented and not served", route)
		}
		delete(served, route)
	})
	for route := range served {
		t.Errorf("%s is served and not documented; hint: add it to the table in receiver/openapi/document", route)
	}
	doc.each(func(r *routers.Route) {
		req, err := http.NewRequest(http.MethodDelete, d.URL()+strings.NewReplacer("{", "", "}", "").Replace(r.Path), nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != http.StatusMethodNotAllowed || resp.Header.Get("Allow") == "" {
			t.Errorf("DELETE %s answers %s, Allow: %q", r.Path, resp.Status, resp.Header.Get("Allow"))
		}
	})
}

// TestEveryOperationAnswersAsDocumented provokes every documented status of every operation, and
// validates the answers.
func TestEveryOperationAnswersAsDocumented(t *testing.T) {
	w := newWorld(t, true)
	w.post("ErrorsHigh", time.Now().Add(-time.Minute), true)
	w.await("a report is complete and sent", func() bool {
		list := w.reports()
		return len(list) == 1 && len(list[0].Sent) > 0
	})
	doc := newContract(t, w.daemon.URL())
	doc.reads(w)
	doc.refusesParameters()
	doc.takesMessages(w)
	doc.refuses(w)
	doc.guarded()
	doc.starting()
	doc.broken()
	doc.scraped()
	doc.outOfBounds(w)
	doc.each(func(r *routers.Route) {
		for status := range r.Operation.Responses.Map() {
			if answer := r.Operation.OperationID + " " + status; !doc.seen[answer] {
				t.Errorf("nothing has answered as documented: %s", answer)
			}
		}
	})
}

// reads calls the operations that read the only report.
func (d *contract) reads(w *world) {
	var r report.Report
	w.get("/api/v1/reports/"+w.reports()[0].ID, &r)
	for id, path := range map[string]string{
		"listReports": "/api/v1/reports?open=true&limit=1", "getReport": "/api/v1/reports/" + r.ID,
		"listIncidents": "/api/v1/incidents", "getIncident": "/api/v1/incidents/" + r.Incident,
		"listCases": "/api/v1/cases", "getCase": "/api/v1/cases/" + r.Case,
		"showReports": "/?q=shop", "showReport": "/reports/" + r.ID, "showIncident": "/incidents/" + r.Incident, "showAlert": "/a/" + r.Alert.Fingerprint,
		"showCases": "/cases", "showCase": "/cases/" + r.Case, "showChanges": "/changes", "getStatic": "/static/copy.js",
		"healthy": "/-/healthy", "ready": "/-/ready", "metrics": "/metrics", "getDocument": apiDocument,
	} {
		d.call(call{id: id, path: path, status: http.StatusOK})
	}
	d.call(call{id: "explainAgain", path: "/reports/" + r.ID + "/explain", body: "only=path%3D%2Fpay", status: http.StatusOK})
	d.call(call{id: "explainAgain", path: "/reports/" + r.ID + "/explain", status: http.StatusSeeOther}) // the alert fires
	d.call(call{id: "explainAgain", path: "/reports/" + r.ID + "/explain", body: "only=", status: http.StatusBadRequest})
	d.call(call{id: "judgeReport", path: "/reports/" + r.ID + "/feedback", body: "says=right", status: http.StatusSeeOther})
	d.call(call{id: "judgeReport", path: "/reports/" + r.ID + "/feedback", body: "says=perhaps", status: http.StatusBadRequest})
	d.call(call{id: "giveFeedback", path: "/api/v1/reports/" + r.ID + "/feedback", body: `{"says": "other", "was": "the disk of node 7", "by": "ann"}`, status: http.StatusOK})
	d.call(call{id: "giveFeedback", path: "/api/v1/reports/" + r.ID + "/feedback", body: `{"says": "perhaps"}`, status: http.StatusBadRequest})
	d.call(call{id: "explain", body: `{"labels": {"alertname": "ErrorsHigh"}, "expr": "sum(rate(errors_total[1m])) > 3", "at": "2m"}`, status: http.StatusOK})
	unlock := w.daemon.worker.alerts.lock("0123456789abcdef") // as if it were being explained
	d.call(call{id: "showAlert", status: http.StatusAccepted})
	unlock()
	d.each(func(route *routers.Route) {
		if route.Operation.Responses.Status(404) != nil && !strings.HasPrefix(route.Operation.OperationID, "explain") && route.Operation.OperationID != "postEvents" {
			d.call(call{id: route.Operation.OperationID, body: map[string]string{"giveFeedback": `{"says": "right"}`, "judgeReport": "says=right"}[route.Operation.OperationID], status: http.StatusNotFound})
		}
	})
	d.call(call{id: "explainAgain", status: http.StatusNotFound})
}

// refusesParameters gives every parameter an invalid value.
func (d *contract) refusesParameters() {
	d.each(func(r *routers.Route) {
		for _, p := range r.Operation.Parameters {
			free := p.Value.Schema.Value.Type.Is("string") && p.Value.Schema.Value.Enum == nil && !slices.Contains([]string{"from", "to", "after"}, p.Value.Name)
			if r.Method == http.MethodGet && p.Value.In == "query" && !free {
				d.call(call{id: r.Operation.OperationID, path: r.Path + "?" + p.Value.Name + "=%7Bno", status: http.StatusBadRequest})
			}
		}
	})
}

// takesMessages sends valid messages of all kinds, and invalid ones.
func (d *contract) takesMessages(w *world) {
	change := `{"id": "run-7", "title": "checkout v42", "at": 1700000000, "until": "2023-11-14T22:14:20Z", "labels": {"service": "checkout"}, "from": "v41", "to": "v42", "source": "deploys", "url": "https://example.org"}`
	change = strings.ReplaceAll(strings.ReplaceAll(change, "1700000000", fmt.Sprint(time.Now().Unix()-60)), "2023-11-14T22:14:20Z", time.Now().UTC().Format(time.RFC3339))
	d.call(call{id: "postChanges", body: change, status: http.StatusOK})
	d.call(call{id: "postChanges", body: `[` + change + `, {"title": "a"}]`, status: http.StatusOK})
	d.call(call{id: "postChanges", body: `{"title": ""}`, status: http.StatusBadRequest})
	d.call(call{id: "postChanges", path: "/api/v1/changes?format=fax", body: `{}`, status: http.StatusBadRequest})
	d.call(call{id: "postChanges", body: `{"title": "` + strings.Repeat("x", 300<<10) + `"}`, status: http.StatusRequestEntityTooLarge})
	d.call(call{id: "listChanges", status: http.StatusOK})
	d.call(call{id: "listChanges", path: "/api/v1/changes?limit=1", status: http.StatusOK})

	d.call(call{id: "postNotification", body: `{"version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "culprit", "groupLabels": {"service": "mail"},
		"commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://a", "alerts": [{"status": "resolved", "labels": {"alertname": "Mail"}, "annotations": {},
		"startsAt": "2026-11-30T14:03:00Z", "endsAt": "2026-11-30T14:04:00Z", "generatorURL": "", "fingerprint": "0123456789abcdef"}]}`, status: http.StatusAccepted})
	d.call(call{id: "postNotification", body: `{}`, status: http.StatusBadRequest})

	d.call(call{id: "postEvents", body: `[]`, status: http.StatusNotFound})
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.configure("alertmanager_events: {}\nmcp: {}\n" + string(text))
	d.call(call{id: "reload", status: http.StatusOK})
	d.call(call{id: "postEvents", body: `[]`, status: http.StatusOK})
	d.call(call{id: "postEvents", body: `{`, status: http.StatusBadRequest})
	d.call(call{id: "postEvents", body: `["` + strings.Repeat("x", 9<<20) + `"]`, status: http.StatusRequestEntityTooLarge})
	d.call(call{id: "callTool", body: `{"jsonrpc": "2.0", "id": 1, "method": "tools/list"}`, status: http.StatusOK})
	d.call(call{id: "callTool", body: `{"jsonrpc": "2.0", "id": 1, "method": "tools/burn"}`, status: http.StatusOK})
	d.call(call{id: "callTool", body: `{"jsonrpc": "2.0", "method": "notifications/initialized"}`, status: http.StatusAccepted})
	d.call(call{id: "callTool", body: `{`, status: http.StatusBadRequest})
	d.call(call{id: "callTool", body: `"` + strings.Repeat("x", 65<<10) + `"`, status: http.StatusRequestEntityTooLarge})
	d.call(call{id: "reloadWithPut", status: http.StatusOK})
}

// refuses asks what can't be answered, also without Prometheus and with an invalid configuration.
func (d *contract) refuses(w *world) {
	id := w.reports()[0].ID
	for _, c := range []call{
		{id: "explain", body: `{}`, status: http.StatusBadRequest},
		{id: "explain", body: `{"labels": {"alertname": "Nobody"}}`, status: http.StatusNotFound},
		{id: "explain", body: `{"expr": "` + strings.Repeat("x", maxAskBytes) + `"}`, status: http.StatusRequestEntityTooLarge},
	} {
		d.call(c)
	}
	w.configure("prometheus: {url: 'http://127.0.0.1:1'}\nalertmanagers: [{url: 'http://127.0.0.1:1'}]\n" + testRules)
	w.must(w.daemon.Reload())
	d.call(call{id: "explain", body: `{"labels": {"alertname": "A"}}`, status: http.StatusBadGateway})
	w.configure("explain_api: {enabled: false}\nprometheus: {url: 'http://127.0.0.1:1'}\n")
	w.must(w.daemon.Reload())
	d.call(call{id: "explain", body: `{"expr": "up"}`, status: http.StatusForbidden})
	d.call(call{id: "explainAgain", path: "/reports/" + id + "/explain", status: http.StatusForbidden})
	w.configure("prometheus: {url: nowhere}\n")
	for _, id := range []string{"reload", "reloadWithPut"} {
		d.call(call{id: id, status: http.StatusInternalServerError})
	}
	d.each(func(r *routers.Route) {
		if r.Method != http.MethodGet {
			d.call(call{id: r.Operation.OperationID, header: map[string]string{"Sec-Fetch-Site": "cross-site"}, status: http.StatusForbidden})
			d.call(call{id: r.Operation.OperationID, body: "{}", header: map[string]string{"Content-Type": "text/plain"}, status: http.StatusUnsupportedMediaType})
		}
	})
}

// guarded calls a daemon that requires credentials, and one that allows one request an hour.
func (d *contract) guarded() {
	for settings, status := range map[string]int{
		"basic_auth_users: {ann: $2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi}": http.StatusUnauthorized,
		"rate_limit: {interval: 1h, burst: 0}":                                                  http.StatusTooManyRequests,
	} {
		base := lonely(d.t, func(opt *Options) {
			file, addresses, socket := filepath.Join(d.t.TempDir(), "web.yml"), []string{"127.0.0.1:0"}, false
			if err := os.WriteFile(file, []byte(settings), 0o600); err != nil {
				d.t.Fatal(err)
			}
			opt.Web = &toolkit.FlagConfig{WebListenAddresses: &addresses, WebSystemdSocket: &socket, WebConfigFile: &file}
		}).URL()
		d.at(base).each(func(r *routers.Route) {
			d.at(base).call(call{id: r.Operation.OperationID, status: status})
		})
	}
	token := filepath.Join(d.t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("secret"), 0o600); err != nil {
		d.t.Fatal(err)
	}
	daemon := lonely(d.t, configured(fmt.Sprintf("changes: {token_file: %q}\nalertmanager_events: {token_file: %[1]q}\nmcp: {token_file: %[1]q}", token)))
	for _, id := range []string{"postChanges", "postEvents", "callTool"} {
		d.at(daemon.URL()).call(call{id: id, body: `[]`, header: map[string]string{"Authorization": "Bearer other"}, status: http.StatusUnauthorized})
	}
	d.at(daemon.URL()).call(call{id: "ready", status: http.StatusServiceUnavailable})
}

// starting calls a daemon whose queue is not open yet.
func (d *contract) starting() {
	server := httptest.NewServer(newFront("", prometheus.NewRegistry()))
	d.t.Cleanup(server.Close)
	d.each(func(r *routers.Route) {
		if id := r.Operation.OperationID; id != "healthy" && id != "metrics" {
			d.at(server.URL).call(call{id: id, status: http.StatusServiceUnavailable})
		}
	})
}

// broken calls a daemon without its queue and store.
func (d *contract) broken() {
	daemon, err := New(d.t.Context(), alone(d.t))
	if err != nil {
		d.t.Fatal(err)
	}
	d.t.Cleanup(func() { _ = daemon.close() })
	r := recordOf(0, noon)
	mustPut(d.t, daemon.store, r)
	if err := daemon.broker.Close(); err != nil {
		d.t.Fatal(err)
	}
	named := strings.NewReplacer("{id}", r.Report.ID, "{fingerprint}", r.Report.Alert.Fingerprint)
	bodies := map[string]string{"giveFeedback": `{"says": "right"}`, "judgeReport": "says=right"}
	d.each(func(route *routers.Route) {
		if id := route.Operation.OperationID; route.Operation.Responses.Status(500) != nil && route.Path != "/-/reload" {
			d.at(daemon.URL()).call(call{id: id, path: named.Replace(route.Path), body: bodies[id], status: http.StatusInternalServerError})
		}
	})
	d.at(daemon.URL()).call(call{id: "healthy", status: http.StatusServiceUnavailable})
}

// held is a metric whose collection blocks.
type held struct{ begun, done chan struct{} }

func (held) Describe(chan<- *prometheus.Desc) {}

func (h held) Collect(chan<- prometheus.Metric) {
	h.begun <- struct{}{}
	<-h.done
}

// scraped calls a daemon with the maximum of concurrent scrapes.
func (d *contract) scraped() {
	registry, metric := prometheus.NewRegistry(), held{make(chan struct{}), make(chan struct{})}
	registry.MustRegister(metric)
	server := httptest.NewServer(newFront("", registry))
	d.t.Cleanup(server.Close)
	var scrapes sync.WaitGroup
	for range maxScrapes {
		scrapes.Go(func() {
			if resp, err := http.Get(server.URL + "/metrics"); err == nil {
				resp.Body.Close()
			}
		})
		<-metric.begun
	}
	d.at(server.URL).call(call{id: "metrics", status: http.StatusServiceUnavailable})
	close(metric.done)
	scrapes.Wait()
}

// outOfBounds provokes timeouts and size limits, on handlers with smaller limits.
func (d *contract) outOfBounds(w *world) {
	over := make(chan struct{})
	silent := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
	d.t.Cleanup(func() { close(over); silent.Close() })
	w.configure(fmt.Sprintf("prometheus: {url: %q}\n", silent.URL))
	w.must(w.daemon.Reload())
	asked := newExplainer(w.daemon.live.Load, w.daemon.changes, time.Now)
	asked.timeout = time.Millisecond
	hook := newWebhook(w.daemon)
	hook.maxBytes = 10
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/explain", asked)
	mux.Handle("POST /api/v1/webhook", hook)
	mux.Handle("/", web.New(w.daemon.pages(asked)))
	server := httptest.NewServer(mux)
	d.t.Cleanup(server.Close)
	d.at(server.URL).call(call{id: "explain", body: `{"labels": {"alertname": "ErrorsHigh"}}`, status: http.StatusGatewayTimeout})
	d.at(server.URL).call(call{id: "explainAgain", path: "/reports/" + w.reports()[0].ID + "/explain", status: http.StatusGatewayTimeout})
	d.at(server.URL).call(call{id: "postNotification", body: `{"version": "4", "alerts": []}`, status: http.StatusRequestEntityTooLarge})
}

// at is the same contract on another daemon.
func (d *contract) at(base string) *contract {
	return &contract{T: d.T, t: d.t, base: base, seen: d.seen}
}
