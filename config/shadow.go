// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	promlabels "github.com/prometheus/prometheus/model/labels"
)

// Shadowed finds rules that never get an alert, because an earlier one matches everything that they
// match, as far as the matchers prove it.
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

// shadows reports whether the earlier rule takes every alert of the later one.
func (c *Config) shadows(earlier, later *Rule) bool {
	if len(earlier.Parsed) == 0 || len(later.Parsed) == 0 {
		return false // a mistake already
	}
	if !covers(earlier.Parsed, later.Parsed) {
		return false
	}
	// An ignored alert goes to the first rule that asks for it explicitly.
	return !slices.ContainsFunc(c.Ignored, func(ignoring labels.Matchers) bool {
		return later.names(ignoring) && !earlier.names(ignoring) && !disjoint(ignoring, later.Parsed)
	})
}

// covers reports whether the earlier matchers certainly match all label sets that the later ones
// match.
func covers(earlier, later labels.Matchers) bool {
	return !slices.ContainsFunc(earlier, func(m *labels.Matcher) bool { return !implied(m, later) })
}

// implied reports whether m certainly matches all label sets that by matches.
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

// anyButNone reports whether a matcher only requires the label.
func anyButNone(m *labels.Matcher) bool {
	return m.Type == labels.MatchNotEqual && m.Value == "" || m.Type == labels.MatchRegexp && m.Value == ".+"
}

// disjoint reports whether certainly no label set matches both.
func disjoint(a, b labels.Matchers) bool {
	return slices.ContainsFunc(a, func(m *labels.Matcher) bool {
		return slices.ContainsFunc(b, func(n *labels.Matcher) bool {
			values, finite := valuesOf(n)
			return n.Name == m.Name && finite && !slices.ContainsFunc(values, m.Matches)
		})
	})
}

// valuesOf returns all values that a matcher matches, if they are few.
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
