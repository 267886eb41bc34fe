// SPDX-License-Identifier: Apache-2.0

// Package grafana reads and writes Grafana's annotations, through whichever API the server has.
//
// There are two. All versions since 7 have /api/annotations; 13 still has it, deprecated. Since
// 12.4 there is also /apis/annotation.grafana.app, which is alpha, disabled by default, and differs
// between its stores: see [apps]. So the first is used as long as the server answers it, and
// nothing is ever written to both. If it answers 404 or 410 the server is asked what it has, and
// the new API is used from then on, until [remembered] has passed or it fails in the same way.
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

// remembered is how long to use the new API before trying the old one again: servers get upgraded.
const remembered = 10 * time.Minute

// Annotation is an annotation on a dashboard. Times are Unix milliseconds.
type Annotation struct {
	Ref          string // the server's ID; equal in both APIs if they share a store
	Key          string // the creator's ID, which prevents duplicates if the server supports that
	DashboardUID string // empty: the whole organisation
	PanelID      int64
	Time         int64
	TimeEnd      int64 // 0 or Time: a point in time
	Tags         []string
	Text         string
	OfAlert      bool // created by an alert rule of Grafana
}

// Query selects annotations, newest first.
type Query struct {
	From, To time.Time
	Tags     []string // that an annotation must have; empty: any
	AnyTag   bool     // one of the tags suffices
	Limit    int
}

// Change is an update of an annotation.
type Change struct {
	Text    string
	TimeEnd int64 // milliseconds; 0: unchanged
}

// dialect is one of the APIs.
type dialect interface {
	find(ctx context.Context, q Query) ([]Annotation, error)
	create(ctx context.Context, a Annotation) (ref string, err error)
	change(ctx context.Context, ref string, to Change) (newRef string, err error)
	dashboard(ctx context.Context, uid string) error
}

// Client sends requests to one Grafana. It is safe for concurrent use.
type Client struct {
	remote *remote.Client
	now    func() time.Time

	mu    sync.Mutex
	apps  *apps     // nil: use the old API
	until time.Time // when to try the old one again
}

// New makes a client. It fails if files named in the settings can't be read.
func New(conf config.Grafana) (*Client, error) {
	r, err := remote.New(remote.Options{Name: "Grafana", URL: conf.URL, HTTPConfig: conf.HTTPConfig})
	if err != nil {
		return nil, err
	}
	return &Client{remote: r, now: time.Now}, nil
}

// CloseIdleConnections closes unused connections.
func (c *Client) CloseIdleConnections() { c.remote.CloseIdleConnections() }

// Shown is the server's URL without secrets.
func (c *Client) Shown() string { return c.remote.Shown() }

// Find returns the annotations that a query selects. The errors of all methods are those of package
// remote.
func (c *Client) Find(ctx context.Context, q Query) (found []Annotation, err error) {
	err = c.ask(ctx, func(d dialect) error {
		found, err = d.find(ctx, q)
		return err
	})
	return found, err
}

// Create creates an annotation and returns its ref.
func (c *Client) Create(ctx context.Context, a Annotation) (ref string, err error) {
	err = c.ask(ctx, func(d dialect) error {
		ref, err = d.create(ctx, a)
		return err
	})
	return ref, err
}

// Change updates an annotation. Its ref may change.
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

// ask uses the last known API. If the server turns out not to have it, it tries the other.
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
		return err // the API exists, the object doesn't
	}
	return question(after)
}

// offered is the API that the server is believed to have.
func (c *Client) offered() dialect {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apps == nil || c.now().After(c.until) {
		return legacy{c.remote}
	}
	return c.apps
}

// look finds out which API the server has.
func (c *Client) look(ctx context.Context) (dialect, error) {
	old := legacy{c.remote}
	_, err := old.find(ctx, Query{Limit: 1})
	if !Gone(err) { // no answer or no permission are no reason to switch
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

// remember sets which API there is. It keeps an equal [apps], with the annotations waiting in it.
func (c *Client) remember(a *apps) dialect {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.apps != nil && a != nil && c.apps.at == a.at {
		a = c.apps
	}
	c.apps, c.until = a, c.now().Add(remembered)
	return a
}

// newApps determines the namespace of the token's organisation from the frontend settings, or else
// assumes the first organisation's.
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

// Gone reports whether the requested object doesn't exist.
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

// span is the part of a query that both APIs share.
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
