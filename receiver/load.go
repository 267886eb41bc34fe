// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/report"
)

// LoadConfig reads and fully checks a configuration, including its queries and templates. The error
// is a [config.Errors] with every mistake.
func LoadConfig(file string) (*config.Config, error) {
	text, mistakes := config.TextOf(file)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	cfg, mistakes := ReadConfig(file, text)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return cfg, nil
}

// ReadConfig is [LoadConfig] for callers that have the text of the file. With mistakes it also
// returns what could be read, for messages only.
func ReadConfig(file string, text []byte) (*config.Config, config.Errors) {
	cfg, mistakes := config.Read(file, text)
	mistakes = append(mistakes, promql.CheckCatalogue(cfg)...)
	mistakes = append(mistakes, promql.CheckContext(cfg)...)
	mistakes = append(mistakes, report.CheckLinks(cfg)...)
	mistakes = append(mistakes, checkRules(cfg.Rules)...)
	return cfg, mistakes.Sorted()
}

// LoadRules is [LoadConfig] for a rule file.
func LoadRules(file string) ([]config.Rule, error) {
	text, mistakes := config.TextOf(file)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	rules, mistakes := ReadRules(file, text)
	if len(mistakes) > 0 {
		return nil, mistakes
	}
	return rules, nil
}

// ReadRules is [ReadConfig] for a rule file.
func ReadRules(file string, text []byte) ([]config.Rule, config.Errors) {
	rules, mistakes := config.ReadRules(file, text)
	return rules, append(mistakes, checkRules(rules)...).Sorted()
}

func checkRules(rules []config.Rule) (mistakes config.Errors) {
	for _, rule := range rules {
		mistakes = append(mistakes, promql.Check(rule)...)
	}
	return mistakes
}
