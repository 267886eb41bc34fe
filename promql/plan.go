// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Plan is what to query about one alert.
type Plan struct {
	Rule  string
	Start time.Time // first row of the grid
	Onset time.Time // first row of the incident
	End   time.Time // last row
	Step  time.Duration

	Queries  []Query // queries to show to people before they are sent: see Fetched.Asked
	Targets  []Target
	Topology Topology
	Warnings []analysis.Warning // known before any query

	before        time.Time         // see grid.before
	settled       time.Time         // see grid.settled
	chosen        bool              // the rule sets the length of the baseline
	asker         asker             // the alert
	earlier       string            // PromQL for earlier firings of the alert; empty: none
	sharedEarlier bool              // earlier includes other alerts of the storm
	labels        map[string]string // labels that locate the KPI
	part          bool              // see Alert.Part
	where         *whereabouts      // where to look for changes; nil: nowhere
	continues     *round            // the round that this plan continues; nil: none
	inside        bool              // it adds only candidates: see Fetched.Narrow
}

// Target is one KPI.
type Target struct {
	Query      Query
	Kind       string
	Weight     float64
	Title      string          // display name of the KPI; empty: the query's name
	Unread     bool            // see analysis.Target
	Clock      bool            // see analysis.Target
	Crossing   bool            // see analysis.Target
	Limit      *analysis.Limit // see analysis.Target
	Own        model.LabelSet  // labels of the alert's own series among several
	Additive   bool            // several series may be summed
	Breakdown  *Breakdown      // nil: none wanted
	Candidates []Candidate
}

// Candidate is a query whose series may be causes.
type Candidate struct {
	Query    Query
	Kind     string
	Scale    string
	Positive bool
	Lags     []int

	from     string // see config.Candidate
	own      bool   // see config.Candidate
	named    bool   // by a rule, which gives its series their name
	member   bool   // counted by the KPI: see analysis.Series
	optional bool   // nobody named it, so a missing series is not worth a warning
	scope    region // what the query is narrowed to; nil: nothing
	whole    Query  // the query before narrowing
}

// Topology is the call graph.
type Topology struct {
	Edges [][2]string // configured: caller, callee
	Query *Query      // nil: none
}

// NewPlan decides what to query about an alert at the time now. It sends no query.
//
// A query that can't be built becomes a warning. The error says that no target is left, and
// why.
func NewPlan(rule config.Rule, alert Alert, now time.Time) (Plan, error) {
	if alert.Own == nil {
		alert.Own = alert.Labels
	}
	b := builder{rule: rule, alert: alert, data: newAlertData(alert), plan: Plan{
		Rule: rule.Name, asker: alert.asker(), earlier: alert.earlier(), sharedEarlier: alert.Storm, where: alert.whereabouts(), part: len(alert.Part) > 0,
	}}
	kpis := b.targets()
	if len(kpis) == 0 {
		return b.plan, fmt.Errorf("rule %q: no target to ask for: %s", rule.Name, b.whyNot())
	}
	b.window(kpis, now)
	b.plan.labels = b.alert.place(kpis)
	for _, k := range kpis {
		b.plan.Targets = append(b.plan.Targets, b.target(k))
	}
	b.topology()
	b.plan.Queries = b.plan.shown()
	return b.plan, nil
}

// builder collects a plan.
type builder struct {
	rule  config.Rule
	alert Alert
	data  alertData
	plan  Plan
}

// kpi is a target with its expression.
type kpi struct {
	config.Target
	expr    parser.Expr // as queried, restricted to the alert's labels
	whole   parser.Expr // to be broken down: without that restriction, recording rules expanded
	derived *KPI        // nil: the rule has its own query
}

// apart decomposes an expression to be broken down.
func (k kpi) apart(e parser.Expr) (expr.Measure, error) {
	if k.derived != nil {
		return k.derived.Apart(e)
	}
	return expr.Apart(e)
}

func (b *builder) warn(source string, err error) {
	b.plan.Warnings = append(b.plan.Warnings, analysis.Warning{Source: source, Text: err.Error()})
}

func (b *builder) whyNot() string {
	texts := make([]string, len(b.plan.Warnings))
	for i, w := range b.plan.Warnings {
		texts[i] = w.Text
	}
	return strings.Join(texts, "; ")
}

// targetsOf returns the targets of a rule; an empty one stands for the alert's own expression.
func targetsOf(rule config.Rule) []config.Target {
	switch {
	case len(rule.Targets) > 0:
		return rule.Targets
	case rule.Target != nil:
		return []config.Target{*rule.Target}
	default:
		return []config.Target{{}}
	}
}

func (b *builder) targets() []kpi {
	var kpis []kpi
	for i, t := range targetsOf(b.rule) {
		t.Name = b.targetName(t, i)
		k, err := b.kpi(t)
		if err != nil {
			b.warn(t.Name, err)
			continue
		}
		kpis = append(kpis, k)
	}
	return kpis
}

