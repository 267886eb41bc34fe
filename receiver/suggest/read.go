package suggest

import (
	"errors"
	"fmt"
	"io"

	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// document is a rule file of Prometheus, a PrometheusRule object, or a list of
// such objects. What else they hold is of no interest.
type document struct {
	Groups []ruleGroup `yaml:"groups"`
	Spec   struct {
		Groups []ruleGroup `yaml:"groups"`
	} `yaml:"spec"`
	Items []document `yaml:"items"`
}

type ruleGroup struct {
	Rules []struct {
		Alert  string            `yaml:"alert"`
		Expr   string            `yaml:"expr"`
		Labels map[string]string `yaml:"labels"`
	} `yaml:"rules"`
}

// Read returns the alerting rules of a file, in order: of one or several YAML
// documents, each a rule file or a PrometheusRule object. JSON is YAML.
func Read(r io.Reader) ([]Rule, error) {
	var rules []Rule
	dec := yaml.NewDecoder(r)
	for {
		var doc document
		err := dec.Decode(&doc)
		if errors.Is(err, io.EOF) {
			return rules, nil
		}
		if err != nil {
			return rules, fmt.Errorf("neither a rule file nor a PrometheusRule: %w", err)
		}
		rules = append(rules, doc.rules()...)
	}
}

func (d document) rules() []Rule {
	var rules []Rule
	for _, g := range append(d.Groups, d.Spec.Groups...) {
		for _, r := range g.Rules {
			if r.Alert == "" {
				continue // a recording rule
			}
			ls := model.LabelSet{}
			for name, v := range r.Labels {
				ls[model.LabelName(name)] = model.LabelValue(v)
			}
			rules = append(rules, Rule{Alert: r.Alert, Expr: r.Expr, Labels: ls})
		}
	}
	for _, item := range d.Items {
		rules = append(rules, item.rules()...)
	}
	return rules
}
