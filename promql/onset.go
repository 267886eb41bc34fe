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

// Activity is what Prometheus knows of an alert.
type Activity struct {
	Onset    time.Time      // when the condition began to hold
	Own      model.LabelSet // the alert's labels without external ones
	Warnings []analysis.Warning
}

// Locate returns the alert with its onset and its own labels, and tells whether
// it is one of a storm; what could not be found out is a warning.
func (f *Fetcher) Locate(ctx context.Context, alert Alert) (Alert, []analysis.Warning) {
	a := f.ActiveAt(ctx, alert)
	alert.Onset, alert.Own = a.Onset, a.Own
	if !alert.Past {
		alert.Shared = f.storms.see(alert.Own, time.Now())
		alert.Storm = alert.Shared != nil
	}
	return alert, a.Warnings
}

// ActiveAt finds the onset of an alert, which is earlier than startsAt by the
// rule's `for`: from /api/v1/alerts, else from the series ALERTS_FOR_STATE,
// else it is startsAt, with a warning that says so. It finds the alert as the
// one whose labels are all among the given alert's; what is left over there
// are external labels.
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

// Firing says whether Prometheus is the sender of an alert with these labels,
// and whether it is firing there now. known is false if this Prometheus
// neither lists the alert nor has an alerting rule of that name, also because it
// refuses to list any: a bare querier has none.
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

// unanswered is the error of a server that may answer at another time, else nil.
func unanswered(err error) error {
	var api *v1.Error
	if unreached(err) || errors.As(err, &api) && (slices.Contains(passing, api.Type) || api.Msg == tooMany) {
		return err
	}
	return nil
}

// passing are the types of the errors of 429 and 5xx, of Prometheus and of those that
// speak as it does.
var passing = []v1.ErrorType{v1.ErrTimeout, "unavailable", "internal", "too_many_requests"}

// tooMany is what the client library says of 429 where the server says nothing.
const tooMany = "client error: 429"

// matching returns the alert of the same name whose labels are all among the
// given ones: the one with most labels, then one that fires, then the earliest.
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

// latestTime is a Unix time, in the year 5138, beyond which a number is none.
const latestTime = 1e11

// forState asks ALERTS_FOR_STATE when the alert fired: the value is the Unix
// time of the onset. It returns no labels if there is none.
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
		if !(at > 0 && at < latestTime) { // nor NaN
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

// hasRule says whether there is an alerting rule of that name. A server
// without rules (VictoriaMetrics, a bare querier) has none.
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
		return nil, err // the asker's own haste; the next one tries again
	}
	s.at, s.list, s.err = time.Now(), result.Alerts, err
	return s.list, s.err
}
