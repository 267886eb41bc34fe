// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// front answers as soon as the daemon listens. Until the queue and the store are open it says that
// the process is alive but not ready, and what it waits for: a replica may wait for the others
// indefinitely, and must not be killed for it.
type front struct {
	prefix  string // path of the external URL
	metrics http.Handler
	waits   atomic.Pointer[string]
	opened  atomic.Pointer[http.Handler]
}

func newFront(prefix string, reg *prometheus.Registry) *front {
	f := &front{prefix: strings.TrimSuffix(prefix, "/"), metrics: promhttp.HandlerFor(reg, promhttp.HandlerOpts{Registry: reg, MaxRequestsInFlight: maxScrapes})}
	f.waitFor("its queue and reports to be read")
	return f
}

// waitFor sets what the start waits for.
func (f *front) waitFor(what string) { f.waits.Store(&what) }

// open hands over to the real handler.
func (f *front) open(h http.Handler) { f.opened.Store(&h) }

// ServeHTTP answers 503 to everything that needs the queue or the store. Alertmanager retries after
// a 503.
func (f *front) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if h := f.opened.Load(); h != nil {
		(*h).ServeHTTP(w, r)
		return
	}
	switch strings.TrimPrefix(r.URL.Path, f.prefix) {
	case "/-/healthy":
		fmt.Fprintln(w, "culprit is healthy, and is starting.")
	case "/metrics":
		f.metrics.ServeHTTP(w, r)
	default:
		w.Header().Set("Retry-After", "5")
		http.Error(w, "Not ready: culprit is starting, and waits for "+*f.waits.Load(), http.StatusServiceUnavailable)
	}
}
