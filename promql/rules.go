// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

// ruleSet are the rules of a server.
type ruleSet struct {
	alerting  []v1.AlertingRule
	recording map[string][]expr.Recording // by recorded metric
}

// rules returns the rules of the server, cached for a minute, Prometheus' default evaluation
// interval. A failure is cached for a while too, so that a storm waits for a hanging server
// only once.
func (f *Fetcher) rules(ctx context.Context) (ruleSet, error) {
	kept, _, err := f.ruleMemory.recall(ctx, "rules", func() (any, int, error) {
		var result v1.RulesResult
		err := f.do(ctx, "rules", func(ctx context.Context) (err error) {
			result, err = f.ruler.Rules(ctx, nil)
			return err
		})
		set := newRuleSet(result)
		return set, 10 * (len(set.alerting) + len(set.recording)), err
	})
	set, _ := kept.(ruleSet)
	return set, err
}

func newRuleSet(result v1.RulesResult) ruleSet {
	set := ruleSet{recording: map[string][]expr.Recording{}}
	for _, g := range result.Groups {
		for _, rule := range g.Rules {
			switch r := rule.(type) {
			case v1.AlertingRule:
				set.alerting = append(set.alerting, r)
			case v1.RecordingRule:
				set.recording[r.Name] = append(set.recording[r.Name], expr.Recording{Query: r.Query, Labels: r.Labels})
			}
		}
	}
	return set
}

// has says whether a rule has an expression, whatever its layout.
func (s ruleSet) has(text string) bool {
	return slices.ContainsFunc(s.alerting, func(r v1.AlertingRule) bool { return expr.Same(r.Query, text) })
}

// rulesFor returns the rules that make an alert: same name, same expression if its generatorURL
// has one, and matching labels. Rules with more labels take precedence.
func (s ruleSet) rulesFor(alert Alert) []v1.AlertingRule {
	text, unknown := expr.InURL(alert.GeneratorURL)
	var nearest []v1.AlertingRule
	for _, r := range s.alerting {
		if r.Name != string(alert.Own[model.AlertNameLabel]) || !mayMake(r.Labels, alert.Own) || unknown == nil && !expr.Same(r.Query, text) {
			continue
		}
		if len(nearest) > 0 && len(r.Labels) != len(nearest[0].Labels) {
			if len(r.Labels) < len(nearest[0].Labels) {
				continue
			}
			nearest = nil
		}
		nearest = append(nearest, r)
	}
	return nearest
}

// mayMake says whether an alert with the labels own may come from a rule with the given labels. A
// templated label matches any value.
func mayMake(rule, own model.LabelSet) bool {
	for name, v := range rule {
		if w, ok := own[name]; (!ok || w != v) && !strings.Contains(string(v), "{{") {
			return false
		}
	}
	return true
}

// HeldFor returns the `for` of the rule that makes alerts with these labels. known is false if
// there is no such rule, if several differ in it, or if the rules can't be read.
func (f *Fetcher) HeldFor(ctx context.Context, labels model.LabelSet) (held time.Duration, known bool) {
	if labels[model.AlertNameLabel] == "" {
		return 0, false
	}
	rules, err := f.rules(ctx)
	if err != nil {
		return 0, false
	}
	made := rules.rulesFor(Alert{Own: labels})
	if len(made) == 0 || slices.ContainsFunc(made[1:], func(r v1.AlertingRule) bool { return r.Duration != made[0].Duration }) {
		return 0, false
	}
	return time.Duration(made[0].Duration * float64(time.Second)), true
}

// AlertingRule is what culprit needs of an alerting rule of Prometheus.
type AlertingRule struct {
	Alert  string            `json:"alert" yaml:"alert"`
	Expr   string            `json:"expr" yaml:"expr"`
	Labels map[string]string `json:"-" yaml:"labels"`

	Annotations map[string]RuleText `json:"-" yaml:"annotations"`
	File        string              `json:"-" yaml:"-"` // its file; empty: none
	Line        int                 `json:"-" yaml:"-"`
}
