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

// apiDocument is where the OpenAPI document of all this is.
const apiDocument = "/api/v1/openapi.json"

// handler is everything that the daemon serves, below the path of the external
// URL.
func (d *Daemon) handler() http.Handler {
	return below(strings.TrimSuffix(d.external.Path, "/"), d.routes())
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
	mux.Handle("/mcp", few(maxReading, readingWithin+explainWithin, d.assistants(asked)))
	mux.HandleFunc("GET /-/healthy", d.healthy)
	mux.HandleFunc("GET /-/ready", d.ready)
	mux.HandleFunc("POST /-/reload", d.reloadHandler)
	mux.HandleFunc("PUT /-/reload", d.reloadHandler)
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.opt.Registry, promhttp.HandlerOpts{Registry: d.opt.Registry, MaxRequestsInFlight: maxScrapes}))
	for path, methods := range map[string]string{
		"/api/v1/webhook": "POST", "/api/v1/explain": "POST", "/-/reload": "POST, PUT", "/api/v1/changes": "GET, HEAD, POST", "/api/v1/alertmanager/events": "POST", apiDocument: "GET, HEAD",
	} {
		mux.Handle(path, only(methods)) // of the pages, which answer everything else, it would be none
	}
	whole := web.New(d.pages(asked))
	pages := few(maxReading, readingWithin, whole)
	mux.Handle("POST /reports/{id}/explain", few(maxReading, readingWithin+explainWithin, whole)) // of which only two ask at a time
	mux.Handle("GET /api/v1/changes", pages)
	mux.Handle("/", pages)
	return mux
}

// below serves a handler also below a prefix: Alertmanager, probes and scrapes
// may come with it and without.
func below(prefix string, h http.Handler) http.Handler {
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

// only answers whoever comes with another method.
func only(methods string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Allow", methods)
		body.Answer(w, http.StatusMethodNotAllowed, fmt.Errorf("%s takes %s, and not %s", r.URL.Path, methods, r.Method))
	})
}

// pages are what people see.
func (d *Daemon) pages(asked web.Explainer) web.Options {
	return web.Options{Explainer: asked, Reader: d.reader(), Changes: d.changes, Judge: d.judge(), External: d.external, Servers: d.servers, Now: d.opt.Now}
}

// reader is what is read of the store.
func (d *Daemon) reader() reader {
	return reader{store: d.store, book: d.book, handled: d.handled.Of, busy: d.worker.busy}
}

// servers are those that the configuration names now.
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

// healthy says that the process lives. It stays true when other servers fail, a
// disk is full or replicas are away: a restart of culprit would not mend them.
func (d *Daemon) healthy(w http.ResponseWriter, _ *http.Request) {
	if err := d.broker.Stuck(); err != nil {
		http.Error(w, "culprit has to be started again: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "culprit is healthy.")
}

// ready says whether alerts can be taken, and if not, why.
func (d *Daemon) ready(w http.ResponseWriter, _ *http.Request) {
	if err := d.broker.Healthy(); err != nil {
		http.Error(w, "Not ready: "+err.Error(), http.StatusServiceUnavailable)
		return
	}
	if missing := d.reconcile.missing(); len(missing) > 0 {
		http.Error(w, "Not ready: waiting for "+strings.Join(missing, "; "), http.StatusServiceUnavailable)
		return
	}
	if silent := d.reconcile.silent(); len(silent) > 0 { // the alerts of others can be explained
		fmt.Fprintf(w, "culprit is ready, but waits for %s.\n", strings.Join(silent, "; "))
		return
	}
	if err := d.store.pressure(); err != nil { // it is told before it keeps anything from being stored
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
