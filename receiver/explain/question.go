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

// Fetcher asks Prometheus.
type Fetcher interface {
	// Locate finds when the anomaly began and which of the alert's labels its
	// series have. What could not be found out is a warning.
	Locate(ctx context.Context, alert promql.Alert) (promql.Alert, []analysis.Warning)
	// Complete fills in what a rule leaves out: what the alert's expression
	// measures, and candidates, first those of the catalogue. What could not be
	// found out is a warning.
	Complete(ctx context.Context, rule config.Rule, alert promql.Alert, catalogue []config.Known) (config.Rule, promql.Alert, []analysis.Warning)
	// Fetch asks the queries of a plan. A query that fails is a warning in the
	// frame; an error means that nothing at all could be asked.
	Fetch(ctx context.Context, plan promql.Plan) (promql.Fetched, error)
}

// ChangeLog knows the changes that people and machines have reported.
type ChangeLog interface {
	// Between returns the changes of which a part lies in a time, both ends inclusive:
	// the newest, and how many older ones it leaves out.
	Between(ctx context.Context, from, to time.Time) (list []changes.Change, older int, err error)
}

// Question is one alert to explain, with everything that the answer depends on.
type Question struct {
	Alert      report.Alert
	Prometheus string // name of the server to ask; empty: the one that the alert's labels choose
	Rule       *config.Rule
	Catalogue  []config.Known   // candidates, where the rule names none
	Options    analysis.Options // the rule's, over those of the configuration
	Onset      time.Time        // when the anomaly began; zero: the fetcher is asked
	Now        time.Time
	Trust      config.Trust  // in the alert's expression; empty: any
	ByHand     bool          // somebody asks: it is not one more alert of a storm
	Part       []report.Part // of the KPI, that is looked at by itself; nil: all of it
	Changes    ChangeLog     // nil: nobody reports changes
	Context    config.Context

	Annotated      bool // the alert's rule in Prometheus may say how: see config.RuleAnnotations
	ChangesUnasked bool // Prometheus is not asked what changed: see config.Changes
}

// QuestionOf is the question about a subject by the rules of a configuration.
// An alert that no rule matches is explained by what its own expression tells.
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

// By is the question of every alert that a rule of a configuration explains, without
// the alert.
func By(cfg *config.Config, rule *config.Rule) Question {
	return Question{
		Rule: rule, Catalogue: cfg.Candidates, Options: cfg.Options(rule), Context: cfg.Context,
		Annotated: cfg.RuleAnnotations.Enabled, ChangesUnasked: !cfg.Changes.Queries,
	}
}

// measuring is a rule with the KPI of a subject in place of its own.
func measuring(rule config.Rule, s find.Subject) *config.Rule {
	rule.Name, rule.Target, rule.Targets = s.Expr, nil, nil
	if !s.Condition {
		// As a target it is a template, as an alert's expression it would be
		// something that fires by having values.
		rule.Target = &config.Target{Query: strings.ReplaceAll(s.Expr, "{{", `{{"{{"}}`)}
	} else if d, err := expr.Derive(s.Expr); err == nil {
		rule.Name = d.Target // which moves, while the threshold stands
	}
	return &rule
}

// matchers hold selectors to parts.
func matchers(parts []report.Part) (list []*labels.Matcher) {
	for _, p := range parts {
		how := labels.MatchEqual
		if p.Without {
			how = labels.MatchNotEqual
		}
		list = append(list, labels.MustNewMatcher(how, p.Label, p.Value)) // only a regular expression can be wrong
	}
	return list
}

// plannable is an alert as the plan sees it, before anything is known of its onset.
func plannable(a report.Alert) promql.Alert {
	return promql.Alert{
		Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt,
		GeneratorURL: a.GeneratorURL, Fingerprint: a.Fingerprint,
	}
}
