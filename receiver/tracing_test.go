// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/culprit-dev/culprit/analysis"
)

// collected is an OTLP receiver that keeps the spans.
type collected struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracepb.Span
	bad   []string // what was wrong with a request
}

func newCollector(t *testing.T) *collected {
	c := &collected{}
	c.Server = httptest.NewServer(c)
	t.Cleanup(c.Close)
	return c
}

func (c *collected) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var message collector.ExportTraceServiceRequest
	unpacked, err := gzip.NewReader(r.Body)
	var text []byte
	if err == nil {
		text, err = io.ReadAll(unpacked)
	}
	if err == nil {
		err = proto.Unmarshal(text, &message)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil || r.Method+r.URL.Path+r.Header.Get("Content-Type")+r.Header.Get("X-Tenant") != "POST/v1/traces"+"application/x-protobuf"+"shop" {
		c.bad = append(c.bad, fmt.Sprintf("%s %s %v: %v", r.Method, r.URL, r.Header, err))
	}
	for _, of := range message.ResourceSpans {
		for _, scope := range of.ScopeSpans {
			c.spans = append(c.spans, scope.Spans...)
		}
	}
}

// traceOf returns the spans of a trace by name, the last of each.
func (c *collected) traceOf(id string) map[string]*tracepb.Span {
	c.mu.Lock()
	defer c.mu.Unlock()
	byName := map[string]*tracepb.Span{}
	for _, s := range c.spans {
		if hex.EncodeToString(s.TraceId) == id {
			byName[s.Name] = s
		}
	}
	return byName
}

// attributeOf is the value of a span's attribute.
func attributeOf(s *tracepb.Span, key string) string {
	for _, a := range s.GetAttributes() {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// traced makes the daemon send its traces to an address.
func (w *world) traced(address string) {
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.configure(fmt.Sprintf("tracing: {endpoint: %q, insecure: true, compression: gzip, headers: {X-Tenant: shop}}\n%s", strings.TrimPrefix(address, "http://"), text))
	w.must(w.daemon.Reload())
}

// TestAnAlertIsOneTrace follows an alert from Alertmanager's message to its annotation.
func TestAnAlertIsOneTrace(t *testing.T) {
	w := newWorld(t, true)
	c := newCollector(t)
	asked := &asking{}
	between := httptest.NewServer(asked.before(w.prometheus.URL()))
	t.Cleanup(between.Close)
	w.configure(fmt.Sprintf("prometheus: {url: %q}\nalertmanagers: [{url: %q}]\n", between.URL, w.alertmanager.URL()) + testRules)
	w.traced(c.URL)
	w.post("ErrorsHigh", time.Now(), true) // too young for the reconcile loop
	w.await("the report is sent", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	r := w.reports()[0]
	if r.Result.Verdict != analysis.Explained || len(r.Trace) != 55 {
		t.Fatalf("%s, and its trace is %q", r.Summary, r.Trace)
	}
	w.stop() // sends the last spans
	id := r.Trace[3:35]
	spans := c.traceOf(id)
	for name, parent := range map[string]string{
		"receive alert": "", "wait in queue": "receive alert", "explain alert": "receive alert",
		"locate onset": "explain alert", "resolve rule": "explain alert", "fetch": "explain alert", "analyze": "explain alert",
		"prometheus query_range": "fetch", "send to annotation": "explain alert",
	} {
		s := spans[name]
		if s == nil {
			t.Errorf("there is no span %s", name)
			continue
		}
		if want := spans[parent].GetSpanId(); !bytes.Equal(s.ParentSpanId, want) {
			t.Errorf("%s is not below %s", name, parent)
		}
		if s.StartTimeUnixNano > s.EndTimeUnixNano {
			t.Errorf("%s ends before it begins", name)
		}
	}
	if s := spans["receive alert"]; attributeOf(s, "alert.name") != "ErrorsHigh" || attributeOf(s, "alert.fingerprint") != r.Alert.Fingerprint {
		t.Errorf("the root is of %v", s.GetAttributes())
	}
	if s := spans["prometheus query_range"]; attributeOf(s, "culprit.role") == "" || attributeOf(s, "db.query.text") == "" {
		t.Errorf("a query has only %v", s.GetAttributes())
	}
	if !asked.with(id) {
		t.Error("Prometheus was not told the trace")
	}
	if len(c.bad) > 0 {
		t.Errorf("the receiver can't read %v", c.bad)
	}
}

// asking records the traces in requests to Prometheus.
type asking struct {
	mu      sync.Mutex
	parents []string
}

// before is a proxy in front of a Prometheus.
func (a *asking) before(address string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a.mu.Lock()
		a.parents = append(a.parents, r.Header.Get("traceparent"))
		a.mu.Unlock()
		req, err := http.NewRequestWithContext(r.Context(), r.Method, address+r.URL.RequestURI(), r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		req.Header = r.Header.Clone()
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		defer resp.Body.Close()
		w.Header().Set("Content-Type", resp.Header.Get("Content-Type"))
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body)
	})
}

func (a *asking) with(id string) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, p := range a.parents {
		if strings.Contains(p, id) {
			return true
		}
	}
	return false
}

