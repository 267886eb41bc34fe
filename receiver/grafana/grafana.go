// SPDX-License-Identifier: Apache-2.0

// Package grafana reads and writes the annotations of a Grafana, through the
// API that it offers.
//
// There are two. All versions since 7 have /api/annotations; 13 calls it
// deprecated, and still has it. Since 12.4 there is
// /apis/annotation.grafana.app as well, which is alpha, switched off by
// default, and not alike in all its stores: see [apps]. So the first is asked
// as long as the server answers it, whatever else it offers: nothing is ever
// written to both. When it answers 404 or 410 the server is asked what it has,
// and the new API is used from then on, until [remembered] is over or it fails
// in the same way.
package grafana

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// remembered is how long the old API is not tried again after the new one has
// answered in its place. A server changes when it is upgraded.
const remembered = 10 * time.Minute

// Annotation is a mark on the dashboards of a Grafana. Times are milliseconds.
type Annotation struct {
	Ref          string // by which the server knows it; the same in both APIs where they share a store
	Key          string // by which whoever makes it knows it: it is not made twice, where the server can see to that
	DashboardUID string // empty: it is the organisation's
	PanelID      int64
	Time         int64
	TimeEnd      int64 // 0, or Time: a point in time
	Tags         []string
	Text         string
	OfAlert      bool // an alert rule of Grafana has made it
}

// Query chooses annotations, newest first.
type Query struct {
	From, To time.Time
	Tags     []string // that an annotation has; empty: no matter
	AnyTag   bool     // one of the tags is enough
	Limit    int
}

// Change is what is new about an annotation.
type Change struct {
	Text    string
	TimeEnd int64 // milliseconds; 0: as it was
}

// dialect is one of the APIs.
type dialect interface {
	find(ctx context.Context, q Query) ([]Annotation, error)
	create(ctx context.Context, a Annotation) (ref string, err error)
	change(ctx context.Context, ref string, to Change) (newRef string, err error)
	dashboard(ctx context.Context, uid string) error
}

// Client speaks to one Grafana. It may be used by several goroutines.
type Client struct {
	remote *remote.Client
	now    func() time.Time

	mu    sync.Mutex
	apps  *apps     // nil: the old API is asked
	until time.Time // when the old one is tried again
}

// New makes a client. It fails when the connection settings name files that
// can't be read.
func New(conf config.Grafana) (*Client, error) {
	r, err := remote.New(remote.Options{Name: "Grafana", URL: conf.URL, HTTPConfig: conf.HTTPConfig})
	if err != nil {
		return nil, err
	}
	return &Client{remote: r, now: time.Now}, nil
}

// CloseIdleConnections gives the connections back that nobody uses.
func (c *Client) CloseIdleConnections() { c.remote.CloseIdleConnections() }

// Shown is the server's address without what may be secret in it.
func (c *Client) Shown() string { return c.remote.Shown() }

// Find returns the annotations that a query chooses. The errors of this and the
// other methods are those of package remote.
func (c *Client) Find(ctx context.Context, q Query) (found []Annotation, err error) {
	err = c.ask(ctx, func(d dialect) error {
		found, err = d.find(ctx, q)
		return err
	})
	return found, err
}

// Create makes an annotation and returns its ref.
func (c *Client) Create(ctx context.Context, a Annotation) (ref string, err error) {
	err = c.ask(ctx, func(d dialect) error {
		ref, err = d.create(ctx, a)
		return err
	})
	return ref, err
}

// Change brings an annotation up to date. Its ref may be another one afterwards.
func (c *Client) Change(ctx context.Context, ref string, to Change) (newRef string, err error) {
	err = c.ask(ctx, func(d dialect) error {
		newRef, err = d.change(ctx, ref, to)
		return err
	})
	return newRef, err
}

// Dashboard returns nil if the server has a dashboard with this UID.
func (c *Client) Dashboard(ctx context.Context, uid string) error {
	return c.offered().dashboard(ctx, uid)
}

// ask asks with the API that was offered last. If it turns out not to be there,
// the one that is.
func (c *Client) ask(ctx context.Context, question func(dialect) error) error {
	before := c.offered()
	err := question(before)
	if !Gone(err) {
		return err
	}
	after, lookErr := c.look(ctx)
	switch {
	case lookErr != nil:
		return lookErr
	case after == before:
		return err // the API is there, and what was asked for is not
	}
	return question(after)
}

// offered is the API that the server is known to have.
func (c *Client) offered() dialect {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apps == nil || c.now().After(c.until) {
		return legacy{c.remote}
	}
	return c.apps
}

// look asks the server which API it has.
func (c *Client) look(ctx context.Context) (dialect, error) {
	old := legacy{c.remote}
	_, err := old.find(ctx, Query{Limit: 1})
	if !Gone(err) { // also when it does not answer, or not to this token: that is no reason for another way
		c.remember(nil)
		return old, nil
	}
	var group struct {
		Versions []struct {
			Version string `json:"version"`
		} `json:"versions"`
	}
	if groupErr := get(ctx, c.remote, "ask for the annotation API", groupAt, nil, &group); groupErr != nil {
		if Gone(groupErr) || remote.ReasonOf(groupErr) == remote.Unauthorized {
			return nil, fmt.Errorf("%w; hint: this is not Grafana, or it offers neither of its annotation APIs", err)
		}
		return nil, groupErr
	}
	for _, v := range group.Versions {
		if v.Version == appsVersion {
			return c.remember(c.newApps(ctx)), nil
		}
	}
	return nil, fmt.Errorf("%w; hint: this Grafana has an annotation API of a version that culprit does not know, it knows %s", err, appsVersion)
}

// remember keeps which API there is. Stores of before the same answer are kept,
// so that what waits in them is not lost.
func (c *Client) remember(a *apps) dialect {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apps != nil && a != nil && c.apps.at == a.at {
		a = c.apps
	}
	c.apps, c.until = a, c.now().Add(remembered)
	return a
}

// newApps finds the namespace of the organisation that the token is of, which
// Grafana's own pages learn from its settings. Without them it is the first
// one's.
func (c *Client) newApps(ctx context.Context) *apps {
	var settings struct {
		Namespace string `json:"namespace"`
	}
	namespace := firstNamespace
	if err := get(ctx, c.remote, "ask for the namespace", "/api/frontend/settings/", nil, &settings); err == nil && settings.Namespace != "" {
		namespace = settings.Namespace
	}
	return &apps{remote: c.remote, at: namespace}
}

// Gone says whether the server has nothing where it was asked.
func Gone(err error) bool {
	var e *remote.Error
	return errors.As(err, &e) && (e.Reason == remote.NotFound || e.Status == http.StatusGone)
}

func get(ctx context.Context, r *remote.Client, op, path string, query url.Values, into any) error {
	return r.Do(ctx, remote.Request{Op: op, Method: http.MethodGet, Path: path, Query: query}, into)
}

func write(ctx context.Context, r *remote.Client, q remote.Request, body, into any) error {
	b, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s: %w", q.Op, err)
	}
	q.Body = b
	return r.Do(ctx, q, into)
}

// span is the part of a query that both APIs take.
func (q Query) span() url.Values {
	v := url.Values{"limit": {strconv.Itoa(q.Limit)}}
	if !q.From.IsZero() {
		v.Set("from", millis(q.From))
	}
	if !q.To.IsZero() {
		v.Set("to", millis(q.To))
	}
	return v
}

func millis(t time.Time) string { return strconv.FormatInt(t.UnixMilli(), 10) }
