// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
)

// customers each have a Prometheus: two are tenants of one Mimir, two have their own servers. Their
// series are equal except for the paths, which begin with the name.
var customers = []string{"ant", "bee", "cat", "dog"}

// recorder is a proxy in front of a customer's Prometheus.
type recorder struct {
	proxy *httputil.ReverseProxy

	mu    sync.Mutex
	asked []string // path and form of each request
	hangs atomic.Bool
	hung  atomic.Int32 // unanswered requests for the firing alerts
}

func (rec *recorder) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	form, _ := url.QueryUnescape(r.URL.RawQuery + "&" + string(body))
	rec.mu.Lock()
	rec.asked = append(rec.asked, r.URL.Path+"?"+form)
	rec.mu.Unlock()
	if rec.hangs.Load() {
		if strings.HasSuffix(r.URL.Path, "/alerts") {
			rec.hung.Add(1)
		}
		for rec.hangs.Load() && r.Context().Err() == nil {
			time.Sleep(10 * time.Millisecond)
		}
		return
	}
	rec.proxy.ServeHTTP(w, r)
}

// take returns the requests since the last call.
func (rec *recorder) take() []string {
	rec.mu.Lock()
	defer rec.mu.Unlock()
	asked := rec.asked
	rec.asked = nil
	return asked
}

// mimir is one address, with the tenant in a header.
type mimir struct {
	t       *testing.T
	tenants map[string]*recorder
}

func (m mimir) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	org := r.Header.Values("X-Scope-OrgID")
	if len(org) != 1 || m.tenants[org[0]] == nil {
		m.t.Errorf("Mimir is asked for the tenant %q: %s", org, r.URL)
		http.Error(w, "no org id", http.StatusUnauthorized)
		return
	}
	http.StripPrefix("/prometheus", m.tenants[org[0]]).ServeHTTP(w, r)
}

// tenants is a daemon with several customers.
type tenants struct {
	*world
	of  map[string]*recorder // by customer
	url map[string]string
}

// errorsOf is a shop of a customer in which one path began to fail two minutes ago.
func errorsOf(customer string) func(context.Context, storage.Appendable) error {
	return func(ctx context.Context, db storage.Appendable) error {
		const step = 15 * time.Second
		end, totals, app := time.Now(), map[string]float64{}, db.Appender(ctx)
		for at, i := end.Add(-90*time.Minute), 0; !at.After(end); at, i = at.Add(step), i+1 {
			for _, path := range []string{"cart", "pay", "search"} {
				rate, errors := 20+float64((i*7+len(path))%5), .01
				if end.Sub(at) < 2*time.Minute && path == "pay" {
					errors = .4
				}
				for name, add := range map[string]float64{"requests_total": rate * 15, "errors_total": rate * 15 * errors} {
					ls := labels.FromStrings("__name__", name, "service", "shop", "path", "/"+customer+"/"+path)
					totals[ls.String()] += add
					if _, err := app.Append(0, ls, at.UnixMilli(), totals[ls.String()]); err != nil {
						return err
					}
				}
			}
		}
		return app.Commit()
	}
}

// The candidate contains the customer of the alert, so that it shows whose query it is; all other
// queries are equal.
const rulesOfTenants = `
rules:
  - name: errors
    matchers: ['alertname="Errors"']
    target:
      query: sum(rate(errors_total{service="{{ .Labels.service }}"}[1m])) / sum(rate(requests_total{service="{{ .Labels.service }}"}[1m]))
    breakdown: {labels: [path]}
    candidates:
      - {name: requests, query: 'sum(rate(requests_total{path!="of {{ .Labels.customer }}"}[1m]))'}
`

func newTenants(t *testing.T) *tenants {
	t.Helper()
	w := &tenants{world: &world{t: t}, of: map[string]*recorder{}, url: map[string]string{}}
	both := mimir{t, map[string]*recorder{}}
	shared := httptest.NewServer(both)
	t.Cleanup(shared.Close)
	for i, name := range customers {
		p, err := lab.StartPrometheus(t.Context(), lab.PrometheusOptions{History: errorsOf(name)})
		w.must(err)
		t.Cleanup(func() { _ = p.Close() })
		address, err := url.Parse(p.URL())
		w.must(err)
		rec := &recorder{proxy: httputil.NewSingleHostReverseProxy(address)}
		w.of[name], w.url[name] = rec, shared.URL+"/prometheus"
		if i < 2 {
			both.tenants["tenant-"+name] = rec
			continue
		}
		own := httptest.NewServer(rec)
		t.Cleanup(own.Close)
		w.url[name] = own.URL
	}
	w.serve()
	return w
}