func (b *builder) targetName(t config.Target, i int) string {
	switch {
	case t.Name != "":
		return t.Name
	case i > 0:
		return fmt.Sprintf("target %d", i+1)
	case b.rule.Name != "":
		return b.rule.Name
	default:
		return string(b.alert.Labels[model.AlertNameLabel])
	}
}

// kpi determines what a target measures, without its comparison, and restricted to the alert's
// values of its grouping labels.
func (b *builder) kpi(t config.Target) (kpi, error) {
	k := kpi{Target: t}
	var err error
	if strings.TrimSpace(t.Query) != "" {
		var e parser.Expr
		if e, err = b.expand(t.Name, t.Query); err != nil {
			return k, err
		}
		k.expr = expr.Measured(e)
		k.whole = k.expr
	} else if err = k.derive(b.alert); err != nil {
		return k, err
	}
	if k.whole, k.expr, err = b.alert.part(k); err != nil {
		return k, err
	}
	if !b.alert.Storm {
		b.alert.hold(k.expr)
	}
	return k, nil
}

// part restricts a KPI to Alert.Part. It returns what to break down and what to query; for a
// part both are the same, because a recording rule may have dropped its labels.
func (a Alert) part(k kpi) (whole, asked parser.Expr, err error) {
	whole = expr.MustParse(k.whole.String())
	if len(a.Part) == 0 {
		return whole, k.expr, nil
	}
	for _, m := range a.Part {
		expr.HoldPart(whole, m)
	}
	text := whole.String()
	if whole, err = expr.Parse(text); err != nil { // some values can't be written in PromQL
		return nil, nil, err
	}
	return whole, expr.MustParse(text), nil
}

// derive takes the KPI from the alert's own expression.
func (k *kpi) derive(alert Alert) error {
	k.derived = alert.KPI
	if k.derived == nil {
		text, err := alert.expression(nil)
		if err != nil {
			return err
		}
		d, err := expr.Derive(text)
		if err != nil {
			return err
		}
		k.derived = &KPI{Derivation: d}
	}
	var err error
	if k.expr, err = expr.Parse(k.derived.Target); err != nil {
		return err
	}
	k.whole, err = expr.Parse(cmp.Or(k.derived.Expanded, k.derived.Target))
	return err
}

// scope returns the labels that select the alert's own series.
func (a Alert) scope() model.LabelSet {
	if a.KPI != nil && a.KPI.Result != nil {
		return a.KPI.Result
	}
	return a.Own
}

// hold restricts an expression to the alert's own series.
func (a Alert) hold(e parser.Expr) {
	if a.KPI != nil && a.KPI.Result != nil {
		expr.ScopeResult(e, a.KPI.Result)
		return
	}
	expr.Scope(e, a.Own)
}

// expand executes a template and parses the result. It warns about matchers left empty because
// the alert lacks a label.
func (b *builder) expand(name, text string) (parser.Expr, error) {
	e, missing, err := expand(text, b.data)
	if err != nil {
		return nil, err
	}
	for _, m := range missing {
		b.warn(name, fmt.Errorf("the matcher %s is empty: the alert has no such label; hint: name a label that every alert of the rule has", m))
	}
	return e, nil
}

func (b *builder) window(kpis []kpi, now time.Time) {
	t := timing{storm: b.alert.Storm}
	for _, k := range kpis {
		s, l := expr.Ranges(k.expr)
		if t.shortest == 0 || s > 0 && s < t.shortest {
			t.shortest = s
		}
		t.longest = max(t.longest, l)
		if k.derived != nil {
			t.scrape = max(t.scrape, k.derived.Scrape)
		}
	}
	onset := b.alert.Onset
	if onset.IsZero() {
		onset = b.alert.StartsAt
	}
	g, warnings := newGrid(onset, now, b.rule.Window, t)
	b.plan.Start, b.plan.Onset, b.plan.End, b.plan.Step, b.plan.before, b.plan.settled = g.start, g.onset, g.end, g.step, g.before, g.settled
	b.plan.chosen = b.rule.Window.Baseline > 0
	b.plan.Warnings = append(b.plan.Warnings, warnings...)
}

// onGrid returns a query on the grid of the plan.
func (p Plan) onGrid(role Role, name, text string) Query {
	return Query{Role: role, Name: name, Query: text, Start: p.Start, End: p.End, Step: p.Step}
}

func (p Plan) grid() grid {
	return grid{start: p.Start, onset: p.Onset, end: p.End, before: p.before, settled: p.settled, step: p.Step}
}

