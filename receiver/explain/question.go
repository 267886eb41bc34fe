// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"strings"
	"time"

	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Fetcher queries Prometheus.
type Fetcher interface {
	// Locate finds the onset of the anomaly, and which of the alert's labels its series have. What
	// it can't find is a warning.
	Locate(ctx context.Context, alert promql.Alert) (promql.Alert, []analysis.Warning)
	// Complete fills in what a rule leaves out: what the alert's expression measures, and
	// candidates, those of the catalogue first. What it can't find is a warning.
	Complete(ctx context.Context, rule config.Rule, alert promql.Alert, catalogue []config.Known) (config.Rule, promql.Alert, []analysis.Warning)
	// Fetch makes the queries of a plan. A failed query is a warning in the frame; an error means
	// that no query could be made.
	Fetch(ctx context.Context, plan promql.Plan) (promql.Fetched, error)
}

// ChangeLog knows the reported changes.
type ChangeLog interface {
	// Between returns the newest changes that overlap a time range, both ends inclusive, and how
	// many older ones it leaves out.
	Between(ctx context.Context, from, to time.Time) (list []changes.Change, older int, err error)
}

// Question is one alert to explain, with everything that the answer depends on.
type Question struct {
	Alert      report.Alert
	Prometheus string // name of the server; empty: chosen by the alert's labels
	Rule       *config.Rule
	Catalogue  []config.Known   // candidates for rules that name none
	Options    analysis.Options // of the configuration, overridden by the rule
	Onset      time.Time        // zero: to be located
	Now        time.Time
	Trust      config.Trust  // in the alert's expression; empty: any
	ByHand     bool          // asked by a person, so not one more alert of a storm
	Part       []report.Part // parts of the KPI to look at; nil: all of it
	Changes    ChangeLog     // nil: no reported changes
	Context    config.Context

	Annotated      bool // the alert's rule in Prometheus may have annotations for culprit: see config.RuleAnnotations
	ChangesUnasked bool // don't query Prometheus for changes: see config.Changes
}

// QuestionOf makes the question about a subject. If no rule matches, the alert's own expression
// decides what to look at.
func QuestionOf(cfg *config.Config, s find.Subject) Question {
	rule, ok := cfg.Rule(s.Alert.Labels)
	if !ok {
		rule = &config.Rule{}
	}
	if s.Expr != "" {
		rule = measuring(*rule, s)
	}
	q := By(cfg, rule)
	q.Alert, q.Onset, q.Now = s.Alert, s.Onset, s.Now
	return q
}

// By makes the question of every alert that a rule matches, without the alert.
func By(cfg *config.Config, rule *config.Rule) Question {
	return Question{
		Rule: rule, Catalogue: cfg.Candidates, Options: cfg.Options(rule), Context: cfg.Context,
		Annotated: cfg.RuleAnnotations.Enabled, ChangesUnasked: !cfg.Changes.Queries,
	}
}

// measuring replaces the KPI of a rule by the subject's.
func measuring(rule config.Rule, s find.Subject) *config.Rule {
	rule.Name, rule.Target, rule.Targets = s.Expr, nil, nil
	if !s.Condition {
		// As a target the expression is a template. As an alert's expression, having values would
		// mean firing.
		rule.Target = &config.Target{Query: strings.ReplaceAll(s.Expr, "{{", `{{"{{"}}`)}
	} else if d, err := expr.Derive(s.Expr); err == nil {
		rule.Name = d.Target // the value, which moves, rather than the comparison
	}
	return &rule
}

// matchers restrict selectors to parts.
func matchers(parts []report.Part) (list []*labels.Matcher) {
	for _, p := range parts {
		how := labels.MatchEqual
		if p.Without {
			how = labels.MatchNotEqual
		}
		list = append(list, labels.MustNewMatcher(how, p.Label, p.Value)) // only a regular expression can be invalid
	}
	return list
}

// plannable converts an alert for the plan, without an onset.
func plannable(a report.Alert) promql.Alert {
	return promql.Alert{
		Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt,
		GeneratorURL: a.GeneratorURL, Fingerprint: a.Fingerprint,
	}
}
