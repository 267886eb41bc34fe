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

// Plan is what will be asked about one alert.
type Plan struct {
	Rule  string
	Start time.Time // first row of the grid
	Onset time.Time // first row of the incident
	End   time.Time // last row
	Step  time.Duration

	Queries  []Query // what people are shown of what will be asked: see Fetched.Asked
	Targets  []Target
	Topology Topology
	Warnings []analysis.Warning // doubts that are known before anything is asked

	before  time.Time         // see grid.before
	settled time.Time         // see grid.settled
	chosen  bool              // the rule chose the length of the baseline
	asker   asker             // the alert
	earlier string            // PromQL of the alert in the past; empty: there is none
	crowd   bool              // and of others of its storm
	labels  map[string]string // where the KPI is
	part    bool              // see Alert.Part
	where   *whereabouts      // of changes; nil: they are not asked for
	after   *round            // what it goes on from, as if it were one; nil: nothing
	inside  bool              // only candidates are new in it: see Fetched.Narrow
}

// Target is one KPI.
type Target struct {
	Query      Query
	Kind       string
	Weight     float64
	Title      string          // what people call the KPI; empty: the query's name
	Unread     bool            // see analysis.Target
	Clock      bool            // see analysis.Target
	Crossing   bool            // see analysis.Target
	Limit      *analysis.Limit // see analysis.Target
	Own        model.LabelSet  // if the query gives several series, the alert's has these labels
	Additive   bool            // several series may be added up
	Breakdown  *Breakdown      // nil: none is wanted
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
	named    bool   // by a rule, so that its series have this name
	member   bool   // of the KPI: see analysis.Series
	optional bool   // nobody has asked for it by name: that it has no series is no news
	scope    region // what the query is narrowed to; nil: nothing
	whole    Query  // that it was before
}

// Topology is the call graph.
type Topology struct {
	Edges [][2]string // given: caller, callee
	Query *Query      // nil: none
}

// NewPlan decides what to ask about an alert at the time now. It asks nothing.
//
// A query that can't be made is a warning of the plan. The error says that no
// target at all is left, and why.
func NewPlan(rule config.Rule, alert Alert, now time.Time) (Plan, error) {
	if alert.Own == nil {
		alert.Own = alert.Labels
	}
	b := builder{rule: rule, alert: alert, data: newAlertData(alert), plan: Plan{
		Rule: rule.Name, asker: alert.asker(), earlier: alert.earlier(), crowd: alert.Storm, where: alert.whereabouts(), part: len(alert.Part) > 0,
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
	expr    parser.Expr // as it is asked for, held to the alert's labels
	whole   parser.Expr // what is broken down: expr, or more of it
	derived *KPI        // nil: the rule has a query of its own
}

// apart takes what is broken down apart, held to the alert's labels or not.
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

// targetsOf returns the targets of a rule; one that is left out is the alert's
// own expression.
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

// kpi finds out what a target measures: without a comparison, and held to the
// alert's values of the labels that it groups by.
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

// part is what is broken down of a KPI, and the KPI: of a part of it the two are the
// same, as what a recording rule has left has not the labels of the part.
func (a Alert) part(k kpi) (whole, asked parser.Expr, err error) {
	whole = expr.MustParse(k.whole.String())
	if len(a.Part) == 0 {
		return whole, k.expr, nil
	}
	for _, m := range a.Part {
		expr.HoldPart(whole, m)
	}
	text := whole.String()
	if whole, err = expr.Parse(text); err != nil { // there are values that PromQL can't write
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

// scope are the labels that select the alert's own series.
func (a Alert) scope() model.LabelSet {
	if a.KPI != nil && a.KPI.Result != nil {
		return a.KPI.Result
	}
	return a.Own
}

// hold holds an expression to the alert's own series.
func (a Alert) hold(e parser.Expr) {
	if a.KPI != nil && a.KPI.Result != nil {
		expr.ScopeResult(e, a.KPI.Result)
		return
	}
	expr.Scope(e, a.Own)
}

// expand makes the expression of a template; matchers that stayed empty for
// want of a label are worth a warning.
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

// onGrid is a query on the grid of the plan.
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

// breakdown returns nil if the rule says `labels: []`, or the KPI is not known:
// alerts are told apart by their own labels, which everybody has before them.
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

// compared makes b, which is all that the alert's own KPI is made of, compare
// series where there is nothing to add up: those that the KPI is the largest of,
// or, of a KPI that is a series, those beside it. A KPI of which there is one for
// each of several places is compared with the others, too.
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
		b.itself() // is compared
	}
	if held && all.levels(all.of) {
		all.itself()
		b.beside = &all
	}
}

// itself notes that the parts have the values of the KPI, unless it tells how they move or
// what they are of a bound.
func (b *Breakdown) itself() {
	if !expr.TellsMoves(b.of) && !expr.Fills(b.of) {
		b.StandsFor = ""
	}
}

// parts takes an expression apart for a breakdown.
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

// rest are the queries that nothing waits for.
func (p Plan) rest() []Query { return append(p.others(), p.changes()...) }

// others are those of them that are shown: candidates and topology.
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

// shown are the queries worth showing to people before any is asked: see
// [Fetched.Asked].
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
