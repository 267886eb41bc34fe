// SPDX-License-Identifier: Apache-2.0

package find

import (
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/matcher/parse"
	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Ask is what somebody wants to have explained.
//
//	Matchers               the alert that they match, now
//	Matchers, At           the same at a time of the past
//	Matchers, At, Until    the alert's expression between two times, fired or not
//	Expr                   an expression, as if it were that of an alert
//	Expr, At               the same at a time of the past
//	Expr, At, Until        an expression between two times
//
// Labels may stand in place of Matchers: those of an alert as Alertmanager has
// it, with external labels that Prometheus doesn't know, or only some of them.
type Ask struct {
	Matchers   labels.Matchers
	Labels     model.LabelSet
	Expr       string
	At, Until  time.Time
	Prometheus string // name of the server; empty: chosen by the labels
}

// Server returns the server to ask. If neither a name nor the labels identify one the error is
// [ErrUnclear].
func (a Ask) Server(all config.Servers) (*config.Prometheus, error) {
	known := a.Labels
	if known == nil {
		known = demanded(a.Matchers)
	}
	server, err := all.Choose(a.Prometheus, known)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrUnclear, err)
	}
	return server, nil
}

// Subject is what to explain: an alert, or an expression in place of one.
type Subject struct {
	Alert report.Alert
	Onset time.Time // start of the anomaly
	Now   time.Time // end of the time range

	Expr      string // if the question is about an expression
	Condition bool   // whether Expr has values only sometimes, like that of an alert

	Others []Alert // alerts that would match as well
}

// Resolve finds the subject of a question. Of several matching alerts it takes the one that fired
// first. now is the time on the asker's clock.
func (f *Finder) Resolve(ctx context.Context, a Ask, now time.Time) (Subject, error) {
	if err := a.check(now); err != nil {
		return Subject{}, err
	}
	if a.Labels != nil {
		a.Matchers = exactly(a.Labels)
	}
	switch {
	case a.Expr != "":
		return f.expression(ctx, a, now)
	case !a.Until.IsZero():
		return f.window(ctx, a)
	case !a.At.IsZero():
		found, err := f.At(ctx, a.broad(), a.At)
		if err != nil {
			return Subject{}, err
		}
		if found = a.fitting(found); len(found) > 0 {
			return first(found, a.At, "")
		}
		return Subject{}, fmt.Errorf("%w: none that fits was firing at %s; hint: %sgive an end (until), too, to have a time explained in which it did not fire",
			ErrNotFound, rfc3339(a.At), f.meant(ctx, a, nil))
	default:
		return f.now(ctx, a, now)
	}
}

func (a Ask) check(now time.Time) error {
	switch {
	case a.Expr == "" && len(a.Matchers) == 0 && len(a.Labels) == 0:
		return fmt.Errorf("%w: it names neither an alert nor an expression; hint: give labels such as alertname, or expr", ErrUnclear)
	case !a.Until.IsZero() && a.At.IsZero():
		return fmt.Errorf("%w: it ends at %s and has no beginning; hint: say when it begins (at), too", ErrUnclear, rfc3339(a.Until))
	case !a.Until.IsZero() && !a.At.Before(a.Until):
		return fmt.Errorf("%w: it ends at %s, before it begins at %s", ErrUnclear, rfc3339(a.Until), rfc3339(a.At))
	case a.At.After(now), a.Until.After(now):
		return fmt.Errorf("%w: %s is in the future", ErrUnclear, rfc3339(later(a.At, a.Until)))
	case a.Expr != "":
		return parsed(a.Expr)
	default:
		return nil
	}
}

