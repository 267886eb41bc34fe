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
