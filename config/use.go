package config

import (
	"fmt"

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
	return r.Analysis.Merge(c.Analysis)
}

// String returns the configuration as YAML with all defaults and all rules, in
// which secrets are masked.
func (c *Config) String() string {
	text, err := yaml.Marshal(c)
	if err != nil {
		return fmt.Sprintf("# the configuration can't be shown: %s\n", err)
	}
	return string(text)
}
