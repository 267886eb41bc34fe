// SPDX-License-Identifier: Apache-2.0

// Package outgoing makes the HTTP clients of the servers that a configuration
// names: Prometheus, Alertmanager, Grafana and hooks.
//
// Every request of a client carries the credentials and headers of its http_config, so
// a client talks only to the server of its configuration: a redirect to another scheme,
// host or port is an [ErrElsewhere]. Errors never contain the address, which may contain
// a secret.
package outgoing

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

// ErrElsewhere is the error of a request that was sent on to another server.
var ErrElsewhere = errors.New("it redirects to another server, which is not asked, so that no credentials go there")

// mostRedirects are followed on one server.
const mostRedirects = 10

// Client makes requests to one server. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	tokens  bool       // are fetched first, without regard for the request's context
	query   url.Values // of the address: a token, a tenant
	secrets []string
}

// New makes a client of the server of u. Besides the credentials no error of
// the server repeats the secrets that are named. It doesn't connect; it fails
// when the settings name files that can't be read.
func New(u *url.URL, conf commonconfig.HTTPClientConfig, secrets ...string) (*Client, error) {
	opts := []commonconfig.HTTPClientOption{commonconfig.WithUserAgent("culprit")}
	if conf.OAuth2 != nil {
		opts = append(opts, commonconfig.WithDialContextFunc(only(u, conf)))
	}
	c, err := commonconfig.NewClientFromConfig(conf, "culprit", opts...)
	if err != nil {
		return nil, fmt.Errorf("http_config: %w", err)
	}
	if conf.FollowRedirects {
		c.CheckRedirect = stay
	}
	return &Client{http: c, tokens: conf.OAuth2 != nil, query: u.Query(), secrets: append(secretsOf(u), secrets...)}, nil
}

// Do sends a request, with the query of the address beside its own. Redirects of reads
// are followed on the same server; those of anything else are answers.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.do(c.addressed(req))
	var wrapped *url.Error
	for errors.As(err, &wrapped) { // there is one in another when a token is fetched
		err = wrapped.Err
	}
	if err != nil && resp != nil {
		resp.Body.Close() // an answer that is not followed
		resp = nil
	}
	if err != nil {
		return nil, tokenError(err)
	}
	return c.discreet(resp)
}

// addressed is a request with what it lacks of the address's query: whoever makes the
// request may have put another in its place.
func (c *Client) addressed(req *http.Request) *http.Request {
	has, lacks := req.URL.Query(), url.Values{}
	for name, values := range c.query {
		if !has.Has(name) {
			lacks[name] = values
		}
	}
	if len(lacks) == 0 {
		return req
	}
	whole, u := req.WithContext(req.Context()), *req.URL
	u.RawQuery = strings.TrimPrefix(u.RawQuery+"&"+lacks.Encode(), "&")
	whole.URL = &u
	return whole
}

// do returns when the context of the request ends, also while its token is
// fetched, for which the library has no time limit.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	if !c.tokens {
		return c.http.Do(req)
	}
	var resp *http.Response
	var err error
	done := make(chan struct{})
	go func() {
		resp, err = c.http.Do(req)
		close(done)
	}()
	select {
	case <-done:
		return resp, err
	case <-req.Context().Done():
		go func() {
			if <-done; resp != nil {
				resp.Body.Close()
			}
		}()
		return nil, req.Context().Err()
	}
}

// CloseIdleConnections gives the connections back that nobody uses.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// stay lets reads go on to the same scheme, host and port only.
func stay(next *http.Request, via []*http.Request) error {
	first := via[0]
	switch {
	case first.Method != http.MethodGet:
		return http.ErrUseLastResponse
	case !same(first.URL, next.URL):
		return fmt.Errorf("%w (it points to %s); hint: configure the address that people end up at", ErrElsewhere, next.URL.Host)
	case len(via) >= mostRedirects:
		return fmt.Errorf("stopped after %d redirects", mostRedirects)
	default:
		return nil
	}
}

func same(a, b *url.URL) bool { return a.Scheme == b.Scheme && hostPort(a) == hostPort(b) }

// hostPort is the host of an address with its port, also where that is the
// usual one.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// only connects to the server, to the one that gives its tokens, and to their
// proxies. The library follows redirects of the token server with the client's
// secret in the body, and has no other place to stop it; behind a proxy that is
// the proxy's matter.
func only(u *url.URL, conf commonconfig.HTTPClientConfig) commonconfig.DialContextFunc {
	known := map[string]bool{hostPort(u): true}
	if token, err := url.Parse(conf.OAuth2.TokenURL); err == nil {
		known[hostPort(token)] = true
	}
	direct := conf.ProxyURL.URL == nil && !conf.ProxyFromEnvironment &&
		conf.OAuth2.ProxyURL.URL == nil && !conf.OAuth2.ProxyFromEnvironment
	var dialer net.Dialer
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if direct && !known[address] {
			return nil, fmt.Errorf("%w (it points to %s)", ErrElsewhere, address)
		}
		conn, err := dialer.DialContext(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return impatient{conn}, nil
	}
}

// mostSilence is how long a server that wants tokens may send nothing.
const mostSilence = 2 * time.Minute

// impatient is a connection that ends when nothing comes for too long.
type impatient struct{ net.Conn }

func (c impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(mostSilence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}
