// SPDX-License-Identifier: Apache-2.0

// Package remote sends requests to the servers that culprit writes to. Each is bounded in time and
// size, and each failure has one of a few known reasons.
//
// A [Client] exchanges JSON with one server. Failures are an [*Error], which says what was
// attempted, what the server answered, what to do, and whether a retry may succeed ([Retryable]).
// Errors show only scheme, host and path of a URL.
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"path"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/config/outgoing"
)

// Defaults of Options.
const (
	DefaultTimeout = 5 * time.Second
	DefaultMaxBody = 64 << 20
)

// quoted bounds how much of an answer an error quotes, in bytes.
const quoted = 300

// Options describe a server. Name, URL and HTTPConfig are required.
type Options struct {
	Name       string // kind of server, for errors: Alertmanager, Grafana, recovery webhook
	URL        Address
	HTTPConfig commonconfig.HTTPClientConfig

	Timeout time.Duration // of one request including the answer; default 5 s
	MaxBody int64         // largest answer in bytes; default 64 MiB
}

// Address is the URL of a server: a *config.URL or a *config.HookURL.
type Address interface {
	Reveal() *url.URL // the full URL, or nil
	String() string   // without secrets
}

// Client sends requests to one server.
type Client struct {
	name    string
	base    *url.URL
	shown   string
	http    *outgoing.Client
	timeout time.Duration
	maxBody int64
}

// New makes a client. It fails if files named in the connection settings can't be read.
func New(opts Options) (*Client, error) {
	if opts.URL == nil || opts.URL.Reveal() == nil {
		return nil, fmt.Errorf("%s: no URL is set", opts.Name)
	}
	base := opts.URL.Reveal()
	var secrets []string
	if !strings.Contains(opts.URL.String(), base.Path) { // whoever knows the path of a hook may call it
		secrets = []string{base.Path, path.Base(base.Path)}
	}
	hc, err := outgoing.New(base, opts.HTTPConfig, secrets...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", opts.Name, err)
	}
	c := &Client{
		name: opts.Name, base: base, shown: strings.TrimSuffix(opts.URL.String(), "/"),
		http: hc, timeout: opts.Timeout, maxBody: opts.MaxBody,
	}
	if c.timeout <= 0 {
		c.timeout = DefaultTimeout
	}
	if c.maxBody <= 0 {
		c.maxBody = DefaultMaxBody
	}
	return c, nil
}

// CloseIdleConnections closes unused connections.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// Shown is the URL without secrets.
func (c *Client) Shown() string { return c.shown }

// Request is one request.
type Request struct {
	Op     string // what it does, for errors: "read the alerts"
	Method string
	Path   string // below the base URL; empty: the base URL itself
	Query  url.Values
	Header http.Header
	Body   []byte // JSON; nil: none

	// Clock, if set, receives the server's time from its answer, to the second; culprit's own time
	// if there is none.
	Clock *time.Time
}

// Do sends a request and decodes a 2xx answer into into, unless that is nil. Every error is an
// *Error.
func (c *Client) Do(ctx context.Context, r Request, into any) error {
	inner, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()
	e := &Error{Op: r.Op, Server: c.name, Address: c.shown}
	resp, err := c.send(inner, r)
	if err != nil {
		return e.from(ctx, err)
	}
	defer resp.Body.Close()
	if r.Clock != nil {
		*r.Clock = clock(resp.Header)
	}
	body, err := c.read(resp.Body)
	if err != nil {
		return e.from(ctx, err)
	}
	if resp.StatusCode/100 != 2 {
		return e.answered(resp, body)
	}
	if into == nil {
		return nil
	}
	if err := json.Unmarshal(body, into); err != nil {
		e.Reason, e.Err = Malformed, err
		return e
	}
	return nil
}

// GaveUp is the error of a request that was not sent because ctx had ended.
func (c *Client) GaveUp(ctx context.Context, op string) error {
	e := &Error{Op: op, Server: c.name, Address: c.shown}
	return e.from(ctx, ctx.Err())
}

func (c *Client) send(ctx context.Context, r Request) (*http.Response, error) {
	target := *c.base
	if r.Path != "" {
		target = *c.base.JoinPath(r.Path)
	}
	if r.Query != nil {
		target.RawQuery = r.Query.Encode()
	}
	var body io.Reader
	if r.Body != nil {
		body = bytes.NewReader(r.Body)
	}
	req, err := http.NewRequestWithContext(ctx, r.Method, target.String(), body)
	if err != nil {
		return nil, err
	}
	for name, values := range r.Header {
		req.Header[name] = values
	}
	req.Header.Set("Accept", "application/json")
	if r.Body != nil && req.Header.Get("Content-Type") == "" {
		req.Header.Set("Content-Type", "application/json")
	}
	return c.http.Do(req)
}

func clock(h http.Header) time.Time {
	if t, err := http.ParseTime(h.Get("Date")); err == nil {
		return t
	}
	return time.Now()
}

var errTooLarge = errors.New("the answer is too large")

func (c *Client) read(r io.Reader) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r, c.maxBody+1))
	if err == nil && int64(len(body)) > c.maxBody {
		return nil, fmt.Errorf("%w: over %d bytes", errTooLarge, c.maxBody)
	}
	return body, err
}
