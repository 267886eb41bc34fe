// SPDX-License-Identifier: Apache-2.0

// Package probe runs every query of a configuration once and reports those that
// return nothing, before an alert needs them.
//
// A query is a template filled in with the labels of an alert. Here each label value stands for any
// value: service="{{ .Labels.service }}" matches every series that has a label service. That finds
// misspelt names.
package probe

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/find"
)

// Asker makes queries.
type Asker interface {
	// Query returns the value of a query at a time.
	Query(ctx context.Context, query string, at time.Time, opts ...v1.Option) (model.Value, v1.Warnings, v1.Infos, error)
	// Series returns the label sets of the series that match a selector.
	Series(ctx context.Context, selectors []string, start, end time.Time, opts ...v1.Option) ([]model.LabelSet, v1.Warnings, v1.Infos, error)
}

// Probe queries the Prometheus servers of a configuration.
type Probe struct {
	Servers  config.Servers
	APIs     []Asker           // one per server
	Alerting []v1.AlertingRule // of all servers; nil: unknown
	Now      time.Time
	Parallel int // concurrent queries; 0: sequential
}

// question is one query, and what is wrong if the answer is empty.
type question struct {
	rule  config.Rule
	path  string // of its text in the rule
	query string
	label string // that the series must have; empty: the query must have a value
	err   error  // why the query can't be made
}

// Run returns what is wrong with the rules and the candidate catalogue, in order: a query that the
// server refuses or that returns nothing now, a label that no series has, a rule for which no alert
// exists. asked is the number of questions.
func (p Probe) Run(ctx context.Context, cfg *config.Config) (found []config.Mistake, asked int, err error) {
	questions := catalogue(cfg)
	for _, r := range cfg.Rules {
		questions = append(questions, p.questions(r)...)
	}
	mistakes := make([]*config.Mistake, len(questions))
	var g errgroup.Group
	g.SetLimit(max(1, p.Parallel))
	for i, q := range questions {
		g.Go(func() error {
			mistakes[i] = p.ask(ctx, q)
			return ctx.Err()
		})
	}
	err = g.Wait()
	for _, m := range mistakes {
		if m != nil {
			found = append(found, *m)
		}
	}
	return found, len(questions), err
}

// ask returns nil if there is an answer.
func (p Probe) ask(ctx context.Context, q question) *config.Mistake {
	if q.err != nil {
		return q.mistake(q.err.Error(), "")
	}
	if q.label != "" {
		return p.askLabel(ctx, q)
	}
	answered, err := p.anywhere(q, func(api Asker) (bool, error) {
		value, _, _, err := api.Query(ctx, q.query, p.Now, v1.WithLimit(1))
		vector, ok := value.(model.Vector)
		return !ok || len(vector) > 0, err
	})
	if err != nil {
		return q.mistake("can't be asked: "+err.Error(), "")
	}
	if !answered {
		return q.mistake("returns nothing now", "asked as "+q.query+"; look for a misspelt name, or for a matcher that no series fits")
	}
	return nil
}

// anywhere reports whether any server that may have the alerts of a question's rule has an answer.
// If none has, the error is that of the first.
func (p Probe) anywhere(q question, ask func(Asker) (bool, error)) (bool, error) {
	var first error
	for i, api := range p.APIs {
		if !p.Servers.Asks(i, q.rule.Parsed) {
			continue
		}
		answered, err := ask(api)
		if err == nil && answered {
			return true, nil
		}
		if first == nil {
			first = err
		}
	}
	return false, first
}

// lookBack is the maximum age of series whose labels are checked.
const lookBack = time.Hour

func (p Probe) askLabel(ctx context.Context, q question) *config.Mistake {
	labelled, err := p.exists(ctx, q, withLabel(q.query, q.label))
	if err != nil {
		return q.mistake("can't be asked: "+err.Error(), "")
	}
	if labelled {
		return nil
	}
	if there, err := p.exists(ctx, q, selectors(q.query)); err == nil && !there {
		return nil // that there are no series is reported once, for the target
	}
	return q.mistake(fmt.Sprintf("no series of the target has a label %q", q.label), "leave it out, or spell it as the series do")
}

