// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/expr"
)

// region is what a set of label values selects: matchers of different labels,
// in the order of their names.
type region []*labels.Matcher

// String writes it as a selector.
func (r region) String() string {
	texts := make([]string, len(r))
	for i, m := range r {
		texts[i] = m.String()
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

// regions are all labels of a set together and, as many a metric has one of
// them only, each by itself.
func regions(set []map[string]string) []region {
	var all region
	names := map[string]bool{}
	for _, combination := range set {
		for name := range combination {
			names[name] = true
		}
	}
	for name := range names {
		if m := matcherOf(name, set); m != nil {
			all = append(all, m)
		}
	}
	slices.SortFunc(all, func(a, b *labels.Matcher) int { return cmp.Compare(a.Name, b.Name) })
	if len(all) < 2 {
		return slices.DeleteFunc([]region{all}, func(r region) bool { return len(r) == 0 })
	}
	out := []region{all}
	for _, m := range all {
		out = append(out, region{m})
	}
	return out
}

// mostAlternatives is how many values of a label are worth a matcher.
const mostAlternatives = 10

// matcherOf selects the values that a label has in a set; nil if a combination
// doesn't hold to one. A metric's name and the bounds of a histogram are no
// place where something happens.
func matcherOf(name string, set []map[string]string) *labels.Matcher {
	if name == model.MetricNameLabel || name == model.BucketLabel || name == model.QuantileLabel {
		return nil
	}
	var values []string
	for _, combination := range set {
		v, ok := combination[name]
		if !ok || v == otherValues {
			return nil
		}
		if v == missingValue {
			v = ""
		}
		values = append(values, v)
	}
	slices.Sort(values)
	values = slices.Compact(values)
	if len(values) == 1 {
		return &labels.Matcher{Type: labels.MatchEqual, Name: name, Value: values[0]}
	}
	if len(values) > mostAlternatives {
		return nil
	}
	m, err := labels.NewMatcher(labels.MatchRegexp, name, strings.Join(quoted(values), "|"))
	if err != nil {
		return nil
	}
	return m
}

// inject adds the matchers to every selector of e that isn't held to them
// already. It returns false if that changes nothing, or if a selector is held
// to another value, so that e would have no series.
func (r region) inject(e parser.Expr) bool {
	changed := false
	for _, v := range expr.Selectors(e) {
		for _, m := range r {
			inside, outside := held(v, m)
			if outside {
				return false
			}
			if !inside {
				v.LabelMatchers = append(v.LabelMatchers, m)
				changed = true
			}
		}
	}
	return changed
}

// held says whether a selector is held to one value of a matcher's label, and
// whether the matcher selects that.
func held(s *parser.VectorSelector, m *labels.Matcher) (inside, outside bool) {
	for _, own := range s.LabelMatchers {
		if own.Name == m.Name && own.Type == labels.MatchEqual {
			inside = inside || m.Matches(own.Value)
			outside = outside || !m.Matches(own.Value)
		}
	}
	return inside, outside
}

// narrows says whether e takes series together that differ in one of the
// labels. One that doesn't has the series inside already.
func (r region) narrows(e parser.Expr) bool {
	return slices.ContainsFunc(r, func(m *labels.Matcher) bool { return loses(e, m.Name) })
}

// loses says whether the result of e lacks a label of its selectors, or has not
// all of their values.
func loses(e parser.Expr, name string) bool {
	found := false
	parser.Inspect(e, func(n parser.Node, _ []parser.Node) error {
		switch n := n.(type) {
		case *parser.AggregateExpr:
			found = found || expr.Picks(n.Op) || slices.Contains(n.Grouping, name) == n.Without
		case *parser.BinaryExpr:
			m := n.VectorMatching
			found = found || m != nil && m.Card == parser.CardOneToOne && slices.Contains(m.MatchingLabels, name) != m.On
		case *parser.Call:
			found = found || n.Func.Name == "scalar"
		}
		return nil
	})
	return found
}

// name names a series inside, with the matchers among its labels.
func (r region) name(name string, metric model.Metric) string {
	var pairs []string
	for label, v := range metric {
		if label != model.MetricNameLabel {
			pairs = append(pairs, fmt.Sprintf("%s=%q", label, v))
		}
	}
	for _, m := range r {
		if _, ok := metric[model.LabelName(m.Name)]; !ok {
			pairs = append(pairs, m.String())
		}
	}
	slices.Sort(pairs)
	return name + "{" + strings.Join(pairs, ", ") + "}"
}

// What a finding has in place of a value: a label that is missing, and all
// values that were too small to look at one by one.
const (
	missingValue = "__missing__"
	otherValues  = "__other__"
)
