// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"cmp"
	"context"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Surroundings queries Prometheus for the context of the causes.
type Surroundings interface {
	// ObjectLabels returns labels and annotations of the objects that a label set names, nearest
	// first.
	ObjectLabels(ctx context.Context, set model.LabelSet, at time.Time) ([]model.LabelSet, error)
	// SeriesLabels returns the labels of the series that a query template selects.
	SeriesLabels(ctx context.Context, text string, a promql.Alert, at time.Time) ([]model.LabelSet, error)
	// Exemplars returns the exemplars of the series in a query.
	Exemplars(ctx context.Context, query string, from, to time.Time) ([]promql.Exemplar, error)
	// HeldFor returns the `for` of the rule behind alerts with these labels.
	HeldFor(ctx context.Context, labels model.LabelSet) (held time.Duration, known bool)
}

const (
	aroundWithin  = 5 * time.Second // for all of these queries: people wait for the causes
	aroundBefore  = 10 * time.Minute
	mostFacts     = 20
	mostExemplars = 5
)

// surround fills in the context of the causes: whose they are, and where to look next. What it
// can't find is a warning.
func surround(ctx context.Context, s Surroundings, c config.Context, in *report.Input) {
	ctx, cancel := context.WithTimeout(ctx, aroundWithin)
	defer cancel()
	end := cmp.Or(in.Plan.End, in.Now)
	set := report.Where(in.Alert, in.Result.Causes)
	facts := report.FactsOf(in.Alert)
	if s != nil {
		if held, known := s.HeldFor(ctx, in.Alert.Labels); known {
			in.HeldFor = held
		}
		var errs []error
		facts, errs = askFacts(ctx, s, c, askedOf{in.Alert, set, end}, facts)
		if c.Traces != nil {
			found, err := exemplars(ctx, s, *c.Traces, in, set)
			in.Context.Exemplars, errs = found, append(errs, err)
		}
		for _, err := range errs {
			if err != nil {
				in.Result.Warnings = append(in.Result.Warnings, analysis.Warning{Source: "context", Text: err.Error()})
			}
		}
	}
	in.Context.Facts = facts[:min(len(facts), mostFacts)]
	in.Context.Links = report.LinksOf(c, report.LinkTo{Labels: set, From: cmp.Or(in.Onset, in.Alert.StartsAt).Add(-aroundBefore), To: end})
}

// askedOf is the subject of the facts.
type askedOf struct {
	alert report.Alert
	set   model.LabelSet // its labels plus those of the found place
	at    time.Time
}

// askFacts adds facts: from the configured queries, and from kube-state-metrics unless an owner or
// team is known already.
func askFacts(ctx context.Context, s Surroundings, c config.Context, of askedOf, facts []report.Fact) ([]report.Fact, []error) {
	var errs []error
	alert := plannable(of.alert)
	alert.Labels = of.set
	for _, f := range c.Facts {
		sets, err := s.SeriesLabels(ctx, f.Query, alert, of.at)
		errs = append(errs, err)
		facts = report.AddFacts(facts, factsOf(f, sets)...)
	}
	if slices.ContainsFunc(facts, func(f report.Fact) bool { return f.Name == "owner" || f.Name == "team" }) {
		return facts, errs
	}
	objects, err := s.ObjectLabels(ctx, of.set, of.at)
	for _, set := range objects {
		facts = report.AddFacts(facts, report.FactsIn(set)...)
	}
	return facts, append(errs, err)
}

// factsOf extracts the configured labels of series.
func factsOf(f config.Fact, sets []model.LabelSet) (facts []report.Fact) {
	for _, set := range sets {
		for _, label := range f.Labels {
			name := label
			if len(f.Labels) == 1 {
				name = cmp.Or(f.Name, label)
			}
			from := cmp.Or(string(set[model.MetricNameLabel]), f.Query)
			facts = append(facts, report.Fact{Name: name, Value: string(set[model.LabelName(label)]), From: from})
		}
	}
	return facts
}

// exemplars returns exemplars of the KPI during the incident, from series inside the found place,
// largest values first.
func exemplars(ctx context.Context, s Surroundings, t config.Traces, in *report.Input, set model.LabelSet) ([]report.Exemplar, error) {
	kpi := slices.IndexFunc(in.Plan.Queries, func(q report.Query) bool { return q.Role == report.RoleTarget })
	if kpi < 0 || in.Onset.IsZero() {
		return nil, nil
	}
	all, err := s.Exemplars(ctx, in.Plan.Queries[kpi].Query, in.Onset, in.Plan.End)
	var found []report.Exemplar
	for _, e := range all {
		id := traceOf(e.Labels, t.Label)
		if id == "" || e.At.Before(in.Onset) || !amongFound(e.Series, in.Result.Causes) {
			continue
		}
		one := report.Exemplar{TraceID: id, At: e.At.UTC(), Value: e.Value}
		one.URL, _ = report.LinkTo{Labels: set, From: e.At.Add(-aroundBefore), To: e.At.Add(aroundBefore), TraceID: id}.Fill(t.URL)
		found = append(found, one)
	}
	slices.SortFunc(found, func(a, b report.Exemplar) int {
		return cmp.Or(cmp.Compare(b.Value, a.Value), b.At.Compare(a.At), cmp.Compare(a.TraceID, b.TraceID))
	})
	return found[:min(len(found), mostExemplars)], err
}

// amongFound reports whether a series has all labels of one of the confidently found sets, or
// whether there are none.
func amongFound(series model.LabelSet, causes []analysis.Finding) bool {
	where := report.FoundPlace(causes)
	return len(where.Labels) == 0 || slices.ContainsFunc(where.Labels, func(set map[string]string) bool {
		for name, v := range set {
			if string(series[model.LabelName(name)]) != v {
				return false
			}
		}
		return true
	})
}

// maxTrace is the maximum length of a trace ID, in bytes.
const maxTrace = 128

func traceOf(labels model.LabelSet, label string) string {
	names := []string{"trace_id", "traceID", "traceId", "TraceID"}
	if label != "" {
		names = []string{label}
	}
	for _, name := range names {
		if id := string(labels[model.LabelName(name)]); id != "" && len(id) <= maxTrace {
			return id
		}
	}
	return ""
}
