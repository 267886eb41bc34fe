// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/promql/expr"
)

// ruleDocument is a rule file of Prometheus, a PrometheusRule of Kubernetes, or a list of
// those.
type ruleDocument struct {
	Groups []ruleGroup                  `yaml:"groups"`
	Spec   struct{ Groups []ruleGroup } `yaml:"spec"`
	Items  []ruleDocument               `yaml:"items"`
}

type ruleGroup struct {
	Rules []AlertingRule `yaml:"rules"`
}

// ReadAlertingRules reads the alerting rules of a rule file of Prometheus, or of PrometheusRule
// objects, in one or more YAML documents. Recording rules are skipped. name is the file's, for
// errors.
func ReadAlertingRules(name string, r io.Reader) ([]AlertingRule, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	docs, err := readRuleDocuments(name, text)
	var rules []AlertingRule
	for _, d := range docs {
		rules = append(rules, d.alerting()...)
	}
	return rules, err
}

func readRuleDocuments(name string, text []byte) (docs []ruleDocument, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	for {
		var doc ruleDocument
		switch err := dec.Decode(&doc); {
		case errors.Is(err, io.EOF):
			return docs, nil
		case err != nil:
			if templated(string(text)) {
				return nil, fmt.Errorf("%s: %w", name, expr.ErrTemplate)
			}
			return nil, fmt.Errorf("%s: not a file of rules: %w; hint: give a rule file of Prometheus, or a PrometheusRule", name, err)
		}
		docs = append(docs, doc)
	}
}

// RuleText is a text of a rule with its position.
type RuleText struct {
	Text   string
	Line   int  // first line of the text
	Block  bool // a literal block: each line of the text is one of the file
	Folded bool // a folded block: its lines are joined
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (t *RuleText) UnmarshalYAML(n *yaml.Node) error {
	*t = RuleText{Line: n.Line, Block: n.Style&yaml.LiteralStyle != 0, Folded: n.Style&yaml.FoldedStyle != 0}
	if t.Block || t.Folded {
		t.Line++ // the text begins below | or >
	}
	return n.Decode(&t.Text)
}

// UnmarshalYAML implements yaml.Unmarshaler.
func (r *AlertingRule) UnmarshalYAML(n *yaml.Node) error {
	type plain AlertingRule
	err := n.Decode((*plain)(r))
	r.Line = n.Line
	return err
}

// templated says whether a text is a template that generates rules. Prometheus' own templates,
// as in annotations, name a label or the value instead.
func templated(text string) bool {
	for _, mark := range []string{
		"<%", "{%", "{{`", // ERB, Jinja, and what Helm leaves for Prometheus
		".Values", ".Release", ".Chart", "{{ include", "{{- include", "{{- if", "{{ if", "{{- range", "{{- with", "{{- end", "{{- template", "{{- define",
	} {
		if strings.Contains(text, mark) {
			return true
		}
	}
	return false
}

func (d ruleDocument) alerting() []AlertingRule {
	var rules []AlertingRule
	for _, groups := range [][]ruleGroup{d.Groups, d.Spec.Groups} {
		for _, g := range groups {
			for _, r := range g.Rules {
				if r.Alert != "" {
					rules = append(rules, r)
				}
			}
		}
	}
	for _, item := range d.Items {
		rules = append(rules, item.alerting()...)
	}
	return rules
}