// serve starts Alertmanager and the daemon.
func (w *tenants) serve() {
	w.t.Helper()
	address, err := lab.FreeAddress("127.0.0.1:0")
	w.must(err)
	w.alertmanager, err = lab.StartAlertmanager(lab.AlertmanagerOptions{Config: fmt.Sprintf(`
route: {receiver: culprit, group_by: [customer], group_wait: 0s, group_interval: 1s, repeat_interval: 1h}
receivers: [{name: culprit, webhook_configs: [{url: "http://%s/api/v1/webhook"}]}]
`, address)})
	w.must(err)
	w.t.Cleanup(func() { _ = w.alertmanager.Close() })
	dir := w.t.TempDir()
	w.must(os.WriteFile(filepath.Join(dir, "tenant"), []byte("tenant-bee\n"), 0o600))
	w.opt = Options{
		ConfigFile: filepath.Join(dir, "culprit.yml"), StoragePath: filepath.Join(dir, "data"),
		ListenAddress: address, Reconcile: 300 * time.Millisecond, Logger: slog.New(slog.DiscardHandler),
	}
	w.entries("ant", "bee", "cat", "dog")
	w.start()
}

// entries configures the customers' servers, in this order: the n-th name is the server for the
// n-th customer.
func (w *tenants) entries(servers ...string) {
	w.t.Helper()
	headers := map[string]string{"ant": "headers: {X-Scope-OrgID: tenant-ant}", "bee": "http_config: {http_headers: {X-Scope-OrgID: {files: [tenant]}}}"}
	text := "prometheus:\n"
	for i, server := range servers {
		text += fmt.Sprintf("  - {name: %s, url: %q, matchers: ['customer=%q'], query_timeout: 1m, %s}\n", server, w.url[server], customers[i], headers[server])
	}
	w.configure(text + fmt.Sprintf("alertmanagers: [{url: %q}]\n", w.alertmanager.URL()) + rulesOfTenants)
}

// raise posts n alerts of a customer, which differ from those of others only in the customer.
func (w *tenants) raise(customer string, n int) {
	w.t.Helper()
	var alerts []map[string]any
	for i := range n {
		alerts = append(alerts, map[string]any{
			"labels":   map[string]string{"alertname": "Errors", "service": "shop", "pod": fmt.Sprintf("web-%d", i), "customer": customer},
			"startsAt": time.Now().Add(-time.Minute), "endsAt": time.Now().Add(time.Hour),
		})
	}
	body, err := json.Marshal(alerts)
	w.must(err)
	resp, err := http.Post(w.alertmanager.URL()+"/api/v2/alerts", "application/json", bytes.NewReader(body))
	w.must(err)
	w.must(resp.Body.Close())
	if resp.StatusCode != http.StatusOK {
		w.t.Fatalf("posting alerts: %s", resp.Status)
	}
}

// reportsOf returns the reports of a customer's alerts.
func (w *tenants) reportsOf(customer string) []report.Report {
	return slices.DeleteFunc(w.reports(), func(r report.Report) bool { return string(r.Alert.Labels["customer"]) != customer })
}

// isOf checks that a report comes only from one server's answers.
func (w *tenants) isOf(r report.Report, server string) {
	w.t.Helper()
	text, err := json.Marshal(r)
	w.must(err)
	for _, other := range customers {
		if has := strings.Contains(string(text), "/"+other+"/"); has != (other == server) {
			w.t.Errorf("a report of %s: anything of %s in it: %v: %s %v", server, other, has, r.Summary, r.Result.Warnings)
		}
	}
	if r.Prometheus != server {
		w.t.Errorf("a report of %s says it is of %q", server, r.Prometheus)
	}
}

// isBeside checks that other alerts of the time, shown by a report, are of its own server: on the
// page, in the JSON, and in the list that the page links to.
func (w *tenants) isBeside(r report.Report, others int) {
	w.t.Helper()
	var shown report.Report
	w.get("/api/v1/reports/"+r.ID, &shown)
	if shown.Then == nil || len(shown.Then.Alerts) != 1 || shown.Then.Alerts[0].Alerts != others {
		w.t.Errorf("beside a report of %s, which has %d others: %+v", r.Prometheus, others, shown.Then)
	}
	resp, err := http.Get(w.daemon.URL() + "/reports/" + r.ID)
	w.must(err)
	defer func() { _ = resp.Body.Close() }()
	page, err := goquery.NewDocumentFromReader(resp.Body)
	w.must(err)
	link, _ := page.Find("section[aria-labelledby=others] a").First().Attr("href")
	list, err := url.Parse(link)
	w.must(err)
	var listed []report.Report
	w.get("/api/v1/reports?"+list.RawQuery, &listed)
	if len(listed) != others+1 {
		w.t.Errorf("the list that a page of %s leads to, %s, has %d reports", r.Prometheus, link, len(listed))
	}
	for _, other := range listed {
		if other.Prometheus != r.Prometheus {
			w.t.Errorf("a page of %s leads to a report of %s", r.Prometheus, other.Prometheus)
		}
	}
}

