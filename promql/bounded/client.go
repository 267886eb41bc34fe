// SPDX-License-Identifier: Apache-2.0

// Package bounded is a client of the HTTP API of one Prometheus. It limits the
// series, samples and bytes that it keeps of a response, whatever the server sends.
//
// Responses are decoded while they are read. At a limit, reading stops, the series read
// completely are kept, and the error is a [*Cut]. Large responses are read one at a
// time, so that the limit of one response is the limit of all. Nothing is decompressed:
// a response with a Content-Encoding was not requested.
package bounded

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/prometheus/client_golang/api"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/config/outgoing"
	"github.com/culprit-dev/culprit/tracing"
)

const (
	// DefaultBytes is the limit of one response, unless configured.
	DefaultBytes = 64 << 20

	errorBytes = 1 << 20 // read of an error response
	mostSaid   = 300     // bytes kept of a server's error message
)

// Client queries one Prometheus. It is safe for concurrent use.
type Client struct {
	http    *outgoing.Client
	base    *url.URL
	most    int64         // bytes of one response
	large   chan struct{} // held while a large response is read
	metrics *metrics
}

var _ api.Client = (*Client)(nil)

// New returns a client of the configured server. It doesn't connect.
func New(conf config.Prometheus) (*Client, error) {
	base := conf.URL.Reveal()
	if base == nil {
		return nil, errors.New("prometheus: no url; hint: set prometheus.url, as in http://prometheus:9090")
	}
	hc, err := outgoing.New(base, conf.Client())
	if err != nil {
		return nil, fmt.Errorf("prometheus: %w", err)
	}
	return &Client{
		http: hc, base: base, most: int64(cmp.Or(max(0, conf.MaxBytes), DefaultBytes)),
		large: make(chan struct{}, 1), metrics: newMetrics(),
	}, nil
}

// NewRuler returns a client of the server that has the rules and their alerts: the configured
// rules_url, else the server itself.
func NewRuler(conf config.Prometheus) (*Client, error) {
	if conf.RulesURL.Reveal() != nil {
		conf.URL = conf.RulesURL
	}
	return New(conf)
}

// API returns the other endpoints of the server. Their responses are read whole, up to the
// limit of bytes.
func (c *Client) API() v1.API { return v1.NewAPI(c) }

// CloseIdleConnections closes the connections that are not in use.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// URL returns the URL of an endpoint. nocache=1 keeps VictoriaMetrics from shifting start and
// end of a range; others ignore it.
func (c *Client) URL(endpoint string, args map[string]string) *url.URL {
	for name, v := range args {
		endpoint = strings.ReplaceAll(endpoint, ":"+name, url.PathEscape(v))
	}
	u := c.base.JoinPath(endpoint)
	q := u.Query()
	q.Set("nocache", "1")
	u.RawQuery = q.Encode()
	return u
}

// Do implements [api.Client]. It reads a whole response, or returns a [*Cut].
func (c *Client) Do(ctx context.Context, req *http.Request) (*http.Response, []byte, error) {
	resp, err := c.send(req.WithContext(ctx))
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		body, err := io.ReadAll(io.LimitReader(resp.Body, errorBytes))
		return resp, body, err
	}
	m := c.meter(ctx, resp.Body, c.most/2) // kept twice, as text and decoded
	defer m.close()
	body, err := io.ReadAll(m)
	if errors.Is(err, errBytes) {
		return resp, nil, &Cut{What: m.said()}
	}
	return resp, partial(body), err
}

// partial turns VictoriaMetrics' mark of an incomplete response into a warning.
func partial(body []byte) []byte {
	const head = 100 // it precedes the data
	if n := min(head, len(body)); bytes.Contains(body[:n], []byte(`"isPartial":true`)) {
		return bytes.Replace(body, []byte(`"isPartial":true`), []byte(`"warnings":["`+isPartial+`"]`), 1)
	}
	return body
}

const isPartial = "some of the storage did not answer (isPartial)"

// send refuses compressed responses, which were not requested.
func (c *Client) send(req *http.Request) (*http.Response, error) {
	tracing.Inject(req.Context(), req.Header)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if coding := resp.Header.Get("Content-Encoding"); coding != "" && coding != "identity" {
		resp.Body.Close()
		return nil, &v1.Error{Type: v1.ErrBadResponse, Msg: fmt.Sprintf("the answer is compressed (%.20q), which was not asked for", coding)}
	}
	return resp, nil
}
