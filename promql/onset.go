// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

// Activity is what Prometheus knows about an alert.
type Activity struct {
	Onset    time.Time      // when its condition began to hold
	Own      model.LabelSet // its labels without external ones
	Warnings []analysis.Warning
}

// Locate returns the alert with its onset, its own labels, and whether it is part of a storm.
// What could not be found out is a warning.
func (f *Fetcher) Locate(ctx context.Context, alert Alert) (Alert, []analysis.Warning) {
	a := f.ActiveAt(ctx, alert)
	alert.Onset, alert.Own = a.Onset, a.Own
	if !alert.Past {
		alert.Shared = f.storms.see(alert.Own, time.Now())
		alert.Storm = alert.Shared != nil
	}
	return alert, a.Warnings
}

// ActiveAt finds the onset of an alert, which precedes startsAt by the rule's `for`: from
// /api/v1/alerts, else from the series ALERTS_FOR_STATE, else startsAt with a warning. The
// alert is the one whose labels are all among the given ones; the remaining ones are external
// labels.
func (f *Fetcher) ActiveAt(ctx context.Context, alert Alert) Activity {
	a := Activity{Onset: alert.StartsAt, Own: alert.Labels}
	warn := func(format string, args ...any) {
		a.Warnings = append(a.Warnings, analysis.Warning{Source: "onset", Text: fmt.Sprintf(format, args...)})
	}
	all, err := f.listAlerts(ctx)
	if err != nil {
		warn("the onset is taken from startsAt, which is later by the rule's `for`: %s", explain(err))
		return a
	}
	activeAt, own := time.Time{}, model.LabelSet(nil)
	if found, ok := matching(all, alert.Labels); ok {
		activeAt, own = found.ActiveAt, found.Labels
	} else {
		activeAt, own = f.forState(ctx, alert)
	}
	switch {
	case own == nil:
		warn("the onset is taken from startsAt, which is later by the rule's `for`: Prometheus lists no such alert, and has no series ALERTS_FOR_STATE of it")
		return a
	case activeAt.After(alert.StartsAt) && !alert.StartsAt.IsZero():
		warn("the onset is taken from startsAt: Prometheus counts from %s, after a restart or as another replica", activeAt.UTC().Format(time.RFC3339))
	default:
		a.Onset = activeAt
	}
	a.Own = own
	return a
}

// Firing says whether Prometheus sends alerts with these labels, and whether one is firing
// there now. known is false if this Prometheus neither lists the alert nor has a rule of that
// name; some, such as a bare querier, refuse to list any.
func (f *Fetcher) Firing(ctx context.Context, labels model.LabelSet) (known, firing bool, err error) {
	all, err := f.listAlerts(ctx)
	if err != nil {
		return false, false, unanswered(err)
	}
	if found, ok := matching(all, labels); ok {
		return true, found.State == v1.AlertStateFiring, nil
	}
	known, err = f.hasRule(ctx, string(labels[model.AlertNameLabel]))
	return known, false, unanswered(err)
}

// unanswered returns err if the server may answer later, else nil.
func unanswered(err error) error {
	var api *v1.Error
	if unreached(err) || errors.As(err, &api) && (slices.Contains(passing, api.Type) || api.Msg == tooMany) {
		return err
	}
	return nil
}

// passing are the error types of statuses 429 and 5xx, of Prometheus and compatible servers.
var passing = []v1.ErrorType{v1.ErrTimeout, "unavailable", "internal", "too_many_requests"}

// tooMany is the client library's message for 429 without one from the server.
const tooMany = "client error: 429"

// matching returns the alert of the same name whose labels are all among the given ones: the
// one with the most labels, then a firing one, then the earliest.
func matching(all []v1.Alert, labels model.LabelSet) (v1.Alert, bool) {
	var best v1.Alert
	found := false
	for _, a := range all {
		if a.Labels[model.AlertNameLabel] != labels[model.AlertNameLabel] || !subsetOf(a.Labels, labels) {
			continue
		}
		if !found || better(a, best) {
			best, found = a, true
		}
	}
	return best, found
}

func better(a, b v1.Alert) bool {
	if len(a.Labels) != len(b.Labels) {
		return len(a.Labels) > len(b.Labels)
	}
	if a.State != b.State {
		return a.State == v1.AlertStateFiring
	}
	return a.ActiveAt.Before(b.ActiveAt)
}

// latestTime is the largest plausible Unix time (year 5138).
const latestTime = 1e11

// forState reads the onset from ALERTS_FOR_STATE, whose value is a Unix time. It returns nil
// labels if there is none.
func (f *Fetcher) forState(ctx context.Context, alert Alert) (time.Time, model.LabelSet) {
	name := string(alert.Labels[model.AlertNameLabel])
	a := f.inquire(alert.asker()).query(ctx, Query{
		Query: "ALERTS_FOR_STATE{alertname=" + strconv.Quote(name) + "}",
		End:   alert.StartsAt.Add(time.Second),
	})
	vector, ok := a.Value.(model.Vector)
	if a.Err != nil || !ok {
		return time.Time{}, nil
	}
	var states []v1.Alert
	for _, s := range vector {
		at := float64(s.Value)
		if !(at > 0 && at < latestTime) { // false for NaN, too
			continue
		}
		own := model.LabelSet(s.Metric).Clone()
		delete(own, model.MetricNameLabel)
		states = append(states, v1.Alert{Labels: own, ActiveAt: time.UnixMilli(int64(at * 1e3)).UTC()})
	}
	found, ok := matching(states, alert.Labels)
	if !ok {
		return time.Time{}, nil
	}
	return found.ActiveAt, found.Labels
}

// hasRule says whether there is an alerting rule of that name. A server without rules
// (VictoriaMetrics, a bare querier) has none.
func (f *Fetcher) hasRule(ctx context.Context, name string) (bool, error) {
	rules, err := f.rules(ctx)
	return slices.ContainsFunc(rules.alerting, func(r v1.AlertingRule) bool { return r.Name == name }), err
}

const alertsAge = time.Second

func (f *Fetcher) listAlerts(ctx context.Context) ([]v1.Alert, error) {
	s := &f.alerts
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(s.at) < alertsAge {
		return s.list, s.err
	}
	var result v1.AlertsResult
	err := f.do(ctx, "alerts", func(ctx context.Context) (err error) {
		result, err = f.ruler.Alerts(ctx)
		return err
	})
	if err != nil && ctx.Err() != nil {
		return nil, err // cancelled by the caller; the next one tries again
	}
	s.at, s.list, s.err = time.Now(), result.Alerts, err
	return s.list, s.err
}
