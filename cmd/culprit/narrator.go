// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// narrator is a fetcher that prints what it queries and how long it took.
type narrator struct {
	explain.Surroundings
	fetcher  *promql.Fetcher
	registry *prometheus.Registry
	w        io.Writer
	where    string
}

var _ explain.Fetcher = (*narrator)(nil)

func newNarrator(conf *config.Prometheus, w io.Writer) (*narrator, error) {
	n := &narrator{registry: prometheus.NewRegistry(), w: w, where: conf.Asked()}
	var err error
	n.fetcher, err = promql.NewFetcher(*conf, promql.NewMetrics(n.registry))
	n.Surroundings = n.fetcher
	return n, err
}

// subject prints what is explained, and what else matched.
func (n *narrator) subject(s find.Subject) {
	name := string(s.Alert.Labels[model.AlertNameLabel])
	if s.Expr != "" {
		name = "the expression"
	}
	fmt.Fprintf(n.w, "%s, since %s\n", name, cmp.Or(s.Onset, s.Alert.StartsAt).UTC().Format(time.RFC3339))
	if len(s.Others) == 0 {
		return
	}
	fmt.Fprintf(n.w, "note: this is %s, which began first; %d more fit, add matchers to choose one:\n", s.Alert.Labels, len(s.Others))
	const most = 3
	for _, a := range s.Others[:min(most, len(s.Others))] {
		fmt.Fprintf(n.w, "  %s\n", a.Labels)
	}
	if more := len(s.Others) - most; more > 0 {
		fmt.Fprintf(n.w, "  and %d more\n", more)
	}
}

// Locate finds the onset; see [explain.Fetcher].
func (n *narrator) Locate(ctx context.Context, alert promql.Alert) (promql.Alert, []analysis.Warning) {
	start := time.Now()
	found, doubts := n.fetcher.Locate(ctx, alert)
	fmt.Fprintf(n.w, "asked when it began: %s (%s)\n", found.Onset.UTC().Format(time.RFC3339), took(start))
	return found, doubts
}

// Complete fills in what a rule leaves out; see [explain.Fetcher].
func (n *narrator) Complete(ctx context.Context, rule config.Rule, alert promql.Alert, catalogue []config.Known) (config.Rule, promql.Alert, []analysis.Warning) {
	start := time.Now()
	found, alert, doubts := n.fetcher.Complete(ctx, rule, alert, catalogue)
	if rule.Candidates == nil {
		fmt.Fprintf(n.w, "asked what else there is: %s that may explain it (%s)\n", plural(len(found.Candidates), "query", "queries"), took(start))
	}
	return found, alert, doubts
}

// Fetch makes the queries of a plan; see [explain.Fetcher].
func (n *narrator) Fetch(ctx context.Context, plan promql.Plan) (promql.Fetched, error) {
	fmt.Fprintf(n.w, "asking %s for %s to %s every %s:\n", n.where, plan.Start.UTC().Format(time.RFC3339), plan.End.UTC().Format(time.RFC3339), plan.Step)
	for _, q := range plan.Queries {
		fmt.Fprintf(n.w, "  %s %s\n", q.Role, q.Name)
	}
	start := time.Now()
	fetched, err := n.fetcher.Fetch(ctx, plan)
	fmt.Fprintf(n.w, "answered in %s: %s\n", took(start), costOf(n.registry))
	return fetched, err
}

// done prints how long the analysis took.
func (n *narrator) done(r report.Report) {
	fmt.Fprintf(n.w, "analysed in %.2f s\n", r.Timings.Analyze)
	for _, warning := range r.Result.Warnings {
		fmt.Fprintf(n.w, "warning: %s: %s\n", warning.Source, warning.Text)
	}
}

func (n *narrator) sent(sent []report.Sent) {
	for _, s := range sent {
		fmt.Fprintln(n.w, strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", s.Sink, s.Status, s.Ref, s.Error)))
	}
}

func took(start time.Time) string { return fmt.Sprintf("%.2f s", time.Since(start).Seconds()) }

// costOf is the load on Prometheus so far, from the metrics of a fetcher.
func costOf(registry *prometheus.Registry) string {
	requests, seconds := spent(registry)
	return fmt.Sprintf("%s, %.2f s of Prometheus' time", number(requests, "request"), seconds)
}

func spent(registry *prometheus.Registry) (requests int, seconds float64) {
	families, err := registry.Gather()
	if err != nil {
		return 0, 0
	}
	for _, f := range families {
		if f.GetName() != "culprit_prometheus_query_duration_seconds" {
			continue
		}
		for _, m := range f.GetMetric() {
			requests += int(m.GetHistogram().GetSampleCount())
			seconds += m.GetHistogram().GetSampleSum()
		}
	}
	return requests, seconds
}
