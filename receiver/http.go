// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/culprit-dev/culprit/receiver/amevents"
	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/openapi"
	"github.com/culprit-dev/culprit/receiver/web"
)

// apiDocument is the path of the OpenAPI document.
const apiDocument = "/api/v1/openapi.json"

// handler serves everything, below the path of the external URL.
func (d *Daemon) handler() http.Handler {
	return withPrefix(strings.TrimSuffix(d.external.Path, "/"), d.routes())
}

func (d *Daemon) routes() *web.Mux {
	mux := new(web.Mux)
	mux.Handle("POST /api/v1/webhook", newWebhook(d))
	asked := newExplainer(d.live.Load, d.changes, d.opt.Now)
	asked.renew = d.worker.renew
	mux.Handle("POST /api/v1/explain", asked)
	mux.Handle("POST /api/v1/changes", changelog.NewHandler(d.changes, d.tokenOfChanges))
	mux.Handle("POST /api/v1/alertmanager/events", amevents.NewHandler(d.handled, d.eventsTaken))
	mux.Handle("GET "+apiDocument, openapi.Handler())
	mux.Handle("/mcp", limitReaders(maxReading, readingWithin+explainWithin, d.assistants(asked)))
	mux.HandleFunc("GET /-/healthy", d.healthy)
	mux.HandleFunc("GET /-/ready", d.ready)
	mux.HandleFunc("POST /-/reload", d.reloadHandler)
	mux.HandleFunc("PUT /-/reload", d.reloadHandler)
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.opt.Registry, promhttp.HandlerOpts{Registry: d.opt.Registry, MaxRequestsInFlight: maxScrapes}))
	for path, methods := range map[string]string{
		"/api/v1/webhook": "POST", "/api/v1/explain": "POST", "/-/reload": "POST, PUT", "/api/v1/changes": "GET, HEAD, POST", "/api/v1/alertmanager/events": "POST", apiDocument: "GET, HEAD",
	} {
		mux.Handle(path, onlyMethods(methods)) // otherwise the pages, which handle the rest, would answer with 404
	}
	whole := web.New(d.pages(asked))
	pages := limitReaders(maxReading, readingWithin, whole)
	mux.Handle("POST /reports/{id}/explain", limitReaders(maxReading, readingWithin+explainWithin, whole)) // explainer.enter admits only two of them
	mux.Handle("GET /api/v1/changes", pages)
	mux.Handle("/", pages)
	return mux
}

// withPrefix serves h with and without a path prefix: Alertmanager, probes and scrapes may use either.
func withPrefix(prefix string, h http.Handler) http.Handler {
	if prefix == "" {
		return h
	}
	stripped := http.StripPrefix(prefix, h)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, prefix+"/") {
			stripped.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// onlyMethods rejects other methods.
func onlyMethods(methods string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methods)
		body.Answer(w, http.StatusMethodNotAllowed, fmt.Errorf("%s accepts %s, not %s", r.URL.Path, methods, r.Method))
	})
}

// pages configures the pages.
func (d *Daemon) pages(asked web.Explainer) web.Options {
	return web.Options{Explainer: asked, Reader: d.reader(), Changes: d.changes, Judge: d.judge(), External: d.external, Servers: d.servers, Now: d.opt.Now}
}

// reader reads the store for the pages.
func (d *Daemon) reader() reader {
	return reader{store: d.store, book: d.book, handled: d.handled.Of, busy: d.worker.busy}
}

// servers are the servers of the current configuration.
func (d *Daemon) servers() web.Servers {
	cfg := d.live.Load().config
	servers := web.Servers{}
	for _, p := range cfg.Prometheus {
		servers.Prometheus = append(servers.Prometheus, p.URL.Shown())
	}
	if cfg.Grafana != nil && cfg.Grafana.URL != nil {
		servers.Grafana = cfg.Grafana.URL.Shown()
	}
	if len(cfg.Alertmanagers) > 0 {
		servers.Alertmanager = cfg.Alertmanagers[0].URL.Shown()
	}
	return servers
}

// healthy reports whether the process is alive. It stays so when other servers fail, the disk is
// full or replicas are down: a restart of culprit would not help.
func (d *Daemon) healthy(w http.ResponseWriter, _ *http.Request) {
	if err := d.broker.Stuck(); err != nil {
		http.Error(w, "culprit must be restarted: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "culprit is healthy.")
}

// ready reports whether culprit can take alerts, and if not, why.
func (d *Daemon) ready(w http.ResponseWriter, _ *http.Request) {
	if err := d.broker.Healthy(); err != nil {
		http.Error(w, "Not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if missing := d.reconcile.missing(); len(missing) > 0 {
		http.Error(w, "Not ready: waiting for "+strings.Join(missing, "; "), http.StatusServiceUnavailable)
		return
	}
	if silent := d.reconcile.silent(); len(silent) > 0 { // alerts of other servers can be explained
		fmt.Fprintf(w, "culprit is ready, but waits for %s.\n", strings.Join(silent, "; "))
		return
	}
	if err := d.store.pressure(); err != nil { // a warning before reports can no longer be stored
		fmt.Fprintf(w, "culprit is ready, but %s.\n", err)
		return
	}
	fmt.Fprintln(w, "culprit is ready.")
}

func (d *Daemon) reloadHandler(w http.ResponseWriter, _ *http.Request) {
	if err := d.Reload(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "The configuration was reloaded.")
}