// exists reports whether a series matches one of the selectors, or there are no selectors.
func (p Probe) exists(ctx context.Context, q question, selectors []string) (bool, error) {
	if len(selectors) == 0 {
		return true, nil
	}
	return p.anywhere(q, func(api Asker) (bool, error) {
		series, _, _, err := api.Series(ctx, selectors, p.Now.Add(-lookBack), p.Now, v1.WithLimit(1))
		return len(series) > 0, err
	})
}

func (q question) mistake(what, hint string) *config.Mistake {
	m := config.Mistake{File: q.rule.Source.File, What: fmt.Sprintf("rule %q: %s %s", q.rule.Name, q.path, what), Hint: hint}
	for path := q.path; ; path = path[:max(0, strings.LastIndexAny(path, ".["))] {
		if line, ok := q.rule.Source.Lines[path]; ok || path == "" {
			m.Line = line
			return &m
		}
	}
}

// questions returns all questions about a rule.
func (p Probe) questions(r config.Rule) []question {
	var qs []question
	if q, ok := p.unmade(r); ok {
		qs = append(qs, q)
	}
	switch {
	case r.Target != nil:
		qs = append(qs, p.target(r, "target", *r.Target)...)
	case len(r.Targets) == 0:
		qs = append(qs, p.target(r, "target", config.Target{})...)
	}
	for i, t := range r.Targets {
		qs = append(qs, p.target(r, fmt.Sprintf("targets[%d]", i), t)...)
	}
	qs = append(qs, candidates(r, "candidates", r.Candidates)...)
	if r.Topology != nil && r.Topology.Query != "" {
		only := constant(config.Rule{Topology: &config.Topology{Query: r.Topology.Query}})
		qs = append(qs, ofPlan(r, "topology.query", r.Topology.Query, only, func(p promql.Plan) string { return p.Topology.Query.Query }))
	}
	return qs
}

// unmade reports a rule that matches no existing alerting rule, as far as the alertname shows.
func (p Probe) unmade(r config.Rule) (question, bool) {
	if p.Alerting == nil || slices.ContainsFunc(p.Alerting, func(a v1.AlertingRule) bool { return named(r, a.Name) }) {
		return question{}, false
	}
	return question{rule: r, path: "matchers", err: errors.New("match no alert that this Prometheus makes")}, true
}

func named(r config.Rule, alert string) bool {
	for _, m := range r.Parsed {
		if m.Name == model.AlertNameLabel && !m.Matches(alert) {
			return false
		}
	}
	return true
}

func (p Probe) target(r config.Rule, path string, t config.Target) []question {
	var qs []question
	if strings.TrimSpace(t.Query) == "" {
		qs = p.ownExpressions(r, path)
	} else {
		only := config.Rule{Target: &config.Target{Query: t.Query, Breakdown: &config.Breakdown{Labels: []string{}}}}
		qs = append(qs, ofPlan(r, path+".query", t.Query, only, func(p promql.Plan) string { return p.Targets[0].Query.Query }))
	}
	breakdown, at := t.Breakdown, path+".breakdown"
	if breakdown == nil {
		breakdown, at = r.Breakdown, "breakdown"
	}
	if breakdown != nil && len(qs) == 1 && qs[0].err == nil {
		for i, name := range breakdown.Labels {
			qs = append(qs, question{rule: r, path: fmt.Sprintf("%s.labels[%d]", at, i), query: qs[0].query, label: name})
		}
	}
	return append(qs, candidates(r, path+".candidates", t.Candidates)...)
}

// ownExpressions returns the KPIs of the alerts that match a rule without a target.
func (p Probe) ownExpressions(r config.Rule, path string) []question {
	var qs []question
	for _, a := range p.Alerting {
		if !named(r, a.Name) {
			continue
		}
		q := question{rule: r, path: path}
		d, err := expr.Derive(a.Query)
		if err != nil {
			q.err = fmt.Errorf("can't be taken from the alert %s: %w", a.Name, err)
		}
		q.query = d.Target
		qs = append(qs, q)
	}
	return qs
}

