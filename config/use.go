// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/analysis"
)

// Rule returns the first rule whose matchers all match the labels. A missing label matches as if it
// were empty. Don't modify the rule.
func (c *Config) Rule(set model.LabelSet) (*Rule, bool) {
	for i := range c.Rules {
		if c.Rules[i].Parsed.Matches(set) {
			return &c.Rules[i], true
		}
	}
	return nil, false
}

// RuleFor returns the rule to explain an alert by: the first that matches, or else the zero rule,
// which leaves everything to the alert's own expression. It is nil if the alert is not to be
// explained: ignore_alerts matches it and no rule asks for it, or no rule matches and
// unmatched_alerts is off.
func (c *Config) RuleFor(set model.LabelSet) *Rule {
	if ms := c.ignoring(set); ms != nil {
		for i := range c.Rules {
			if r := &c.Rules[i]; r.Parsed.Matches(set) && r.names(ms) {
				return r
			}
		}
		return nil
	}
	if r, ok := c.Rule(set); ok {
		return r
	}
	if !c.UnmatchedAlerts.Enabled {
		return nil
	}
	return &Rule{}
}

// Options returns a rule's settings of the analysis, with those of the whole configuration as
// defaults.
func (c *Config) Options(r *Rule) analysis.Options {
	if r.Analysis == nil {
		return c.Analysis
	}
	o := r.Analysis.Merge(c.Analysis)
	r.decides("labels.deep", &o.Labels.Deep, r.Analysis.Labels.Deep)
	r.decides("labels.count", &o.Labels.Count, r.Analysis.Labels.Count)
	r.decides("graph.off", &o.Graph.Off, r.Analysis.Graph.Off)
	return o
}

// decides sets a switch to the rule's value if the rule has the key: the value alone doesn't
// distinguish false from missing.
func (r *Rule) decides(key string, on *bool, own bool) {
	if _, says := r.Source.Lines["analysis."+key]; says {
		*on = own
	}
}

// String returns the configuration as YAML with all defaults and rules, and secrets masked.
func (c *Config) String() string { return fmt.Sprint(*c) }

// Format is String for every verb, so that secrets are never printed.
func (c Config) Format(s fmt.State, _ rune) { show(s, c) }

// Format is like [Config.Format].
func (p Prometheus) Format(s fmt.State, _ rune) { show(s, p) }

// Format is like [Config.Format].
func (a Alertmanager) Format(s fmt.State, _ rune) { show(s, a) }

// Format is like [Config.Format].
func (g Grafana) Format(s fmt.State, _ rune) { show(s, g) }

// Format is like [Config.Format].
func (h RecoveryWebhook) Format(s fmt.State, _ rune) { show(s, h) }

func show(w io.Writer, v any) {
	text, err := yaml.Marshal(v)
	if err != nil {
		text = fmt.Appendf(nil, "# the configuration can't be shown: %s\n", err)
	}
	_, _ = w.Write(text) // a fmt.State never fails
}