func (b *builder) target(k kpi) Target {
	t := Target{
		Query:  b.plan.onGrid(RoleTarget, k.Name, k.expr.String()),
		Kind:   k.Kind,
		Weight: k.Weight,
		Own:    b.alert.Own,
	}
	if k.derived != nil {
		t.Unread, t.Clock = k.derived.Unread, expr.RunsByTheClock(k.expr)
		if limit, ok := k.derived.Limit(); ok && len(b.alert.Part) == 0 {
			t.Limit = &analysis.Limit{Operator: k.derived.Operator, Value: limit}
		}
		t.Crossing = k.derived.Kind != expr.KindPresence && !t.Clock
		if k.Name == string(b.alert.Labels[model.AlertNameLabel]) {
			t.Title = expr.Title(expr.MustParse(k.derived.Target), b.alert.Own)
		}
	}
	t.Additive = expr.Additive(k.expr)
	t.Breakdown = b.breakdown(k)
	candidates := k.Candidates
	if candidates == nil {
		candidates = b.rule.Candidates
	}
	for _, c := range candidates {
		e, err := b.expand(c.Name, c.Query)
		if err != nil {
			b.warn(c.Name, err)
			continue
		}
		t.Candidates = append(t.Candidates, Candidate{
			Query: b.plan.onGrid(RoleCandidate, c.Name, e.String()),
			Kind:  c.Kind, Scale: c.Scale, Positive: c.Positive, Lags: c.Lags,
			optional: c.Default, named: !c.Default, from: c.From, own: c.Own, member: t.Breakdown.counts(e.String()),
		})
	}
	return t
}

// breakdown returns nil if the rule says `labels: []`, or if the KPI is unknown: a count of
// alerts is split by the alerts' own labels, which everybody can see already.
func (b *builder) breakdown(k kpi) *Breakdown {
	wanted := k.Breakdown
	if wanted == nil {
		wanted = b.rule.Breakdown
	}
	var names []string
	if wanted != nil {
		names = wanted.Labels
	}
	if names != nil && len(names) == 0 || k.derived != nil && k.derived.Unread {
		return nil
	}
	all := b.parts(k, names, k.whole)
	if names == nil {
		all.siblings(b.alert.scope())
	}
	if b.alert.Storm {
		return all
	}
	own := expr.MustParse(k.whole.String())
	b.alert.hold(own)
	d := b.parts(k, names, own)
	if names == nil {
		d.compared(own, *all)
	}
	return d
}

// compared makes b, the breakdown of the alert's own KPI, compare series where there are no
// parts to add up: the series that the KPI is an extreme of, or, for a KPI that is a single
// series, its siblings. If there is one KPI for each of several places, those are compared too.
func (b *Breakdown) compared(own parser.Expr, all Breakdown) {
	held := own.String() != all.of.String()
	if b.Leaf {
		b.siblings(all.Own)
	}
	over, extreme := expr.ExtremeOf(own)
	switch {
	case extreme != expr.NoExtreme && !expr.RenamesLabels(own) && b.levels(over):
		b.Extreme = extreme
	case extreme == expr.NoExtreme && b.Leaf && !held && b.levels(all.of):
		b.asItself() // is compared
	}
	if held && all.levels(all.of) {
		all.asItself()
		b.beside = &all
	}
}

// asItself records that the levels are the KPI's own values, unless it measures changes of level
// or how full something is.
func (b *Breakdown) asItself() {
	if !expr.TellsMoves(b.of) && !expr.Fills(b.of) {
		b.StandsFor = ""
	}
}

// parts decomposes an expression for a breakdown.
func (b *builder) parts(k kpi, names []string, e parser.Expr) *Breakdown {
	m, err := k.apart(e)
	d := &Breakdown{Labels: names, parts: parts{
		Measure: m, Target: k.Name, Baseline: time.Duration(b.rule.Window.Baseline), grid: b.plan.grid(), of: e,
		Missing: k.derived != nil && k.derived.Kind == expr.KindPresence && strings.HasPrefix(k.derived.Operator, "<"),
	}}
	if err != nil {
		d.Reason = err.Error()
	}
	return d
}

func (b *builder) topology() {
	t := b.rule.Topology
	if t == nil {
		return
	}
	for _, e := range t.Edges {
		if len(e) == 2 {
			b.plan.Topology.Edges = append(b.plan.Topology.Edges, [2]string{e[0], e[1]})
		}
	}
	if t.Query == "" {
		return
	}
	e, err := b.expand(string(RoleTopology), t.Query)
	if err != nil {
		b.warn(string(RoleTopology), err)
		return
	}
	b.plan.Topology.Query = &Query{Role: RoleTopology, Name: string(RoleTopology), Query: e.String(), End: b.plan.End}
}

// rest returns the queries that no other query waits for.
func (p Plan) rest() []Query { return append(p.others(), p.changes()...) }

// others returns those of rest that are shown to people: candidates and topology.
func (p Plan) others() []Query {
	var qs []Query
	for _, t := range p.Targets {
		for _, c := range t.Candidates {
			qs = append(qs, c.Query)
		}
	}
	if p.Topology.Query != nil {
		qs = append(qs, *p.Topology.Query)
	}
	return qs
}

// shown returns the queries worth showing to people before any is sent; see [Fetched.Asked].
func (p Plan) shown() []Query {
	var qs []Query
	for _, t := range p.Targets {
		qs = append(qs, t.Query)
		if b := t.Breakdown; b != nil && b.Reason == "" && b.Labels != nil {
			qs = append(qs, b.shown(b.Labels)...)
		}
	}
	return append(qs, p.others()...)
}