func candidates(r config.Rule, path string, cs []config.Candidate) []question {
	var qs []question
	for i, c := range cs {
		only := constant(config.Rule{Candidates: []config.Candidate{c}})
		qs = append(qs, ofPlan(r, fmt.Sprintf("%s[%d].query", path, i), c.Query, only, func(p promql.Plan) string {
			return p.Targets[0].Candidates[0].Query.Query
		}))
	}
	return qs
}

// catalogue returns the questions about the candidates for alerts without named ones.
func catalogue(cfg *config.Config) []question {
	all := config.Rule{Name: "every alert", Source: cfg.CandidateSource}
	for _, k := range cfg.Candidates {
		all.Candidates = append(all.Candidates, k.Candidate)
	}
	return candidates(all, "candidates", all.Candidates)
}

// constant gives a rule a target that needs no data.
func constant(r config.Rule) config.Rule {
	r.Target = &config.Target{Query: "vector(1)", Breakdown: &config.Breakdown{Labels: []string{}}}
	return r
}

// ofPlan expands one text of a rule like the plan of an alert would, then opens the matchers that
// got a value from the alert.
func ofPlan(r config.Rule, path, text string, only config.Rule, pick func(promql.Plan) string) question {
	q := question{rule: r, path: path}
	now := time.Unix(0, 0).UTC() // irrelevant to the text
	plan, err := promql.NewPlan(only, anyAlert(text, now), now)
	switch {
	case err != nil:
		q.err = err
	case len(plan.Warnings) > 0:
		q.err = errors.New(plan.Warnings[0].Text)
	default:
		q.query, q.err = opened(pick(plan))
	}
	return q
}

// anyValue stands for any value of an alert's label. Templates may change its case.
const anyValue = "culpritprobe"

// anyAlert has every label and annotation that a template refers to.
func anyAlert(text string, now time.Time) promql.Alert {
	a := promql.Alert{Labels: model.LabelSet{}, Annotations: model.LabelSet{}, StartsAt: now, Onset: now}
	for _, m := range regexp.MustCompile(`\.(Label|Annotation)s?[. ]\s*"?([a-zA-Z0-9_.:-]+)`).FindAllStringSubmatch(text, -1) {
		set := a.Labels
		if m[1] == "Annotation" {
			set = a.Annotations
		}
		set[model.LabelName(m[2])] = anyValue
	}
	a.Own = model.LabelSet{} // don't require values that no series has
	return a
}

// opened replaces matchers with a value of the alert by ones that any value matches; negative ones
// are dropped.
func opened(query string) (string, error) {
	e, err := find.QueryParser().ParseExpr(query)
	if err != nil {
		return "", err
	}
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		if s, ok := n.(*parser.VectorSelector); ok {
			s.LabelMatchers = openMatchers(s.LabelMatchers)
		}
		return nil
	})
	return e.String(), nil
}

func openMatchers(ms []*labels.Matcher) []*labels.Matcher {
	var kept []*labels.Matcher
	for _, m := range ms {
		switch {
		case !strings.Contains(strings.ToLower(m.Value), anyValue):
			kept = append(kept, m)
		case m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp:
			kept = append(kept, &labels.Matcher{Type: labels.MatchNotEqual, Name: m.Name})
		}
	}
	return kept
}

// withLabel returns the selectors of a query, restricted to series with a label.
func withLabel(query, label string) []string {
	return selectors(query, &labels.Matcher{Type: labels.MatchNotEqual, Name: label})
}

// selectors returns the selectors of a query, with additional matchers.
func selectors(query string, more ...*labels.Matcher) []string {
	e, err := find.QueryParser().ParseExpr(query)
	if err != nil {
		return nil
	}
	var texts []string
	for _, ms := range parser.ExtractSelectors(e) {
		s := parser.VectorSelector{LabelMatchers: slices.Concat(ms, more)}
		texts = append(texts, s.String())
	}
	slices.SortFunc(texts, cmp.Compare)
	return slices.Compact(texts)
}
