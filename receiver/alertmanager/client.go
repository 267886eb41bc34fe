// SPDX-License-Identifier: Apache-2.0

// Package alertmanager is a client of one Alertmanager that keeps unknown fields.
//
// Alerts and silences are kept as raw JSON next to the few fields that culprit
// uses, and are sent back unchanged: fields that this package does not know, from a
// newer Alertmanager or another server with the same API, survive. It needs API v2, which every Alertmanager since 0.16 has.
//
// An Alertmanager serves a limited number of reads at a time, eight by default, and
// answers further ones with 503. So a [Client] limits its own reads, shares one read
// among callers that wait for the same, and retries after a 503.
//
// A [Client] talks to one peer. A cluster gossips silences but not alerts, so alerts
// are read from and posted to each peer separately.
//
// Errors are those of package remote: they say what was tried and whether to retry.
package alertmanager

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// Options limits the requests. The zero value is valid.
type Options struct {
	Timeout time.Duration // of one request; default 5 s
	MaxBody int64         // largest answer in bytes; default 64 MiB
}

// Client sends requests to one Alertmanager. It is safe for concurrent use.
type Client struct {
	remote *remote.Client
	reads  reads
}

// New makes a client. It does not connect.
func New(conf config.Alertmanager, opts Options) (*Client, error) {
	r, err := remote.New(remote.Options{
		Name: "Alertmanager", URL: conf.URL, HTTPConfig: conf.HTTPConfig,
		Timeout: opts.Timeout, MaxBody: opts.MaxBody,
	})
	if err != nil {
		return nil, err
	}
	return &Client{remote: r, reads: newReads()}, nil
}

// CloseIdleConnections closes unused connections.
func (c *Client) CloseIdleConnections() { c.remote.CloseIdleConnections() }

// Address is the peer's URL without secrets.
func (c *Client) Address() string { return c.remote.Shown() }

// Filter selects alerts. The zero value selects all that are not resolved, including silenced and
// inhibited ones.
type Filter struct {
	Matchers []string // in Alertmanager's syntax; all must match
	Receiver string   // anchored regular expression for the receiver's name
}

// Exactly returns a filter for the alert with these labels. It may select others too, because long
// values are left out to keep the URL short: check the fingerprints in the answer.
func Exactly(ls model.LabelSet) Filter {
	const long, all = 256, 2048 // bytes
	var f Filter
	size := 0
	for _, name := range sortedNames(ls) {
		m := labels.Matcher{Type: labels.MatchEqual, Name: string(name), Value: string(ls[name])}
		text := m.String()
		if len(text) > long || size+len(text) > all {
			continue
		}
		f.Matchers = append(f.Matchers, text)
		size += len(text)
	}
	return f
}

// OneOf restricts a filter to alerts with one of these values of a label, unless that would make
// the URL long.
func (f *Filter) OneOf(name model.LabelName, values []string) {
	const all = 1024 // bytes
	quoted := make([]string, len(values))
	for i, v := range values {
		quoted[i] = regexp.QuoteMeta(v)
	}
	m := labels.Matcher{Type: labels.MatchRegexp, Name: string(name), Value: strings.Join(quoted, "|")}
	if text := m.String(); len(text) <= all {
		f.Matchers = append(f.Matchers, text)
	}
}

func sortedNames(ls model.LabelSet) []model.LabelName {
	names := make([]model.LabelName, 0, len(ls))
	for name := range ls {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

func (f Filter) query() url.Values {
	q := url.Values{}
	for _, m := range f.Matchers {
		q.Add("filter", m)
	}
	if f.Receiver != "" {
		q.Set("receiver", f.Receiver)
	}
	return q
}

// Alerts reads the alerts that are not resolved.
func (c *Client) Alerts(ctx context.Context, f Filter) ([]Alert, error) {
	q := f.query()
	for _, kind := range []string{"active", "silenced", "inhibited", "unprocessed"} {
		q.Set(kind, "true")
	}
	read, err := get[[]Alert](ctx, c, "read alerts", "/api/v2/alerts", q)
	alerts := slices.Clone(read.value) // shared with other callers
	for i := range alerts {
		alerts[i].ReadAt, alerts[i].AskedAt = read.clock, read.asked
	}
	return alerts, err
}

// Group is an alert group of one route.
type Group struct {
	Labels   model.LabelSet `json:"labels"`
	Receiver struct {
		Name string `json:"name"`
	} `json:"receiver"`
	Alerts []Alert `json:"alerts"`
}

// Groups reads the alert groups. An alert is in one group per matching route.
func (c *Client) Groups(ctx context.Context, f Filter) ([]Group, error) {
	read, err := get[[]Group](ctx, c, "read alert groups", "/api/v2/alerts/groups", f.query())
	return read.value, err
}

// PostAlerts posts alerts made by [Alert.Repost]. If the server refuses one it still stores the
// others.
func (c *Client) PostAlerts(ctx context.Context, alerts ...json.RawMessage) error {
	return c.post(ctx, "post alerts", "/api/v2/alerts", alerts, nil)
}

// Silence reads one silence, even if it has expired.
func (c *Client) Silence(ctx context.Context, id string) (Silence, error) {
	read, err := get[Silence](ctx, c, "read the silence "+id, "/api/v2/silence/"+url.PathEscape(id), nil)
	read.value.ReadAt = read.clock
	return read.value, err
}

// Silences reads the silences that have all these matchers; all silences if there are none. It
// includes expired ones that the server still has.
func (c *Client) Silences(ctx context.Context, matchers ...string) ([]Silence, error) {
	read, err := get[[]Silence](ctx, c, "read silences", "/api/v2/silences", Filter{Matchers: matchers}.query())
	silences := slices.Clone(read.value) // shared with other callers
	for i := range silences {
		silences[i].ReadAt = read.clock
	}
	return silences, err
}

// PostSilence posts a [Silence.Update] or a [NewSilence], and returns the ID of the stored silence.
// If it differs from the posted one, the server has created a new silence.
func (c *Client) PostSilence(ctx context.Context, silence any) (string, error) {
	var made struct {
		ID string `json:"silenceID"`
	}
	err := c.post(ctx, "post a silence", "/api/v2/silences", silence, &made)
	return made.ID, err
}

// DeleteSilence expires a silence. It is no error if the silence has expired already.
func (c *Client) DeleteSilence(ctx context.Context, id string) error {
	return c.remote.Do(ctx, remote.Request{
		Op: "expire the silence " + id, Method: http.MethodDelete, Path: "/api/v2/silence/" + url.PathEscape(id),
	}, nil)
}

func (c *Client) post(ctx context.Context, op, path string, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: %w", op, err)
	}
	return c.remote.Do(ctx, remote.Request{Op: op, Method: http.MethodPost, Path: path, Body: b}, into)
}
