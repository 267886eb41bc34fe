// SPDX-License-Identifier: Apache-2.0

package find

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	promlabels "github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/bounded"
)

// remembered is PromQL for firing alerts: the Unix times of their onsets, without the label
// alertstate.
func remembered(ms labels.Matchers) string {
	return selector("ALERTS_FOR_STATE", ms) + " and ignoring (alertstate) " +
		selector("ALERTS", append(labels.Matchers{{Type: labels.MatchEqual, Name: "alertstate", Value: "firing"}}, ms...))
}

// selector converts Alertmanager's matchers to PromQL.
func selector(metric string, ms labels.Matchers) string {
	types := map[labels.MatchType]promlabels.MatchType{
		labels.MatchEqual: promlabels.MatchEqual, labels.MatchNotEqual: promlabels.MatchNotEqual,
		labels.MatchRegexp: promlabels.MatchRegexp, labels.MatchNotRegexp: promlabels.MatchNotRegexp,
	}
	s := parser.VectorSelector{Name: metric}
	for _, m := range ms {
		s.LabelMatchers = append(s.LabelMatchers, &promlabels.Matcher{Type: types[m.Type], Name: m.Name, Value: m.Value})
	}
	return s.String()
}

// At returns the alerts that were firing at a past time, earliest first.
func (f *Finder) At(ctx context.Context, ms labels.Matchers, at time.Time) ([]Alert, error) {
	value, err := f.query(ctx, remembered(ms), at)
	if err != nil {
		return nil, f.failed("reading the alerts at "+at.UTC().Format(time.RFC3339), err)
	}
	vector, _ := value.(model.Vector)
	rules, _ := f.Rules(ctx) // without them expressions stay unknown, and the report says so
	var found []Alert
	for _, s := range vector {
		a := f.past(rules, model.LabelSet(s.Metric), time.UnixMilli(int64(float64(s.Value)*1e3)))
		a.StartsAt = earlier(a.StartsAt, at)
		a.Last = at
		found = append(found, a)
	}
	sortAlerts(found)
	return found, nil
}

// past makes an alert that was active, using the current rules.
func (f *Finder) past(rules []v1.AlertingRule, metric model.LabelSet, onset time.Time) Alert {
	ls := metric.Clone()
	delete(ls, model.MetricNameLabel)
	r, _ := ruleOf(rules, ls)
	a := f.alert(ls, r.Query, onset)
	a.StartsAt = a.Onset.Add(hold(r))
	return a
}

func earlier(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}

// chunk is the number of steps per query: servers refuse more than 11,000.
const chunk = 1440

// Between returns the alerts that fired in a time range, ordered by when they began to fire, once
// per time that each fired. Times are accurate to one step.
func (f *Finder) Between(ctx context.Context, ms labels.Matchers, from, to time.Time, step time.Duration) ([]Alert, error) {
	rules, err := f.Rules(ctx) // without them expressions stay unknown, and the reports say so
	if errors.Is(err, ErrUnreachable) {
		return nil, err
	}
	seen := episodes{}
	for start := from; !start.After(to); start = start.Add(chunk * step) {
		matrix, err := f.queryRange(ctx, remembered(ms), start, earlier(start.Add((chunk-1)*step), to), step)
		if err != nil {
			return nil, f.failed("reading the alerts from "+start.UTC().Format(time.RFC3339)+" on", err)
		}
		for _, s := range matrix {
			seen.add(s)
		}
	}
	var found []Alert
	for _, list := range seen {
		for _, e := range list {
			a := f.past(rules, e.metric, e.onset)
			if a.StartsAt.After(e.first) || a.StartsAt.Before(e.first.Add(-step)) {
				a.StartsAt = e.first.UTC() // the rule's `for` has changed since
			}
			a.Last = e.last.UTC()
			found = append(found, a)
		}
	}
	slices.SortStableFunc(found, func(a, b Alert) int {
		if c := a.StartsAt.Compare(b.StartsAt); c != 0 {
			return c
		}
		return slices.Compare([]string{a.Labels.String()}, []string{b.Labels.String()})
	})
	return found, nil
}

// episode is one time that an alert fired.
type episode struct {
	metric             model.LabelSet
	onset, first, last time.Time
}

// episodes are the episodes of each series, in order.
type episodes map[model.Fingerprint][]episode

// add adds a series. An episode is new if its onset is after the alert was last seen; otherwise a
// replica saw the same one, or it was restored after a restart.
func (es episodes) add(s *model.SampleStream) {
	key := s.Metric.Fingerprint()
	list := es[key]
	for _, p := range s.Values {
		onset, at := time.UnixMilli(int64(float64(p.Value)*1e3)), p.Timestamp.Time()
		if n := len(list); n > 0 && !onset.After(list[n-1].last) {
			list[n-1].last = at
			continue
		}
		list = append(list, episode{metric: model.LabelSet(s.Metric), onset: onset, first: at, last: at})
	}
	es[key] = list
}

func (f *Finder) query(ctx context.Context, q string, at time.Time) (model.Value, error) {
	return f.ask(ctx, bounded.Question{Query: q, End: at})
}

func (f *Finder) queryRange(ctx context.Context, q string, start, end time.Time, step time.Duration) (model.Matrix, error) {
	value, err := f.ask(ctx, bounded.Question{Query: q, Start: start, End: end, Step: step})
	matrix, _ := value.(model.Matrix)
	return matrix, err
}

// mostSamples bounds the samples of one answer.
const mostSamples = 2_000_000

func (f *Finder) ask(ctx context.Context, q bounded.Question) (model.Value, error) {
	ctx, cancel := context.WithTimeout(ctx, f.timeout)
	defer cancel()
	q.Series, q.Samples = f.series, mostSamples
	value, _, err := f.client.Query(ctx, q)
	return value, err
}