// TestATraceReceiverDelaysNoAlert has a receiver that never answers, one that is down and one
// that fails.
func TestATraceReceiverDelaysNoAlert(t *testing.T) {
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(hangs.Close)
	fails := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no room", http.StatusServiceUnavailable) }))
	t.Cleanup(fails.Close)
	for name, address := range map[string]string{"hangs": hangs.URL, "fails": fails.URL, "is not there": "127.0.0.1:1"} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, true)
			w.traced(address)
			w.post("ErrorsHigh", time.Now(), true)
			w.await("the alert has its causes", func() bool { return w.annotation("ErrorsHigh", "culprit_summary") != "" })
			w.await("its report says so", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
			w.stop() // fails if the daemon does not stop in time
		})
	}
}

// TestTheTraceOfTheSenderIsLinked posts like an Alertmanager with tracing.
func TestTheTraceOfTheSenderIsLinked(t *testing.T) {
	w := newWorld(t, false)
	c := newCollector(t)
	w.traced(c.URL)
	const theirs = "4bf92f3577b34da6a3ce929d0e0e4736"
	body := fmt.Sprintf(`{"version": "4", "groupKey": "{}:{}", "status": "firing", "receiver": "culprit", "groupLabels": {}, "alerts": [{"status": "firing",
		"labels": {"alertname": "ErrorsHigh", "service": "shop"}, "annotations": {}, "startsAt": %q}]}`, time.Now().UTC().Format(time.RFC3339))
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, w.daemon.URL()+"/api/v1/webhook", strings.NewReader(body))
	w.must(err)
	req.Header.Set("Traceparent", "00-"+theirs+"-00f067aa0ba902b7-01")
	resp, err := http.DefaultClient.Do(req)
	w.must(err)
	resp.Body.Close()
	w.await("there is a report", func() bool { return len(w.reports()) == 1 })
	r := w.reports()[0]
	w.stop()
	root := c.traceOf(r.Trace[3:35])["receive alert"]
	if root == nil || len(root.Links) != 1 || hex.EncodeToString(root.Links[0].TraceId) != theirs {
		t.Errorf("the links are %v", root.GetLinks())
	}
}

// explainsUntraced has an alert explained without tracing it.
func (w *world) explainsUntraced(c *collected) {
	w.t.Helper()
	w.post("ErrorsHigh", time.Now(), true)
	w.await("the report is sent", func() bool { list := w.reports(); return len(list) == 1 && len(list[0].Sent) > 0 })
	r := w.reports()[0]
	w.stop()
	if r.Trace != "" || len(c.spans) != 0 {
		w.t.Errorf("the trace is %q, %d spans", r.Trace, len(c.spans))
	}
}

// TestNothingIsTracedUnlessConfigured also turns tracing off by a reload.
func TestNothingIsTracedUnlessConfigured(t *testing.T) {
	w := newWorld(t, true)
	c := newCollector(t)
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.traced(c.URL)
	w.configure(string(text))
	w.must(w.daemon.Reload())
	w.explainsUntraced(c)
}

// TestTheFractionDecides has a fraction of 0.
func TestTheFractionDecides(t *testing.T) {
	w := newWorld(t, true)
	c := newCollector(t)
	text, err := os.ReadFile(w.opt.ConfigFile)
	w.must(err)
	w.configure(fmt.Sprintf("tracing: {endpoint: %q, insecure: true, sampling_fraction: 0}\n%s", c.Listener.Addr(), text))
	w.must(w.daemon.Reload())
	w.explainsUntraced(c)
}