func rfc3339(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// broad returns matchers that select at least every alert that could be meant: of labels only the
// alertname, as others may be external.
func (a Ask) broad() labels.Matchers {
	if a.Labels == nil {
		return a.Matchers
	}
	name, ok := a.Labels[model.AlertNameLabel]
	if !ok {
		return nil
	}
	return exactly(model.LabelSet{model.AlertNameLabel: name})
}

// fitting keeps the alerts whose labels and the question's don't contradict each other: one must be
// a subset of the other.
func (a Ask) fitting(found []Alert) []Alert {
	if a.Labels == nil {
		return found
	}
	var kept []Alert
	for _, f := range found {
		if subsetOf(f.Labels, a.Labels) || subsetOf(a.Labels, f.Labels) {
			kept = append(kept, f)
		}
	}
	return kept
}

// subsetOf reports whether b has every label of a with the same value.
func subsetOf(a, b model.LabelSet) bool {
	for name, v := range a {
		if w, ok := b[name]; !ok || w != v {
			return false
		}
	}
	return true
}

func (f *Finder) now(ctx context.Context, a Ask, now time.Time) (Subject, error) {
	found, err := f.Firing(ctx, a.broad(), now)
	if err != nil {
		return Subject{}, err
	}
	if found = a.fitting(found); len(found) > 0 {
		return first(found, now, "")
	}
	all, err := f.Firing(ctx, nil, now)
	if err != nil {
		return Subject{}, err
	}
	hint := f.meant(ctx, a, all) + "give a time (at) for one of the past"
	if len(all) == 0 {
		return Subject{}, fmt.Errorf("%w: no alert is active at %s; hint: %s", ErrNotFound, f.base, hint)
	}
	return Subject{}, fmt.Errorf("%w: none that fits is active at %s; active are: %s; hint: %s",
		ErrNotFound, f.base, strings.Join(a.near(all), ", "), hint)
}

// meant suggests a correction for an unknown alertname, or returns "".
func (f *Finder) meant(ctx context.Context, a Ask, active []Alert) string {
	name := string(demanded(a.Matchers)[model.AlertNameLabel])
	names := Names(active)
	if rules, err := f.Rules(ctx); err == nil { // otherwise the active alerts must do
		for _, r := range rules {
			names = append(names, r.Name)
		}
	}
	hint, near := config.Meant(name, names)
	if name == "" || slices.Contains(names, name) || !near {
		return ""
	}
	return hint + " Else "
}

// near describes active alerts: those with the requested name by their labels, or else all by name.
func (a Ask) near(all []Alert) []string {
	name := demanded(a.Matchers)[model.AlertNameLabel]
	var texts []string
	for _, one := range all {
		if name != "" && one.Labels[model.AlertNameLabel] == name && len(texts) < 5 {
			texts = append(texts, one.Labels.String())
		}
	}
	if len(texts) == 0 {
		return Names(all)
	}
	return texts
}

func first(found []Alert, now time.Time, whyNot string) (Subject, error) {
	if len(found) == 0 {
		return Subject{}, fmt.Errorf("%w: %s", ErrNotFound, whyNot)
	}
	return Subject{Alert: found[0].Alert, Onset: found[0].Onset, Now: now, Others: found[1:]}, nil
}

// window is the expression of an alerting rule over a time range, with the labels that the matchers
// demand.
func (f *Finder) window(ctx context.Context, a Ask) (Subject, error) {
	ls := demanded(a.Matchers)
	rules, err := f.Rules(ctx)
	if err != nil {
		return Subject{}, err
	}
	r, ok := ruleOf(rules, ls)
	if !ok {
		return Subject{}, fmt.Errorf("%w: there is no alerting rule %q with labels that fit %s; hint: %sgive the expression (expr)",
			ErrNotFound, ls[model.AlertNameLabel], ls, f.meant(ctx, a, nil))
	}
	return Subject{Alert: f.alert(ls, r.Query, a.At).Alert, Onset: a.At, Now: a.Until}, nil
}

// exactly returns equality matchers for labels.
func exactly(ls model.LabelSet) labels.Matchers {
	var ms labels.Matchers
	for _, name := range slices.Sorted(maps.Keys(ls)) {
		ms = append(ms, &labels.Matcher{Type: labels.MatchEqual, Name: string(name), Value: string(ls[name])})
	}
	return ms
}

// demanded returns the labels whose values the matchers determine.
func demanded(ms labels.Matchers) model.LabelSet {
	ls := model.LabelSet{}
	for _, m := range ms {
		if m.Type == labels.MatchEqual && m.Value != "" {
			ls[model.LabelName(m.Name)] = model.LabelValue(m.Value)
		}
	}
	return ls
}

// How far to look back for the start of an expression without an alert.
const (
	lookBack   = 6 * time.Hour
	lookStep   = 30 * time.Second
	shortAgo   = 5 * time.Minute // incident length if nothing is known
	expression = "expression"    // replaces the alertname
)

// expression makes a subject of an expression. If it has series only sometimes, like that of an
// alert, the incident is the current run of the earliest series, whose labels are used.
func (f *Finder) expression(ctx context.Context, a Ask, now time.Time) (Subject, error) {
	ls := demanded(a.Matchers)
	if !a.Until.IsZero() {
		return f.subject(a.Expr, ls, a.At, a.Until), nil
	}
	if !a.At.IsZero() {
		now = a.At
	}
	matrix, err := f.queryRange(ctx, a.Expr, now.Add(-lookBack), now, lookStep)
	if err != nil {
		return Subject{}, f.failed("asking the expression", err)
	}
	runs := running(matrix, now)
	if !sometimes(a.Expr) {
		runs = nil
	}
	if len(runs) == 0 || len(ls) > 0 {
		return f.subject(a.Expr, ls, onsetOf(runs, now), now), nil
	}
	s := f.subject(a.Expr, runs[0].Labels, runs[0].Onset, now)
	s.Others = runs[1:]
	return s, nil
}

// sometimes reports whether an expression drops series by value, or has one in the absence of
// others.
func sometimes(expr string) bool {
	e, err := QueryParser().ParseExpr(expr)
	if err != nil {
		return false
	}
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.BinaryExpr:
			found = found || n.Op.IsComparisonOperator() && !n.ReturnBool
		case *parser.Call:
			found = found || n.Func.Name == "absent" || n.Func.Name == "absent_over_time"
		}
		return nil
	})
	return found
}

