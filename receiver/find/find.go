// SPDX-License-Identifier: Apache-2.0

// Package find turns what a person asks for into an alert to explain: one that fires now, one of
// the past, a time range in which an alert did not fire, or an expression without an alert.
//
// It reads Prometheus' rules, which include their active alerts, and the series ALERTS and
// ALERTS_FOR_STATE, in which every Prometheus records its alerts.
package find

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/bounded"
	"github.com/culprit-dev/culprit/receiver/report"
)

// ErrNotFound means that no alert or rule matches.
var ErrNotFound = errors.New("no such alert")

// ErrUnclear means that the question is invalid or ambiguous.
var ErrUnclear = errors.New("the request is not clear")

// ErrUnreachable means that the server does not answer.
var ErrUnreachable = errors.New("does not answer")

// Alert is an alert with what is known of its times.
type Alert struct {
	report.Alert           // GeneratorURL contains the expression, if known
	Onset        time.Time // when its condition began to hold
	Pending      bool      // not yet true for long enough to fire
	Last         time.Time // when a past alert was last seen
}

// Finder finds alerts in one Prometheus. It is safe for concurrent use.
type Finder struct {
	client  *bounded.Client
	ruler   *bounded.Client // the server with the rules
	base    string          // URL without secrets
	series  int             // limit per answer
	timeout time.Duration
}

// New returns a Finder. It does not connect.
func New(conf config.Prometheus) (*Finder, error) {
	client, err := bounded.New(conf)
	if err != nil {
		return nil, err
	}
	ruler, err := bounded.NewRuler(conf)
	if err != nil {
		return nil, err
	}
	return &Finder{
		client: client, ruler: ruler, base: conf.URL.String(), series: conf.MaxSeries,
		timeout: cmp.Or(time.Duration(conf.QueryTimeout), 10*time.Second),
	}, nil
}

// Close closes idle connections.
func (f *Finder) Close() {
	f.client.CloseIdleConnections()
	f.ruler.CloseIdleConnections()
}

// Reach returns nil if the server answers.
func (f *Finder) Reach(ctx context.Context) error {
	if _, err := f.query(ctx, "vector(1)", time.Now()); err != nil {
		return f.failed("asking for vector(1)", err)
	}
	return nil
}

// Firing returns the active alerts that match: firing ones before pending ones, each earliest
// first. If the server lists no rules (VictoriaMetrics, a bare querier) it reads ALERTS instead.
func (f *Finder) Firing(ctx context.Context, ms labels.Matchers, now time.Time) ([]Alert, error) {
	rules, err := f.Rules(ctx)
	if errors.Is(err, ErrUnreachable) {
		return nil, err
	}
	if err != nil || len(rules) == 0 {
		return f.At(ctx, ms, now)
	}
	var found []Alert
	for _, r := range rules {
		for _, a := range r.Alerts {
			if ms.Matches(a.Labels) {
				found = append(found, f.active(r, *a))
			}
		}
	}
	sortAlerts(found)
	return found, nil
}

func (f *Finder) active(r v1.AlertingRule, a v1.Alert) Alert {
	alert := f.alert(a.Labels, r.Query, a.ActiveAt)
	if a.Annotations != nil {
		alert.Annotations = a.Annotations
	}
	alert.Pending = a.State == v1.AlertStatePending
	if !alert.Pending {
		alert.StartsAt = a.ActiveAt.Add(hold(r))
	}
	return alert
}

// alert makes an alert that began at onset.
func (f *Finder) alert(ls model.LabelSet, expr string, onset time.Time) Alert {
	a := Alert{Alert: report.Alert{
		Labels: ls, Annotations: model.LabelSet{}, StartsAt: onset.UTC(), Fingerprint: ls.Fingerprint().String(),
	}, Onset: onset.UTC()}
	if expr != "" {
		a.GeneratorURL = strings.TrimSuffix(f.base, "/") + "/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=1"
	}
	return a
}

// hold is the `for` of a rule.
func hold(r v1.AlertingRule) time.Duration { return time.Duration(r.Duration * float64(time.Second)) }

func sortAlerts(as []Alert) {
	pending := func(a Alert) int {
		if a.Pending {
			return 1
		}
		return 0
	}
	slices.SortStableFunc(as, func(a, b Alert) int {
		return cmp.Or(cmp.Compare(pending(a), pending(b)), a.Onset.Compare(b.Onset), cmp.Compare(a.Labels.String(), b.Labels.String()))
	})
}

// Rules returns all alerting rules.
func (f *Finder) Rules(ctx context.Context) ([]v1.AlertingRule, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	result, err := f.ruler.API().Rules(ctx, nil)
	if err != nil {
		return nil, f.failed("reading the rules", err)
	}
	var rules []v1.AlertingRule
	for _, g := range result.Groups {
		for _, r := range g.Rules {
			if a, ok := r.(v1.AlertingRule); ok {
				rules = append(rules, a)
			}
		}
	}
	return rules, nil
}

// failed describes an error. It wraps ErrUnreachable if the server was not reached.
func (f *Finder) failed(doing string, err error) error {
	var network net.Error
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("Prometheus at %s %w: nothing came within %s (%s); hint: is it overloaded? prometheus.query_timeout is how long it is waited for",
			f.base, ErrUnreachable, f.timeout, doing)
	case errors.Is(err, context.Canceled):
		return fmt.Errorf("%s: %w", doing, context.Canceled)
	case errors.As(err, &network):
		var wrapped *url.Error
		if errors.As(err, &wrapped) {
			err = wrapped.Err // without repeating the URL
		}
		return fmt.Errorf("Prometheus at %s %w: %w; hint: is it up, and is the address right?", f.base, ErrUnreachable, err)
	default:
		return fmt.Errorf("%s of %s: %w", doing, f.base, err)
	}
}

// ruleOf returns the rule that makes alerts with these labels: of those with
// the name and no other value of a label the one of whose labels most are
// there, and fewest are not. A label of a rule that is a template can be
// anything.
func ruleOf(rules []v1.AlertingRule, ls model.LabelSet) (best v1.AlertingRule, found bool) {
	most := 0
	for _, r := range rules {
		if r.Name != string(ls[model.AlertNameLabel]) {
			continue
		}
		if score, fits := likeness(r.Labels, ls); fits && (!found || score > most) {
			best, most, found = r, score, true
		}
	}
	return best, found
}

func likeness(rule, ls model.LabelSet) (score int, fits bool) {
	for name, v := range rule {
		own, ok := ls[name]
		switch {
		case !ok:
			score--
		case own == v:
			score++
		case !strings.Contains(string(v), "{{"):
			return 0, false
		}
	}
	return score, true
}

// Names returns the names of the alerts, sorted, each once.
func Names(as []Alert) []string {
	names := map[string]bool{}
	for _, a := range as {
		names[string(a.Labels[model.AlertNameLabel])] = true
	}
	return slices.Sorted(maps.Keys(names))
}
