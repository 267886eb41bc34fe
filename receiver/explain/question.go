// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Question is one alert to explain, with everything that the answer depends on.
type Question struct {
	Alert     report.Alert
	Rule      *config.Rule
	Catalogue []config.Known   // candidates, where the rule names none
	Options   analysis.Options // the rule's, over those of the configuration
	Onset     time.Time        // when the anomaly began; zero: the fetcher is asked
	Now       time.Time
	Trust     config.Trust // in the alert's expression; empty: any
	ByHand    bool         // somebody asks: it is not one more alert of a storm
	Changes   ChangeLog    // nil: nobody reports changes
	Context   config.Context
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
	return Question{Rule: rule, Catalogue: cfg.Candidates, Options: cfg.Options(rule), Context: cfg.Context}
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
