package receiver

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/culprit-dev/culprit/receiver/web"
)

// handler is everything that the daemon serves, below the path of the external
// URL.
func (d *Daemon) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("POST /api/v1/webhook", newWebhook(d))
	mux.Handle("POST /api/v1/explain", newExplainer(d.live.Load, d.opt.Now))
	mux.HandleFunc("GET /-/healthy", d.healthy)
	mux.HandleFunc("GET /-/ready", d.ready)
	mux.HandleFunc("POST /-/reload", d.reloadHandler)
	mux.HandleFunc("PUT /-/reload", d.reloadHandler)
	mux.Handle("GET /metrics", promhttp.HandlerFor(d.opt.Registry, promhttp.HandlerOpts{Registry: d.opt.Registry}))
	for _, path := range []string{"/api/v1/webhook", "/api/v1/explain", "/-/reload"} {
		mux.HandleFunc(path, postOnly) // of the pages, which answer everything else, it would be none
	}
	mux.Handle("/", web.New(d.pages()))
	prefix := strings.TrimSuffix(d.external.Path, "/")
	if prefix != "" {
		// Alertmanager, probes and scrapes may come with the prefix and without.
		mux.Handle(prefix+"/", http.StripPrefix(prefix, mux))
	}
	return mux
}

// postOnly answers whoever comes with another method.
func postOnly(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Allow", http.MethodPost)
	answer(w, http.StatusMethodNotAllowed, fmt.Errorf("%s takes POST, and not %s", r.URL.Path, r.Method))
}

// pages are what people see.
func (d *Daemon) pages() web.Options {
	cfg := d.live.Load().config
	opts := web.Options{Reader: reader{store: d.store, book: d.book, busy: d.worker.busy}, External: d.external, Now: d.opt.Now}
	if cfg.Grafana != nil && cfg.Grafana.URL != nil {
		opts.Grafana = cfg.Grafana.URL.Shown()
	}
	return opts
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
	fmt.Fprintln(w, "culprit is ready.")
}

func (d *Daemon) reloadHandler(w http.ResponseWriter, _ *http.Request) {
	if err := d.Reload(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "The configuration was reloaded.")
}
