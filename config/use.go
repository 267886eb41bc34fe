// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"io"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/analysis"
)

// Rule returns the first rule whose matchers all match the labels. A label
// that is not there matches as if it were empty. The rule belongs to the
// configuration and must not be changed.
func (c *Config) Rule(set model.LabelSet) (*Rule, bool) {
	for i := range c.Rules {
		if c.Rules[i].Parsed.Matches(set) {
			return &c.Rules[i], true
		}
	}
	return nil, false
}

// RuleFor returns the rule by which an alert is explained: the first that
// matches, else the zero rule, which leaves everything to the alert's own
// expression. It is nil if the alert is to be left alone: ignore_alerts has it
// and no rule names it, or no rule matches and unmatched_alerts is off.
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

// Options returns the settings of the analysis of a rule: its own, and for
// what it leaves out those of the whole configuration.
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

// decides takes a switch from the analysis of a rule that has its key, also if it is
// false there, which the value alone does not tell from a key that is left out.
func (r *Rule) decides(key string, on *bool, own bool) {
	if _, says := r.Source.Lines["analysis."+key]; says {
		*on = own
	}
}

// String returns the configuration as YAML with all defaults and all rules, in
// which secrets are masked.
func (c *Config) String() string { return fmt.Sprint(*c) }

// Format prints the configuration as [Config.String] does, whatever the verb: no
// way of printing it, or a part of it that may hold secrets, shows one.
func (c Config) Format(s fmt.State, _ rune) { show(s, c) }

// Format prints as that of [Config].
func (p Prometheus) Format(s fmt.State, _ rune) { show(s, p) }

// Format prints as that of [Config].
func (a Alertmanager) Format(s fmt.State, _ rune) { show(s, a) }

// Format prints as that of [Config].
func (g Grafana) Format(s fmt.State, _ rune) { show(s, g) }

// Format prints as that of [Config].
func (h RecoveryWebhook) Format(s fmt.State, _ rune) { show(s, h) }

func show(w io.Writer, v any) {
	text, err := yaml.Marshal(v)
	if err != nil {
		text = fmt.Appendf(nil, "# the configuration can't be shown: %s\n", err)
	}
	_, _ = w.Write(text) // a fmt.State takes everything
}
