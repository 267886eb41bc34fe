// SPDX-License-Identifier: Apache-2.0

// Package explain goes from the labels of an alert to everything in its report: the onset, the
// queries, and the analysis of their results. It writes nothing and knows no queue, store or sinks.
// The daemon, the command line, the API and rule tests share it.
package explain

import (
	"cmp"
	"context"
	"fmt"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/tracing"
)

// Report explains one alert that somebody asks about by hand. Failures are part of the report.
func Report(ctx context.Context, f Fetcher, q Question) report.Report {
	q.ByHand = true
	return report.New(Alert(ctx, f, q))
}

// ReportBy is [Report], on the server that the question belongs to.
func ReportBy(ctx context.Context, servers *promql.Servers, q Question) report.Report {
	q.ByHand = true
	return report.New(AlertBy(ctx, servers, q))
}

// AlertBy is [Alert], on the server that the question belongs to. If there is none, nothing is
// queried, and the result says so.
func AlertBy(ctx context.Context, servers *promql.Servers, q Question) report.Input {
	f, err := q.server(servers)
	if err != nil {
		in := q.input()
		in.Result = failed("prometheus", err, nil)
		surround(ctx, nil, q.Context, &in)
		return in
	}
	q.Prometheus = f.Name()
	return Alert(ctx, f, q)
}

// server returns the server that the question names, or else the one for the alert's labels.
func (q Question) server(servers *promql.Servers) (*promql.Fetcher, error) {
	if q.Prometheus != "" {
		return servers.Named(q.Prometheus)
	}
	return servers.Of(q.Alert.Labels)
}

// input is what is known before any query.
func (q Question) input() report.Input {
	return report.Input{
		Alert: q.Alert, Prometheus: q.Prometheus, Rule: q.Rule.Name, Now: q.Now, Grafana: dashboardOf(q.Rule, q.Alert),
		Onset: cmp.Or(q.Onset, q.Alert.StartsAt),
	}
}

// Alert answers a question: it locates the onset, completes the rule, plans, looks, refines, and
// finds the context of the causes. Failures on the way are evidence: warnings of the result.
func Alert(ctx context.Context, f Fetcher, q Question) (in report.Input) {
	in = q.input()
	start := time.Now()
	around, _ := f.(Surroundings) // nil: the context is limited to the alert's own labels
	defer func() { surround(ctx, around, q.Context, &in) }()
	alert, doubts := locate(ctx, f, q)
	in.Onset = alert.Onset
	rule, alert, more := complete(ctx, f, q, alert)
	doubts = append(doubts, more...)
	plan, err := promql.NewPlan(rule, alert, q.Now)
	if err != nil {
		in.Result = failed("plan", err, doubts)
		return in
	}
	in.Plan = describe(plan, plan.Queries)
	in.Timings.Fetch = time.Since(start).Seconds()
	s := session{fetcher: f, log: q.Changes, options: q.Options, doubts: doubts, took: &in.Timings}
	l, err := s.look(ctx, plan)
	if err != nil {
		around = nil // don't ask a server that doesn't answer
		in.Result = failed("prometheus", err, doubts)
		return in
	}
	l = s.flips(ctx, s.refine(ctx, l), subject{rule, alert, q.Now})
	in.Plan, in.Result = describe(l.Plan, l.asked), l.result
	in.Charts, in.Limit, in.Without = report.Charts(l.Frame, in.Result.Causes), report.LimitOf(l.Frame), report.NewWithout(l.Frame, in.Result)
	return in
}

// locate finds the onset, unless it is given. An onset in the future is moved to now, because
// clocks differ.
func locate(ctx context.Context, f Fetcher, q Question) (alert promql.Alert, doubts []analysis.Warning) {
	alert = plannable(q.Alert)
	alert.Past, alert.Trust, alert.ChangesUnasked = q.ByHand, q.Trust, q.ChangesUnasked
	alert.Annotated, alert.Part = q.Annotated, matchers(q.Part)
	if alert.Onset = q.Onset; q.Onset.IsZero() {
		ctx, span := tracing.Start(ctx, "locate onset")
		alert, doubts = f.Locate(ctx, alert)
		span.End()
	}
	if ahead := alert.Onset.Sub(q.Now); ahead > 0 {
		doubts = append(doubts, analysis.Warning{Source: "onset", Text: fmt.Sprintf(
			"the alert begins at %s, which is %s from now, and is taken to begin now; hint: compare the clocks of Prometheus and culprit",
			alert.Onset.UTC().Format(time.RFC3339), ahead.Round(time.Second))})
		alert.Onset = q.Now
	}
	return alert, doubts
}

// complete fills in what the rule leaves out.
func complete(ctx context.Context, f Fetcher, q Question, alert promql.Alert) (config.Rule, promql.Alert, []analysis.Warning) {
	ctx, span := tracing.Start(ctx, "resolve rule")
	defer span.End()
	return f.Complete(ctx, *q.Rule, alert, q.Catalogue)
}

// failed is the result if nothing could be queried.
func failed(source string, err error, doubts []analysis.Warning) analysis.Result {
	return analysis.Result{
		Verdict:  analysis.InsufficientEvidence,
		Warnings: append(doubts, analysis.Warning{Source: source, Text: err.Error()}),
	}
}

// describe converts a plan and its queries for the report.
func describe(plan promql.Plan, queries []promql.Query) report.Plan {
	shown := report.Plan{Start: plan.Start, End: plan.End, Step: plan.Step.String()}
	for _, q := range queries {
		shown.Queries = append(shown.Queries, report.Query{Role: string(q.Role), Name: q.Name, Query: q.Query})
	}
	return shown
}
