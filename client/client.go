// SPDX-License-Identifier: Apache-2.0

// Package client is a client of culprit's HTTP API: it reads reports, incidents, cases and changes,
// requests explanations, and posts changes and feedback.
//
// It imports only the standard library. Its types are generated from the daemon's, and mirror the
// JSON of the API.
//
//	c, err := client.New("http://culprit:9798", client.Options{})
//	for r, err := range c.Reports(ctx, client.ReportFilter{Open: client.Is(true)}) {
//		…
//	}
package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
)

// Options configure a client. The zero value sends no credentials.
type Options struct {
	HTTPClient *http.Client // for TLS, proxies, timeouts; nil: http.DefaultClient. Bound your calls by their contexts

	// Credentials: either a token (changes.token_file), or a user of --web.config.file.
	Bearer             string
	Username, Password string
}

// Client sends requests to one culprit. It is safe for concurrent use.
type Client struct {
	base *url.URL
	opt  Options
}

// New returns a client for a URL such as http://culprit:9798 or https://example.org/culprit. It
// does not connect.
func New(address string, opt Options) (*Client, error) {
	base, err := url.Parse(strings.TrimSuffix(address, "/"))
	if err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https" {
		return nil, fmt.Errorf("the address of culprit is %q; hint: write a URL such as http://culprit:9798", address)
	}
	if opt.Bearer != "" && (opt.Username != "" || opt.Password != "") {
		return nil, fmt.Errorf("Options has both Bearer and Username; hint: leave one out")
	}
	if opt.HTTPClient == nil {
		opt.HTTPClient = http.DefaultClient
	}
	return &Client{base: base, opt: opt}, nil
}

// maxAnswer bounds an answer, in bytes.
const maxAnswer = 256 << 20

// do sends a request and decodes the JSON of the answer. A status other than 2xx is an *[Error].
func (c *Client) do(ctx context.Context, method, path string, query url.Values, body, into any) (http.Header, error) {
	req, err := c.request(ctx, method, path, query, body)
	if err != nil {
		return nil, err
	}
	resp, err := c.opt.HTTPClient.Do(req)
	if err != nil {
		return nil, fmt.Errorf("asking culprit: %w", err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		return nil, errorOf(resp)
	}
	if into == nil {
		return resp.Header, nil
	}
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxAnswer)).Decode(into); err != nil {
		return nil, fmt.Errorf("reading the answer to %s %s: %w", method, path, err)
	}
	return resp.Header, nil
}

func (c *Client) request(ctx context.Context, method, path string, query url.Values, body any) (*http.Request, error) {
	var send io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		send = bytes.NewReader(text)
	}
	at := c.base.JoinPath(path)
	whole := at.Query() // the URL's own, as a proxy may need it
	maps.Copy(whole, query)
	at.RawQuery = whole.Encode()
	req, err := http.NewRequestWithContext(ctx, method, at.String(), send)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	switch {
	case c.opt.Bearer != "":
		req.Header.Set("Authorization", "Bearer "+c.opt.Bearer)
	case c.opt.Username != "" || c.opt.Password != "":
		req.SetBasicAuth(c.opt.Username, c.opt.Password)
	}
	return req, nil
}

// Report returns a report by its ID.
func (c *Client) Report(ctx context.Context, id string) (r Report, err error) {
	_, err = c.do(ctx, http.MethodGet, "api/v1/reports/"+url.PathEscape(id), nil, nil, &r)
	return r, err
}

// Incident returns an incident by its ID.
func (c *Client) Incident(ctx context.Context, id string) (i Incident, err error) {
	_, err = c.do(ctx, http.MethodGet, "api/v1/incidents/"+url.PathEscape(id), nil, nil, &i)
	return i, err
}

// Case returns a case by its ID.
func (c *Client) Case(ctx context.Context, id string) (found Case, err error) {
	_, err = c.do(ctx, http.MethodGet, "api/v1/cases/"+url.PathEscape(id), nil, nil, &found)
	return found, err
}

// Explain explains an alert or an expression now. It takes about a second, at most a minute;
// nothing is stored or sent.
func (c *Client) Explain(ctx context.Context, q Question) (r Report, err error) {
	_, err = c.do(ctx, http.MethodPost, "api/v1/explain", nil, q, &r)
	return r, err
}

// Judge sends feedback on a report, and returns the report with it.
func (c *Client) Judge(ctx context.Context, id string, f Judged) (r Report, err error) {
	_, err = c.do(ctx, http.MethodPost, "api/v1/reports/"+url.PathEscape(id)+"/feedback", nil, f, &r)
	return r, err
}

// PostChanges reports changes, at most 1000. When it returns without an error they are on disk.
// Resending them is harmless if they have an ID and a Source.
func (c *Client) PostChanges(ctx context.Context, list ...NewChange) ([]Taken, error) {
	var answer struct{ Changes []Taken }
	_, err := c.do(ctx, http.MethodPost, "api/v1/changes", nil, list, &answer)
	return answer.Changes, err
}

// Ready returns nil if culprit takes alerts, or else an *[Error] that says what it waits for.
func (c *Client) Ready(ctx context.Context) error {
	_, err := c.do(ctx, http.MethodGet, "-/ready", nil, nil, nil)
	return err
}
