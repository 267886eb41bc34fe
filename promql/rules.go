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
	recording map[string][]expr.Recording // by the metric that they record
}

// rules asks for the rules of the server, at the most once a minute, which is as long as
// they stand at least: Prometheus evaluates them so often by default. A failure is shared
// for a while, too, so that a storm waits once for a server that hangs.
func (f *Fetcher) rules(ctx context.Context) (ruleSet, error) {
	kept, _, err := f.book.recall(ctx, "rules", func() (any, int, error) {
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

// has says whether an expression is that of a rule, however it is laid out.
func (s ruleSet) has(text string) bool {
	return slices.ContainsFunc(s.alerting, func(r v1.AlertingRule) bool { return expr.Same(r.Query, text) })
}

// making are the rules that make an alert: those of its name, its expression, if
// its generatorURL has one, and its labels. A rule with more of its labels is
// nearer than one with fewer.
func (s ruleSet) making(alert Alert) []v1.AlertingRule {
	text, unknown := expr.InURL(alert.GeneratorURL)
	var nearest []v1.AlertingRule
	for _, r := range s.alerting {
		if r.Name != string(alert.Own[model.AlertNameLabel]) || !makes(r.Labels, alert.Own) || unknown == nil && !expr.Same(r.Query, text) {
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

// makes says whether alerts of a rule with some labels have all of these. A label of
// a rule that is a template may have any value.
func makes(rule, own model.LabelSet) bool {
	for name, v := range rule {
		if w, ok := own[name]; (!ok || w != v) && !strings.Contains(string(v), "{{") {
			return false
		}
	}
	return true
}

// HeldFor is the `for` of the server's rule that makes alerts with these labels. It
// is not known if there is no such rule, if several are alike and differ in it, or
// if the rules can't be read.
func (f *Fetcher) HeldFor(ctx context.Context, labels model.LabelSet) (held time.Duration, known bool) {
	if labels[model.AlertNameLabel] == "" {
		return 0, false
	}
	rules, err := f.rules(ctx)
	if err != nil {
		return 0, false
	}
	made := rules.making(Alert{Own: labels})
	if len(made) == 0 || slices.ContainsFunc(made[1:], func(r v1.AlertingRule) bool { return r.Duration != made[0].Duration }) {
		return 0, false
	}
	return time.Duration(made[0].Duration * float64(time.Second)), true
}

// AlertingRule is what an analysis needs to know of a rule of Prometheus.
type AlertingRule struct {
	Alert  string            `json:"alert" yaml:"alert"`
	Expr   string            `json:"expr" yaml:"expr"`
	Labels map[string]string `json:"-" yaml:"labels"`

	Annotations map[string]RuleText `json:"-" yaml:"annotations"`
	File        string              `json:"-" yaml:"-"` // where it stands; empty: in no file
	Line        int                 `json:"-" yaml:"-"`
}
