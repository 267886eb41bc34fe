// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	promlabels "github.com/prometheus/prometheus/model/labels"
)

// Shadowed finds rules that no alert ever reaches, because an earlier one
// matches every alert that they match. It says so only where the matchers
// prove it.
func (c *Config) Shadowed() (found Errors) {
	for i := range c.Rules {
		later := &c.Rules[i]
		j := slices.IndexFunc(c.Rules[:i], func(earlier Rule) bool { return c.shadows(&earlier, later) })
		if j < 0 {
			continue
		}
		first := c.Rules[j]
		found = append(found, Mistake{
			File: later.Source.File, Line: later.Source.Lines["matchers"],
			What: fmt.Sprintf("rule %q is never used: rule %q comes before it and matches every alert that it matches", later.Name, first.Name),
			Hint: fmt.Sprintf("put it before the other, which is at %s:%d, or narrow that one's matchers", first.Source.File, first.Source.Lines["matchers"]),
		})
	}
	return found
}

// shadows says whether every alert of the later rule is taken by the earlier.
func (c *Config) shadows(earlier, later *Rule) bool {
	if len(earlier.Parsed) == 0 || len(later.Parsed) == 0 {
		return false // a mistake, and said
	}
	if !covers(earlier.Parsed, later.Parsed) {
		return false
	}
	// An alert that is ignored goes to the first rule that names what it is ignored for.
	return !slices.ContainsFunc(c.Ignored, func(ignoring labels.Matchers) bool {
		return later.names(ignoring) && !earlier.names(ignoring) && !disjoint(ignoring, later.Parsed)
	})
}

// covers says whether it is sure that all label sets that the later matchers match
// are matched by the earlier ones, too.
func covers(earlier, later labels.Matchers) bool {
	return !slices.ContainsFunc(earlier, func(m *labels.Matcher) bool { return !implied(m, later) })
}

// implied says whether all label sets that the matchers match are matched by m,
// too.
func implied(m *labels.Matcher, by labels.Matchers) bool {
	return slices.ContainsFunc(by, func(b *labels.Matcher) bool {
		if b.Name != m.Name {
			return false
		}
		if b.Type == m.Type && b.Value == m.Value {
			return true
		}
		values, finite := valuesOf(b)
		if finite {
			return !slices.ContainsFunc(values, func(v string) bool { return !m.Matches(v) })
		}
		return anyButNone(m) && !b.Matches("")
	})
}

// anyButNone says whether a matcher asks only that the label is there.
func anyButNone(m *labels.Matcher) bool {
	return m.Type == labels.MatchNotEqual && m.Value == "" || m.Type == labels.MatchRegexp && m.Value == ".+"
}

// disjoint says whether it is sure that no label set matches both.
func disjoint(a, b labels.Matchers) bool {
	return slices.ContainsFunc(a, func(m *labels.Matcher) bool {
		return slices.ContainsFunc(b, func(n *labels.Matcher) bool {
			values, finite := valuesOf(n)
			return n.Name == m.Name && finite && !slices.ContainsFunc(values, m.Matches)
		})
	})
}

// valuesOf returns all values that a matcher matches, if these are few.
func valuesOf(m *labels.Matcher) (values []string, finite bool) {
	switch m.Type {
	case labels.MatchEqual:
		return []string{m.Value}, true
	case labels.MatchRegexp:
		re, err := promlabels.NewFastRegexMatcher(m.Value)
		if err != nil {
			return nil, false
		}
		values = re.SetMatches()
		return values, len(values) > 0
	}
	return nil, false
}
