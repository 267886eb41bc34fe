// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/ruletest"
)

// Alert is one alert with its world and the answer a person would give.
type Alert struct {
	Kind   string // what is special about its expression
	Name   string
	Labels string // of the alert, as a selector without braces; its name is added
	Expr   string
	World  func(*World)

	Late     int           // samples between the onset and its start, as far as known
	After    int           // samples from its start until it is explained; 0: 11
	Interval time.Duration // between two samples; 0: a minute

	Places  []string         // label sets, as selectors without braces, any of which is right in first place; nil: no place is
	Both    bool             // all of them must be among the causes
	Series  string           // part of the name of the series that is why; empty: not checked
	Verdict analysis.Verdict // empty: explained
	Says    string           // regular expression that the first line matches
	Never   string           // and one that it does not
}

// Class rates an answer, as in the worlds of this benchmark.
type Class string

// The classes.
const (
	Right  Class = "RIGHT"
	Honest Class = "HONEST" // nothing false, but not the answer either
	Wrong  Class = "WRONG"
)

// Outcome is the answer to an alert.
type Outcome struct {
	Alert Alert
	Expr  string // the variant
	Class Class
	Line  string
	Why   string // why it is not right
}

// Ask explains an alert with one of its [Variants].
func (a Alert) Ask(ctx context.Context, expr string) (Outcome, error) {
	w := newWorld(a.Kind + a.Name)
	a.World(w)
	interval := a.Interval
	if interval == 0 {
		interval = time.Minute
	}
	labels := set(a.Labels)
	labels[model.AlertNameLabel] = "Fires"
	f := ruletest.File{Tests: []ruletest.Test{{
		Name: a.Name, Interval: ruletest.Duration(interval), InputSeries: w.series,
		Alerts: []ruletest.Alert{{
			Labels: labels, Expr: expr, Onset: ruletest.Duration(time.Duration(onset+a.Late) * interval),
			At: ruletest.Duration(time.Duration(onset+a.Late+cmp.Or(a.After, asked-onset)) * interval),
		}},
	}}}
	outcomes, err := f.Run(ctx)
	if err != nil {
		return Outcome{}, fmt.Errorf("%s: %w", a.Name, err)
	}
	o := Outcome{Alert: a, Expr: expr, Line: outcomes[0].Summary}
	o.Class, o.Why = a.judge(outcomes[0].Report)
	return o, nil
}

// judge compares a report with the right answer.
func (a Alert) judge(r report.Report) (Class, string) {
	line, first := r.Line(), confident(r.Result.Causes, analysis.KindLabels)
	switch {
	case a.Never != "" && regexp.MustCompile(a.Never).MatchString(line):
		return Wrong, "it says what it never should: " + a.Never
	case a.Verdict != "" && r.Result.Verdict != a.Verdict:
		if silent(r.Result.Verdict) {
			return Honest, "the verdict is " + string(r.Result.Verdict)
		}
		return Wrong, "the verdict is " + string(r.Result.Verdict)
	case a.Verdict == "" && (r.Result.Verdict == analysis.External || r.Result.Verdict == analysis.NoChange):
		return Wrong, "the verdict is " + string(r.Result.Verdict)
	case len(first) > 0 && !a.allowed(first[0]):
		return Wrong, "the place is " + report.Title(first[0])
	case len(a.Places) > 0 && (len(first) == 0 || a.Both && !a.both(first)):
		return Honest, "the place is not found"
	}
	why := confident(r.Result.Causes, analysis.KindSeries)
	switch {
	case a.Series != "" && len(why) > 0 && !strings.Contains(why[0].Name, a.Series):
		return Wrong, "the series is " + why[0].Name
	case a.Series != "" && len(why) == 0:
		return Honest, "the series is not found"
	case a.Says != "" && !regexp.MustCompile(a.Says).MatchString(line):
		return Honest, "it does not say " + a.Says
	}
	return Right, ""
}

func silent(v analysis.Verdict) bool {
	return v == analysis.NoConfidentCause || v == analysis.InsufficientEvidence
}

// confident returns the confident causes of a kind.
func confident(causes []analysis.Finding, kind string) []analysis.Finding {
	var list []analysis.Finding
	for _, f := range causes {
		switch {
		case !report.Confident(f):
		case f.Kind == kind:
			list = append(list, f)
		case f.Kind == analysis.KindChange && kind == analysis.KindSeries && f.Series != "": // its evidence
			f.Name = f.Series
			list = append(list, f)
		case f.Kind == analysis.KindChange && kind == analysis.KindLabels && len(f.Evidence.Places) > 0:
			f.Labels = f.Evidence.Places
			list = append(list, f)
		}
	}
	return list
}

// allowed reports whether everything a cause names is an answer.
func (a Alert) allowed(f analysis.Finding) bool {
	return !slices.ContainsFunc(f.Labels, func(got map[string]string) bool { return !a.has(got) })
}

func (a Alert) has(got map[string]string) bool {
	return slices.ContainsFunc(a.Places, func(p string) bool { return maps.Equal(labels(p), got) })
}

// both reports whether each place of the answer is named by some cause.
func (a Alert) both(causes []analysis.Finding) bool {
	return !slices.ContainsFunc(a.Places, func(p string) bool {
		return !slices.ContainsFunc(causes, func(f analysis.Finding) bool {
			return slices.ContainsFunc(f.Labels, func(got map[string]string) bool { return maps.Equal(labels(p), got) })
		})
	})
}

// labels parses a selector without braces.
func labels(selector string) map[string]string {
	out := map[string]string{}
	for name, value := range set(selector) {
		out[string(name)] = string(value)
	}
	return out
}

func set(selector string) model.LabelSet {
	out := model.LabelSet{}
	if selector == "" {
		return out
	}
	matchers, err := parser.NewParser(parser.Options{}).ParseMetricSelector("{" + selector + "}")
	if err != nil {
		panic(fmt.Sprintf("%q is not a selector: %v", selector, err))
	}
	for _, m := range matchers {
		out[model.LabelName(m.Name)] = model.LabelValue(m.Value)
	}
	return out
}
