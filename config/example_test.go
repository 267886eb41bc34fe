// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"fmt"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

func ExampleParse() {
	c, err := config.Parse("culprit.yml", []byte(`
prometheus:
  url: http://prometheus:9090
alertmanagers:
  - url: http://alertmanager:9093
rules:
  - name: checkout errors
    matchers: ['alertname="CheckoutErrors"', 'service=~"checkout|cart"']
  - name: everything else
    matchers: ['alertname!=""']
`))
	if err != nil {
		fmt.Println(err)
		return
	}
	rule, _ := c.Rule(model.LabelSet{"alertname": "CheckoutErrors", "service": "cart"})
	fmt.Println(rule.Name)
	rule, _ = c.Rule(model.LabelSet{"alertname": "DiskFull"})
	fmt.Println(rule.Name)
	// Output:
	// checkout errors
	// everything else
}

func ExampleErrors() {
	_, err := config.Parse("culprit.yml", []byte(`
prometheus: {url: http://prometheus:9090, query_timeout: 10 seconds}
rules:
  - name: checkout errors
    matcher: ['alertname="CheckoutErrors"']
    candidates: [{name: cpu, query: node_load1, scale: comon}]
`))
	fmt.Println(err)
	// Output:
	// culprit.yml:2: prometheus.query_timeout is "10 seconds", which is not a duration (write 30s, 5m or 1h30m)
	// culprit.yml:4: rules[0].matchers is missing (say which alerts the rule is for: ['alertname="HighErrors"'])
	// culprit.yml:5: rules[0].matcher is not a setting (did you mean "matchers"?)
	// culprit.yml:6: rules[0].candidates[0].scale is "comon" (did you mean "common"? use one of each, common)
}
