// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// SourceAnnotations is the source of warnings about annotations of alerting rules.
const SourceAnnotations = "rule annotations"

// annotated completes a configured rule with the annotations of the alert's own rule. They are
// read from the rules of Prometheus, not from the alert: there they are expanded, and anybody
// who can send an alert may have written them.
func (i *inquiry) annotated(ctx context.Context, rule config.Rule, alert Alert) (config.Rule, []analysis.Warning) {
	if !alert.Annotated {
		return rule, nil
	}
	own, err := i.rulesOwn(ctx, alert)
	if err != nil {
		i.metrics.annotated(annotationsUnread)
		return rule, []analysis.Warning{{Source: SourceAnnotations, Text: err.Error()}}
	}
	if len(own) == 0 {
		return rule, nil
	}
	said, mistakes := FromAnnotations(own)
	outcome := annotationsUsed
	if len(mistakes) > 0 {
		outcome = annotationsMistaken
	}
	i.metrics.annotated(outcome)
	var warnings []analysis.Warning
	for _, m := range mistakes {
		warnings = append(warnings, analysis.Warning{Source: SourceAnnotations, Text: fmt.Sprintf(
			"%s of the rule %s, line %d: %s; hint: %s", m.File, alert.Own[model.AlertNameLabel], m.Line, m.What, m.Hint)})
	}
	return rule.Or(said), warnings
}

// errSeveralRules says that it is unknown which rule makes an alert.
var errSeveralRules = errors.New("several alerting rules of Prometheus make this alert and have different culprit_* annotations, so none of these were read; hint: give the rules different names or labels")

// rulesOwn returns culprit's annotations on the one rule that makes an alert; none if there is
// no such rule.
func (i *inquiry) rulesOwn(ctx context.Context, alert Alert) (map[string]string, error) {
	rules, err := i.rules(ctx)
	if err != nil {
		return nil, fmt.Errorf("the rules of Prometheus could not be read: %s", explain(err))
	}
	var own map[string]string
	for n, r := range rules.rulesFor(alert) {
		if of := ofCulprit(r.Annotations); n == 0 {
			own = of
		} else if !maps.Equal(own, of) {
			return nil, errSeveralRules
		}
	}
	return own, nil
}

// ofCulprit selects the annotations that are meant for culprit.
func ofCulprit(all model.LabelSet) map[string]string {
	own := map[string]string{}
	for name, text := range all {
		if slices.Contains(config.RuleAnnotations(), string(name)) || config.WrittenByCulprit(string(name)) {
			own[string(name)] = string(text)
		}
	}
	return own
}

// FromAnnotations reads the unexpanded annotations of an alerting rule as a rule of culprit
// (see config.FromAnnotations), and checks their PromQL and templates. What is wrong is left
// out, so that the rest can be used.
func FromAnnotations(set map[string]string) (config.Rule, config.Errors) {
	r, mistakes := config.FromAnnotations(set)
	a := annotationCheck{rule: &r, taken: map[string]bool{}}
	a.candidates()
	a.breakdown()
	a.topology()
	all := append(mistakes, a.mistakes...)
	slices.SortStableFunc(all, func(x, y config.Mistake) int {
		return cmp.Or(cmp.Compare(x.File, y.File), cmp.Compare(x.Line, y.Line))
	})
	return r, all
}

// annotationCheck removes from a rule what is not valid PromQL.
type annotationCheck struct {
	rule     *config.Rule
	taken    map[string]bool // names of candidates
	mistakes config.Errors
}

func (a *annotationCheck) wrong(annotation, path, what, hint string) {
	a.mistakes = append(a.mistakes, config.Mistake{File: annotation, Line: a.rule.Source.Lines[path], What: what, Hint: hint})
}

func (a *annotationCheck) candidates() {
	var fine []config.Candidate
	for i, c := range a.rule.Candidates {
		metric, ok := a.query(config.AnnotationCandidates, fmt.Sprintf("candidates[%d].query", i), &c.Query)
		if !ok {
			continue
		}
		c.Name = uniqueName(cmp.Or(c.Name, metric), metric, a.taken)
		fine = append(fine, c)
	}
	a.rule.Candidates = fine
}

func (a *annotationCheck) breakdown() {
	b := a.rule.Breakdown
	if b == nil || len(b.Labels) == 0 {
		return
	}
	c := checker{rule: config.Rule{}}
	c.labels("breakdown", b.Labels)
	for _, m := range c.mistakes {
		_, what, _ := strings.Cut(m.What, ": ")
		a.wrong(config.AnnotationBreakdown, "breakdown.labels[0]", what, m.Hint)
	}
	labels := slices.DeleteFunc(slices.Clone(b.Labels), func(l string) bool { return l == model.BucketLabel })
	labels = labels[:min(len(labels), mostLabels)]
	a.rule.Breakdown = &config.Breakdown{Labels: labels}
	if len(labels) == 0 {
		a.rule.Breakdown = nil
	}
}

func (a *annotationCheck) topology() {
	t := a.rule.Topology
	if t == nil || t.Query == "" {
		return
	}
	if _, ok := a.query(config.AnnotationTopology, "topology.query", &t.Query); ok {
		return
	}
	t.Query = ""
	if len(t.Edges) == 0 {
		a.rule.Topology = nil
	}
}

// query checks a query, converts its template to culprit's, and returns the metric that it is
// about.
func (a *annotationCheck) query(annotation, path string, text *string) (metric string, ok bool) {
	*text = withLabels(*text)
	c := checker{}
	t, err := parseTemplate(*text)
	if err == nil {
		err = plain(t)
	}
	if err != nil {
		a.wrong(annotation, path, strings.TrimPrefix(templateError(err), "1: "), plainHint)
		return "", false
	}
	expressions := c.query(path, *text)
	for _, m := range c.mistakes {
		a.wrong(annotation, path, strings.TrimPrefix(m.What, path+": "), m.Hint)
	}
	if len(expressions) == 0 {
		return "", false
	}
	for _, s := range expr.Selectors(expressions[0]) {
		if metric = expr.MetricName(s); metric != "" {
			break
		}
	}
	return cmp.Or(metric, "candidate"), true
}