// wereAsked checks the latest requests: of each customer's alerts only one server was queried, and
// others at most for their health.
func (w *tenants) wereAsked(whose map[string]string) {
	w.t.Helper()
	served := slices.Collect(maps.Values(whose))
	for server, rec := range w.of {
		asked, own := rec.take(), false
		for _, q := range asked {
			for _, customer := range append(slices.Clone(customers), "nobody") {
				if strings.Contains(q, "of "+customer) && whose[customer] != server {
					w.t.Errorf("the server of %s is asked for %s: %s", server, customer, q)
				}
			}
			own = own || strings.Contains(q, "of ")
			if !slices.Contains(served, server) && !strings.Contains(q, "vector(1)") {
				w.t.Errorf("the server of %s is asked though there is no alert of it: %s", server, q)
			}
		}
		if slices.Contains(served, server) && !own {
			w.t.Errorf("the server of %s was not asked", server)
		}
	}
}

func TestEachAlertAsksItsOwnPrometheusOnly(t *testing.T) {
	w := newTenants(t)
	w.raise("ant", 1)
	w.await("there is a report, and it is on its alert", func() bool {
		list := w.reportsOf("ant")
		return len(list) == 1 && w.annotation("Errors", "culprit_summary") != ""
	})
	w.isOf(w.reportsOf("ant")[0], "ant")
	w.wereAsked(map[string]string{"ant": "ant"})

	// A storm of all customers, with the same names, labels and queries.
	const many = stormSize
	for _, customer := range customers {
		w.raise(customer, many)
	}
	for n := range many * len(customers) { // each at its own time
		w.await(fmt.Sprintf("%d alerts have a report", n+1), func() bool { return len(w.reports()) > n })
	}
	own := map[string]string{}
	for _, customer := range customers {
		own[customer] = customer
		list := w.reportsOf(customer)
		for _, r := range list {
			w.isOf(r, customer)
		}
		w.isBeside(list[0], len(list)-1)
		if got := w.metric(`culprit_prometheus_queries_total{outcome="ok",server="` + customer + `"}`); got == "" || got == "0" {
			t.Errorf("queries of %s: %q", customer, got)
		}
		if got := w.metric(`culprit_reports_total{server="` + customer + `",verdict="explained"}`); got == "" || got == "0" {
			t.Errorf("reports of %s: %q", customer, got)
		}
	}
	w.wereAsked(own)
	w.askedByHand(own)

	// A reload swaps the servers, of the tenants and of the others.
	w.entries("bee", "ant", "dog", "cat")
	w.must(w.daemon.Reload())
	for _, rec := range w.of {
		rec.take()
	}
	w.askedByHand(map[string]string{"ant": "bee", "bee": "ant", "cat": "dog", "dog": "cat"})
}

// stormSize is enough alerts of a name to share queries.
const stormSize = 11

// askedByHand explains reports again, in every way.
func (w *tenants) askedByHand(whose map[string]string) {
	w.t.Helper()
	for customer, server := range whose {
		known := w.reportsOf(customer)[0]
		for _, form := range []url.Values{nil, {"only": {"path=/" + server + "/pay"}}} {
			code, doc := w.again(known.ID, form, "same-origin")
			if text := doc.Text(); code != http.StatusOK || !strings.Contains(text, "/"+server+"/pay") {
				w.t.Errorf("%s explained again, %v: %d %s", customer, form, code, doc.Find("h1").Text())
			}
		}
		for _, body := range []string{
			`{"labels": {"customer": "` + customer + `"}, "expr": "sum by (path) (rate(errors_total[1m])) > 3 or vector(0) > 1 or absent(a{b='of ` + customer + `'}) > 1"}`,
			`{"prometheus": "` + server + `", "expr": "sum by (path) (rate(errors_total[1m])) > 3"}`,
		} {
			code, text := w.ask(body)
			var r report.Report
			if err := json.Unmarshal([]byte(text), &r); err != nil || code != http.StatusOK {
				w.t.Errorf("%s: %d %s", body, code, text)
				continue
			}
			w.isOf(r, server)
		}
		w.isOf(w.retried(known.ID), server)
	}
	w.wereAsked(whose)
	if code, text := w.ask(`{"expr": "sum(rate(errors_total[1m])) > 3"}`); code != http.StatusBadRequest || !strings.Contains(text, "it is unclear which Prometheus is meant") {
		w.t.Errorf("asked of nobody in particular: %d %s", code, text)
	}
}

