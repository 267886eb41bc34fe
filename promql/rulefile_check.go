// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// CheckRuleFile reads a file of alerting rules like [ReadAlertingRules], and reports mistakes
// in the annotations that culprit reads (rule_annotations). promtool checks the rest.
func CheckRuleFile(name string, text []byte) ([]AlertingRule, config.Errors) {
	docs, err := readRuleDocuments(name, text)
	if err != nil {
		return nil, config.Errors{unreadable(name, err)}
	}
	var rules []AlertingRule
	var mistakes config.Errors
	grouped := false
	for _, d := range docs {
		rules = append(rules, d.alerting()...)
		grouped = grouped || d.Groups != nil || d.Spec.Groups != nil || d.Items != nil
	}
	if !grouped {
		return nil, config.Errors{{File: name, What: "has no rules", Hint: "give a rule file of Prometheus, or a PrometheusRule"}}
	}
	for i := range rules {
		rules[i].File = name
		mistakes = append(mistakes, rules[i].checkAnnotations()...)
	}
	return rules, mistakes.Sorted()
}

// unreadable is the mistake of a file that is no YAML, or has other content.
func unreadable(name string, err error) config.Mistake {
	what, hint, _ := strings.Cut(strings.TrimPrefix(err.Error(), name+": "), "; hint: ")
	m := config.Mistake{File: name, What: strings.Join(strings.Fields(what), " "), Hint: hint}
	if errors.Is(err, expr.ErrTemplate) {
		return m
	}
	if line := regexp.MustCompile(`line (\d+): `).FindStringSubmatch(what); line != nil {
		m.Line, _ = strconv.Atoi(line[1])
	}
	return m
}

// ForCulprit says whether a rule has annotations for culprit.
func (r AlertingRule) ForCulprit() bool { return len(r.forCulprit()) > 0 }

func (r AlertingRule) forCulprit() map[string]string {
	all := model.LabelSet{}
	for name, t := range r.Annotations {
		all[model.LabelName(name)] = model.LabelValue(t.Text)
	}
	return ofCulprit(all)
}

func (r AlertingRule) checkAnnotations() (mistakes config.Errors) {
	said, found := FromAnnotations(r.forCulprit())
	found = append(found, r.unsplit(said.Breakdown)...)
	for _, m := range found {
		t, annotation := r.Annotations[m.File], m.File
		m.File, m.Line = r.File, t.lineOf(m.Line)
		m.What = fmt.Sprintf("%s: %s: %s", r.Alert, annotation, m.What)
		if t.Folded && annotation == config.AnnotationCandidates {
			m.Hint = "write | in place of >, which makes one line of all queries"
		}
		mistakes = append(mistakes, m)
	}
	return mistakes
}

// lineOf returns the line of the file for a line of the text, or the first one if unknown.
func (t RuleText) lineOf(line int) int {
	if t.Block {
		return t.Line + line - 1
	}
	return t.Line
}

// unsplit reports labels by which the rule's own expression can't be broken down, whatever its
// series.
func (r AlertingRule) unsplit(b *config.Breakdown) (mistakes config.Errors) {
	d, err := expr.Derive(r.Expr)
	if b == nil || err != nil {
		return nil
	}
	target := expr.MustParse(d.Target)
	m, err := d.Apart(target)
	if err != nil || len(expr.RecordedNames(target)) > 0 {
		return nil // its series are compared, or what it records is broken down
	}
	_, refused := parts{Measure: m}.usable(b.Labels)
	for _, l := range refused {
		mistakes = append(mistakes, config.Mistake{
			File: config.AnnotationBreakdown, Line: 1, What: fmt.Sprintf("the expression can't be told apart by %q: %s", l.Label, l.Reason), Hint: "leave it out",
		})
	}
	return mistakes
}

// CheckSeveral reports rules that culprit can't tell apart by their alerts, so that it reads
// the annotations of neither.
func CheckSeveral(rules []AlertingRule) (mistakes config.Errors) {
	first := map[string][]AlertingRule{}
	for _, r := range rules {
		for _, other := range first[r.Alert] {
			if !maps.Equal(r.Labels, other.Labels) || maps.Equal(r.forCulprit(), other.forCulprit()) || !expr.Same(r.Expr, other.Expr) {
				continue
			}
			mistakes = append(mistakes, config.Mistake{
				File: r.File, Line: r.Line, What: fmt.Sprintf("%s: a rule with the same expression and labels has other annotations for culprit, so neither's are read", r.Alert),
				Hint: fmt.Sprintf("give them different names or labels; the other is at %s:%d", other.File, other.Line),
			})
			break
		}
		first[r.Alert] = append(first[r.Alert], r)
	}
	slices.SortStableFunc(mistakes, func(a, b config.Mistake) int { return cmp.Compare(a.Line, b.Line) })
	return mistakes
}
