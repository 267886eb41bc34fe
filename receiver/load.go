// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/report"
)

// LoadConfig reads a configuration and checks all of it: what it says, and
// whether its queries and templates parse. The error is a [config.Errors] with
// every mistake.
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

// ReadConfig is [LoadConfig] for who has the text of the file, and more to say: with
// mistakes it returns also what could be read, which is not for use.
func ReadConfig(file string, text []byte) (*config.Config, config.Errors) {
	cfg, mistakes := config.Read(file, text)
	mistakes = append(mistakes, promql.CheckCatalogue(cfg)...)
	mistakes = append(mistakes, promql.CheckContext(cfg)...)
	mistakes = append(mistakes, report.CheckLinks(cfg)...)
	mistakes = append(mistakes, checkRules(cfg.Rules)...)
	return cfg, mistakes.Sorted()
}

// LoadRules does for a rule file what [LoadConfig] does for a main file.
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

// ReadRules does for a rule file what [ReadConfig] does for a main file.
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