// retried runs the reconcile loop's job of another look, and returns the report.
func (w *tenants) retried(id string) report.Report {
	w.t.Helper()
	known, err := w.daemon.store.load(w.t.Context(), id)
	w.must(err)
	body, err := json.Marshal(job{Alert: known.Report.Alert, Status: statusFiring, Reason: reasonRetry, Group: known.Group, ReceivedAt: time.Now()})
	w.must(err)
	w.await("the alert was looked at again", func() bool { return w.daemon.worker.handle(w.t.Context(), broker.Job{Body: body}) == nil })
	later, err := w.daemon.store.load(w.t.Context(), id)
	w.must(err)
	if later.Tries <= known.Tries {
		w.t.Errorf("looked at %d times, before %d", later.Tries, known.Tries)
	}
	return later.Report
}

func TestAnAlertWithoutAPrometheusQueriesNone(t *testing.T) {
	w := newTenants(t)
	w.raise("nobody", 1)
	w.await("there is a report, and it is on its alert", func() bool { return len(w.reportsOf("nobody")) == 1 && w.annotatedOf("nobody") == 1 })
	r := w.reportsOf("nobody")[0]
	said := fmt.Sprint(r.Result.Warnings)
	if r.Status == report.Complete || !strings.Contains(said, "no Prometheus is configured for this alert: the matchers of none of ant, bee, cat, dog match its labels") {
		t.Errorf("%s %s: %s", r.Status, r.Summary, said)
	}
	if r.Alert.Labels[model.AlertNameLabel] != "Errors" || r.Rule != "errors" || r.Prometheus != "" || !r.Onset.Equal(r.Alert.StartsAt) {
		t.Errorf("%+v", r)
	}
	if code, doc := w.again(r.ID, nil, "same-origin"); code != http.StatusOK || !strings.Contains(doc.Text(), "no Prometheus is configured for this alert") {
		t.Errorf("again: %d %s", code, doc.Text())
	}
	w.wereAsked(nil)
}

// TestAMissingPrometheusDelaysNobodyElse: a missing server is named.
func TestAMissingPrometheusDelaysNobodyElse(t *testing.T) {
	w := newTenants(t)
	w.stop()
	w.url["cat"] = "http://127.0.0.1:1"
	w.entries("ant", "bee", "cat", "dog")
	w.start()
	var text string
	w.await("it is ready", func() bool { return w.get("/-/ready", &text) == http.StatusOK && !strings.Contains(text, `"dog"`) })
	if want := `culprit is ready, but waits for Prometheus "cat" at http://127.0.0.1:1.`; strings.TrimSpace(text) != want {
		t.Errorf("%s", text)
	}
	w.raise("dog", 1)
	w.await("there is a report", func() bool { return len(w.reportsOf("dog")) == 1 })
	w.isOf(w.reportsOf("dog")[0], "dog")
	w.raise("cat", 1)
	w.await("there is another", func() bool { return len(w.reportsOf("cat")) == 1 })
	r := w.reportsOf("cat")[0]
	if r.Status != report.Failed || r.Prometheus != "cat" {
		t.Errorf("%s %s %v", r.Status, r.Summary, r.Result.Warnings)
	}
	open := func(name string) string { return w.metric(`culprit_prometheus_breaker_open{server="` + name + `"}`) }
	if open("dog") != "0" || open("cat") == "" {
		t.Errorf("breakers: %q, %q", open("dog"), open("cat"))
	}
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", w.url["dog"], w.alertmanager.URL()) + rulesOfTenants)
	w.must(w.daemon.Reload())
	if open("cat") != "" || open("") != "0" {
		t.Errorf("after a reload: %q, %q", open("cat"), open(""))
	}
}

// annotatedOf counts a customer's alerts that have their causes.
func (w *tenants) annotatedOf(customer string) (n int) {
	w.t.Helper()
	var alerts []struct {
		Annotations map[string]string
	}
	w.read(w.alertmanager.URL()+"/api/v2/alerts?filter="+url.QueryEscape(`customer="`+customer+`"`), &alerts)
	for _, a := range alerts {
		if a.Annotations["culprit_summary"] != "" {
			n++
		}
	}
	return n
}

// An alert is annotated only after its own server has confirmed it, which may take a minute here.
func TestAPrometheusThatHangsDelaysAnnotationsOfItsOwnAlertsOnly(t *testing.T) {
	w := newTenants(t)
	w.raise("cat", 1)
	w.raise("dog", 1)
	w.await("both are annotated", func() bool { return w.annotatedOf("cat") == 1 && w.annotatedOf("dog") == 1 })
	cat := w.of["cat"]
	cat.hangs.Store(true)
	w.await("its server is asked", func() bool {
		w.raise("cat", 1) // erases the annotations
		return cat.hung.Load() > 0
	})
	for round := range 3 {
		w.raise("cat", 1)
		w.raise("dog", 2)
		w.await(fmt.Sprintf("what was erased is back, and what is new annotated: %d", round), func() bool { return w.annotatedOf("dog") == 2 })
	}
	cat.hangs.Store(false)
}
