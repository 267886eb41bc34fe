// SPDX-License-Identifier: Apache-2.0

// Package outgoing makes HTTP clients for the servers in the configuration: Prometheus,
// Alertmanager, Grafana and hooks.
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

// ErrElsewhere means that the server redirects to another one.
var ErrElsewhere = errors.New("it redirects to another server, which is not asked, so that no credentials go there")

// mostRedirects bounds the redirects followed on one server.
const mostRedirects = 10

// Client sends requests to one server. It is safe for concurrent use.
type Client struct {
	http    *http.Client
	tokens  bool       // tokens are fetched first, ignoring the request's context
	query   url.Values // of the URL: a token, a tenant
	secrets []string
}

// New makes a client for the server at u. Errors never repeat its credentials, nor the given
// secrets. It doesn't connect. It fails if files named in the settings can't be read.
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

// Do sends a request, adding the query of the client's URL. Redirects of GETs are followed on the
// same server; any other redirect is returned as the answer.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	resp, err := c.do(c.addressed(req))
	var wrapped *url.Error
	for errors.As(err, &wrapped) { // nested if a token is fetched
		err = wrapped.Err
	}
	if err != nil && resp != nil {
		resp.Body.Close() // a redirect that is not followed
		resp = nil
	}
	if err != nil {
		return nil, tokenError(err)
	}
	return c.discreet(resp)
}

// addressed adds the parameters of the client's URL that the request lacks.
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

// do returns when the context of the request ends, even while a token is fetched, for which the
// library has no timeout.
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

// CloseIdleConnections closes unused connections.
func (c *Client) CloseIdleConnections() { c.http.CloseIdleConnections() }

// stay follows redirects of GETs only to the same scheme, host and port.
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

// hostPort is the host of a URL with its port, also if that is the default.
func hostPort(u *url.URL) string {
	port := u.Port()
	if port == "" {
		port = map[string]string{"http": "80", "https": "443"}[u.Scheme]
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// only restricts connections to the server, its token server, and their proxies. The library would
// follow a redirect of the token server with the client's secret in the body, and this is the only
// place to stop it; behind a proxy it is up to the proxy.
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

// mostSilence is how long a server that needs tokens may send nothing.
const mostSilence = 2 * time.Minute

// impatient is a connection with an idle timeout.
type impatient struct{ net.Conn }

func (c impatient) Read(p []byte) (int, error) {
	if err := c.SetReadDeadline(time.Now().Add(mostSilence)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}