func onsetOf(runs []Alert, now time.Time) time.Time {
	if len(runs) == 0 {
		return now.Add(-shortAgo)
	}
	return runs[0].Onset
}

// subject makes a subject of an expression.
func (f *Finder) subject(expr string, ls model.LabelSet, onset, now time.Time) Subject {
	a := f.alert(ls, expr, onset)
	// Expressions without labels must still have distinct fingerprints.
	a.Fingerprint = model.LabelSet{expression: model.LabelValue(expr), "labels": model.LabelValue(ls.String())}.Fingerprint().String()
	return Subject{Alert: a.Alert, Onset: onset, Now: now, Expr: expr, Condition: sometimes(expr)}
}

// running returns the series that have values now and started within the range, earliest first.
func running(matrix model.Matrix, now time.Time) []Alert {
	var runs []Alert
	for _, s := range matrix {
		n := len(s.Values)
		if n == 0 || now.Sub(s.Values[n-1].Timestamp.Time()) > 2*lookStep {
			continue
		}
		i := n - 1
		for i > 0 && s.Values[i].Timestamp.Sub(s.Values[i-1].Timestamp) <= lookStep {
			i--
		}
		onset := s.Values[i].Timestamp.Time()
		if onset.Sub(now.Add(-lookBack)) <= lookStep {
			continue // always there
		}
		ls := model.LabelSet(s.Metric).Clone()
		delete(ls, model.MetricNameLabel)
		runs = append(runs, Alert{Alert: report.Alert{Labels: ls}, Onset: onset.UTC()})
	}
	sortAlerts(runs)
	return runs
}

// Matchers parses what identifies an alert: its name, or matchers in Alertmanager's syntax, or
// both.
func Matchers(words []string) (labels.Matchers, error) {
	var ms labels.Matchers
	for _, w := range words {
		if !strings.ContainsAny(w, "=~{") {
			ms = append(ms, &labels.Matcher{Type: labels.MatchEqual, Name: model.AlertNameLabel, Value: w})
			continue
		}
		more, err := parse.Matchers(w)
		if err != nil {
			more, err = labels.ParseMatchers(w) // syntax before Alertmanager 0.27
		}
		if err != nil {
			return nil, fmt.Errorf("%w: %q is neither a name nor a matcher: %w", ErrUnclear, w, err)
		}
		ms = append(ms, more...)
	}
	return ms, nil
}

// Time parses RFC 3339, Unix seconds, or how long ago, such as 10m. Empty text is the zero time.
func Time(text string, now time.Time) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil && math.Abs(seconds) < 1e11 {
		return time.UnixMilli(int64(seconds * 1e3)).UTC(), nil
	}
	if ago, err := model.ParseDuration(strings.TrimPrefix(text, "-")); err == nil {
		return now.Add(-time.Duration(ago)), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%w: %.40q is not a time; hint: write 2026-11-22T04:30:00Z, Unix seconds, or 10m for ten minutes ago", ErrUnclear, text)
	}
	return t, nil
}

// QueryParser parses PromQL with all features that a server may have, so that nothing is rejected
// here that works there.
func QueryParser() parser.Parser {
	return parser.NewParser(parser.Options{
		EnableExperimentalFunctions: true, ExperimentalDurationExpr: true,
		EnableExtendedRangeSelectors: true, EnableBinopFillModifiers: true,
	})
}

// parsed returns an error unless text is a PromQL expression for a vector.
func parsed(text string) error {
	expr, err := QueryParser().ParseExpr(text)
	switch {
	case err != nil:
		return fmt.Errorf("%w: the expression can't be read: %w", ErrUnclear, err)
	case expr.Type() != parser.ValueTypeVector:
		return fmt.Errorf("%w: the expression gives a %s, not series with values", ErrUnclear, parser.DocumentedType(expr.Type()))
	default:
		return nil
	}
}
