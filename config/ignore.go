// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"slices"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// checkIgnored parses the lines of ignore_alerts.
func (d *decoder) checkIgnored(c *Config) {
	for i, line := range c.IgnoreAlerts {
		if ms := d.parseMatcher(line, fmt.Sprintf("ignore_alerts[%d]", i)); len(ms) > 0 {
			c.Ignored = append(c.Ignored, ms)
		}
	}
}

// ignoring returns the first line of ignore_alerts that matches the alert.
func (c *Config) ignoring(set model.LabelSet) labels.Matchers {
	for _, ms := range c.Ignored {
		if ms.Matches(set) {
			return ms
		}
	}
	return nil
}

// names reports whether a rule that matches an ignored alert asks for it explicitly: by = or =~ on
// a label of the ignoring matchers, with a value that not everything matches.
func (r *Rule) names(ignoring labels.Matchers) bool {
	const whatever = "\x00 a value that nobody has"
	return slices.ContainsFunc(r.Parsed, func(m *labels.Matcher) bool {
		positive := m.Type == labels.MatchEqual || m.Type == labels.MatchRegexp
		return positive && !m.Matches(whatever) && slices.ContainsFunc(ignoring, func(i *labels.Matcher) bool { return i.Name == m.Name })
	})
}
