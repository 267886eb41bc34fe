// SPDX-License-Identifier: Apache-2.0

package tracing

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"reflect"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/version"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/config/outgoing"
	"github.com/culprit-dev/culprit/receiver/seldom"
)

const (
	exportTimeout = 30 * time.Second // of one batch with all retries
	retryAfter    = time.Second      // backoff after the first failure; doubles each time
	mostSaid      = 300              // bytes of a receiver's error
)

// Options configure a [Pipe].
type Options struct {
	Log   *slog.Logger
	Spans *prometheus.CounterVec // by outcome: sent or failed
}

// NewSpans returns the counter of spans.
func NewSpans() *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "culprit_trace_spans_total", Help: "Spans of culprit's own traces, by outcome: sent or failed.",
	}, []string{"outcome"})
}

// Pipe sends spans to an OTLP receiver: protobuf over HTTP. The library's own client would bring
// all of gRPC into the binary.
type Pipe struct {
	conf   config.Tracing
	opt    Options
	client *outgoing.Client
	url    string
	says   seldom.Speaker
}

var _ otlptrace.Client = (*Pipe)(nil)

// NewPipe returns a pipe to the configured receiver; nil if conf is nil. It does not connect. It
// fails if files named in the settings can't be read.
func NewPipe(conf *config.Tracing, opt Options) (*Pipe, error) {
	if conf == nil {
		return nil, nil
	}
	u := &url.URL{Scheme: "https", Host: conf.Endpoint, Path: "/v1/traces"}
	if conf.Insecure {
		u.Scheme = "http"
	}
	var secrets []string
	for _, value := range conf.Headers {
		secrets = append(secrets, string(value))
	}
	client, err := outgoing.New(u, commonconfig.HTTPClientConfig{TLSConfig: conf.TLSConfig, EnableHTTP2: true}, secrets...)
	if err != nil {
		return nil, err
	}
	return &Pipe{conf: *conf, opt: opt, client: client, url: u.String()}, nil
}

// same reports whether two pipes have equal configurations.
func (p *Pipe) same(other *Pipe) bool {
	if p == nil || other == nil {
		return p == other
	}
	return reflect.DeepEqual(p.conf, other.conf)
}

// provider makes spans and batches them. A batch that can't be sent blocks no span: spans without
// room are dropped.
func (p *Pipe) provider() *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(otlptrace.NewUnstarted(p), sdktrace.WithExportTimeout(exportTimeout)),
		sdktrace.WithSampler(sdktrace.ParentBased(sdktrace.TraceIDRatioBased(p.conf.SamplingFraction))),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "culprit"), attribute.String("service.version", version.Version))),
	)
}

// Start implements [otlptrace.Client].
func (p *Pipe) Start(context.Context) error { return nil }

// Stop implements [otlptrace.Client].
func (p *Pipe) Stop(context.Context) error {
	p.client.CloseIdleConnections()
	return nil
}

// UploadTraces implements [otlptrace.Client]. It logs its errors itself, with a rate limit.
func (p *Pipe) UploadTraces(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	n := 0
	for _, of := range spans {
		for _, scope := range of.ScopeSpans {
			n += len(scope.Spans)
		}
	}
	err := p.upload(ctx, spans)
	outcome := "sent"
	if err != nil {
		outcome = "failed"
		if suppressed, ok := p.says.May("upload", time.Now()); ok {
			p.opt.Log.Warn("Traces can't be sent; alerts are explained as before", "endpoint", p.conf.Endpoint, "spans", n, "err", err, "suppressed", suppressed)
		}
	}
	p.opt.Spans.WithLabelValues(outcome).Add(float64(n))
	return nil
}

// upload sends a batch, with retries while they may help and until ctx ends.
func (p *Pipe) upload(ctx context.Context, spans []*tracepb.ResourceSpans) error {
	body, err := proto.Marshal(&tracepb.TracesData{ResourceSpans: spans}) // wire-compatible with ExportTraceServiceRequest
	if err == nil && p.conf.Compression == "gzip" {
		body, err = compressed(body)
	}
	if err != nil {
		return err
	}
	for wait := retryAfter; ; wait *= 2 {
		asked, again, err := p.post(ctx, body)
		if err == nil || !again {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(max(wait, asked)):
		}
	}
}

func compressed(body []byte) ([]byte, error) {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	_, err := w.Write(body)
	if err == nil {
		err = w.Close()
	}
	return b.Bytes(), err
}

// post sends a body once. again means that a retry may succeed, after the time that the receiver
// asked for.
func (p *Pipe) post(ctx context.Context, body []byte) (asked time.Duration, again bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, time.Duration(p.conf.Timeout))
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url, bytes.NewReader(body))
	if err != nil {
		return 0, false, err
	}
	for name, value := range p.conf.Headers {
		req.Header.Set(name, string(value))
	}
	req.Header.Set("Content-Type", "application/x-protobuf")
	if p.conf.Compression != "" {
		req.Header.Set("Content-Encoding", p.conf.Compression)
	}
	resp, err := p.client.Do(req)
	if err != nil {
		return 0, true, err
	}
	defer resp.Body.Close()
	said, _ := io.ReadAll(io.LimitReader(resp.Body, mostSaid)) // as much as there is
	switch resp.StatusCode {
	case http.StatusOK, http.StatusAccepted:
		return 0, false, nil
	case http.StatusTooManyRequests, http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		again = true
	}
	s, _ := strconv.Atoi(resp.Header.Get("Retry-After")) // 0 if there is none
	return time.Duration(s) * time.Second, again, fmt.Errorf("the receiver answers %s: %q", resp.Status, said)
}
