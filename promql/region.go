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

// region selects the series inside a label set: matchers on different labels, sorted by name.
type region []*labels.Matcher

// String returns the region as a selector.
func (r region) String() string {
	texts := make([]string, len(r))
	for i, m := range r {
		texts[i] = m.String()
	}
	return "{" + strings.Join(texts, ", ") + "}"
}

// regions returns all labels of a set together, then each by itself, because many metrics have
// only one of them.
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

// mostAlternatives is the largest number of values for one matcher.
const mostAlternatives = 10

// matcherOf returns a matcher for the values of a label in a set; nil if a combination does not
// fix one. Metric names and histogram bounds are no places.
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

// inject adds the matchers to every selector of e that lacks them. It returns false if nothing
// changes, or if a selector requires another value, so that e would have no series.
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

// held says whether a selector has an equality matcher that m accepts (inside), or one that m
// excludes (outside).
func held(s *parser.VectorSelector, m *labels.Matcher) (inside, outside bool) {
	for _, own := range s.LabelMatchers {
		if own.Name == m.Name && own.Type == labels.MatchEqual {
			inside = inside || m.Matches(own.Value)
			outside = outside || !m.Matches(own.Value)
		}
	}
	return inside, outside
}

// narrows says whether e aggregates over one of the labels. If not, its result already has the
// series inside.
func (r region) narrows(e parser.Expr) bool {
	return slices.ContainsFunc(r, func(m *labels.Matcher) bool { return loses(e, m.Name) })
}

// loses says whether the result of e drops a label of its selectors, or some of its values.
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

// name names a series inside the region, with the matchers among its labels.
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

// Placeholders in a finding: for a missing label, and for all values too small to examine
// separately.
const (
	missingValue = "__missing__"
	otherValues  = "__other__"
)
