// SPDX-License-Identifier: Apache-2.0

// Package routes reads the routing tree of an Alertmanager and checks that everybody
// else is still notified as before culprit's route was added.
//
// It exists because Alertmanager's fallback is easy to lose: a route's own receiver is
// used only if none of its children matches. A child for culprit that matches every
// alert takes all of them away from the root receiver, with or without
// `continue: true`, unless another child also matches them.
//
// The package is pure: it takes the text of a configuration and returns a [Verdict].
// It matches as Alertmanager's package dispatch does, which a test verifies on
// generated trees, without importing it, which would add 8 MB to the binary.
package routes

import (
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// Tree is the routing part of a configuration.
type Tree struct {
	Root      *Route
	Receivers []Receiver
}

// Route is one node, including what it inherits.
type Route struct {
	Receiver string
	Matchers labels.Matchers // of the route itself; those of its parents must match too
	Continue bool            // a match does not end the search among the siblings
	Routes   []*Route

	GroupBy        []string // sorted; ["..."] is every label
	GroupWait      time.Duration
	GroupInterval  time.Duration
	RepeatInterval time.Duration
	Mute, Active   []string // names of time intervals, never inherited

	parent *Route
	place  string // such as route.routes[2]
}

// Receiver is who is notified.
type Receiver struct {
	Name     string
	Webhooks []Webhook
	Others   int // number of other integrations: Slack, e-mail, …
}

// Webhook is one webhook of a receiver.
type Webhook struct {
	Address      string // empty if hidden, as by Alertmanager since 0.26
	SendResolved bool
	MaxAlerts    uint64 // 0: unlimited
}

// tells reports whether anybody is notified through the receiver.
func (r Receiver) tells() bool { return len(r.Webhooks)+r.Others > 0 }

// Receiver returns the receiver with a name, or an empty one, which notifies nobody.
func (t *Tree) Receiver(name string) Receiver {
	i := slices.IndexFunc(t.Receivers, func(r Receiver) bool { return r.Name == name })
	if i < 0 {
		return Receiver{Name: name}
	}
	return t.Receivers[i]
}

// Match returns the routes of an alert, like Alertmanager: depth first, left to right.
func (t *Tree) Match(alert model.LabelSet) []*Route { return t.match(t.Root, alert, nil) }

// match is Match below a route. Routes of receivers in without are treated as absent: they never
// match themselves, only their children can.
func (t *Tree) match(r *Route, alert model.LabelSet, without map[string]bool) []*Route {
	if !r.Matchers.Matches(alert) {
		return nil
	}
	var all []*Route
	for _, child := range r.Routes {
		found := t.match(child, alert, without)
		all = append(all, found...)
		if len(found) > 0 && !child.Continue {
			break
		}
	}
	if len(all) == 0 && !without[r.Receiver] {
		all = append(all, r)
	}
	return all
}

// walk visits a route and all below it, parents first.
func (r *Route) walk(visit func(*Route)) {
	visit(r)
	for _, child := range r.Routes {
		child.walk(visit)
	}
}

// written is the YAML of a configuration.
type written struct {
	Route     *writtenRoute     `yaml:"route"`
	Receivers []writtenReceiver `yaml:"receivers"`
}

type writtenRoute struct {
	Receiver       string            `yaml:"receiver"`
	GroupBy        []string          `yaml:"group_by"`
	Match          map[string]string `yaml:"match"`
	MatchRE        map[string]string `yaml:"match_re"`
	Matchers       []string          `yaml:"matchers"`
	Mute           []string          `yaml:"mute_time_intervals"`
	Active         []string          `yaml:"active_time_intervals"`
	Continue       bool              `yaml:"continue"`
	Routes         []*writtenRoute   `yaml:"routes"`
	GroupWait      *model.Duration   `yaml:"group_wait"`
	GroupInterval  *model.Duration   `yaml:"group_interval"`
	RepeatInterval *model.Duration   `yaml:"repeat_interval"`
}

type writtenReceiver struct {
	Name     string               `yaml:"name"`
	Webhooks []writtenWebhook     `yaml:"webhook_configs"`
	Rest     map[string]yaml.Node `yaml:",inline"`
}

type writtenWebhook struct {
	URL          string `yaml:"url"`
	SendResolved *bool  `yaml:"send_resolved"`
	MaxAlerts    uint64 `yaml:"max_alerts"`
}

// Parse parses a configuration, from a file or from `/api/v2/status`.
func Parse(text string) (*Tree, error) {
	var w written
	if err := yaml.Unmarshal([]byte(text), &w); err != nil {
		return nil, fmt.Errorf("the configuration of Alertmanager can't be read: %w", err)
	}
	if w.Route == nil {
		return nil, errors.New("the configuration of Alertmanager has no route")
	}
	// Alertmanager's defaults for the root.
	root, err := w.Route.route(&Route{GroupWait: 30 * time.Second, GroupInterval: 5 * time.Minute, RepeatInterval: 4 * time.Hour}, "route")
	if err != nil {
		return nil, err
	}
	root.parent = nil
	t := &Tree{Root: root}
	for _, r := range w.Receivers {
		t.Receivers = append(t.Receivers, r.receiver())
	}
	return t, nil
}

// route fills in what a route inherits.
func (w *writtenRoute) route(parent *Route, place string) (*Route, error) {
	r := &Route{
		Receiver: parent.Receiver, Continue: w.Continue, Mute: w.Mute, Active: w.Active, parent: parent, place: place,
		GroupBy: parent.GroupBy, GroupWait: parent.GroupWait, GroupInterval: parent.GroupInterval, RepeatInterval: parent.RepeatInterval,
	}
	if w.Receiver != "" {
		r.Receiver = w.Receiver
	}
	if len(w.GroupBy) > 0 {
		r.GroupBy = slices.Sorted(slices.Values(w.GroupBy))
	}
	inherit(&r.GroupWait, w.GroupWait)
	inherit(&r.GroupInterval, w.GroupInterval)
	inherit(&r.RepeatInterval, w.RepeatInterval)
	var err error
	if r.Matchers, err = w.matchers(); err != nil {
		return nil, fmt.Errorf("%s: %w", place, err)
	}
	for i, child := range w.Routes {
		c, err := child.route(r, fmt.Sprintf("%s.routes[%d]", place, i))
		if err != nil {
			return nil, err
		}
		r.Routes = append(r.Routes, c)
	}
	return r, nil
}

func inherit(into *time.Duration, own *model.Duration) {
	if own != nil {
		*into = time.Duration(*own)
	}
}

// matchers reads all three notations of matchers.
func (w *writtenRoute) matchers() (all labels.Matchers, err error) {
	add := func(kind labels.MatchType, pairs map[string]string) {
		for name, value := range pairs {
			m, bad := labels.NewMatcher(kind, name, value)
			if err = errors.Join(err, bad); bad == nil {
				all = append(all, m)
			}
		}
	}
	add(labels.MatchEqual, w.Match)
	add(labels.MatchRegexp, w.MatchRE)
	for _, text := range w.Matchers {
		ms, bad := parseMatchers(text)
		err = errors.Join(err, bad)
		all = append(all, ms...)
	}
	slices.SortFunc(all, func(a, b *labels.Matcher) int { return strings.Compare(a.String(), b.String()) })
	return all, err
}

// parseMatchers parses like Alertmanager does by default: UTF-8 syntax, or the classic one if only
// that is valid or gives another result.
func parseMatchers(text string) (labels.Matchers, error) {
	ms, err := parse.Matchers(text)
	classic, classicErr := labels.ParseMatchers(text)
	if classicErr == nil && (err != nil || labels.Matchers(classic).String() != ms.String()) {
		return classic, nil
	}
	return ms, err
}

func (w writtenReceiver) receiver() Receiver {
	r := Receiver{Name: w.Name}
	for _, hook := range w.Webhooks {
		h := Webhook{SendResolved: hook.SendResolved == nil || *hook.SendResolved, MaxAlerts: hook.MaxAlerts}
		if u, err := url.Parse(hook.URL); err == nil && u.Host != "" {
			h.Address = hook.URL
		}
		r.Webhooks = append(r.Webhooks, h)
	}
	for key, list := range w.Rest {
		if strings.HasSuffix(key, "_configs") {
			r.Others += len(list.Content)
		}
	}
	return r
}
