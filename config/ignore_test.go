// SPDX-License-Identifier: Apache-2.0

package config_test

import (
	"testing"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

func TestAlertsThatAlwaysFireAreLeftAlone(t *testing.T) {
	const head = "prometheus: {url: http://p}\n"
	for _, c := range []struct {
		name, text string
		alert      model.LabelSet
		want       string // name of the rule; "-" is none, "" the alert's own expression
	}{
		{"by default", "", model.LabelSet{"alertname": "Watchdog"}, "-"},
		{"by default, inhibition's helper", "", model.LabelSet{"alertname": "InfoInhibitor", "namespace": "shop"}, "-"},
		{"by default, culprit's own", "", model.LabelSet{"alertname": "CulpritQueueOld"}, "-"},
		{"no other", "", model.LabelSet{"alertname": "WatchdogBites"}, ""},
		{"a rule for all alerts is not meant", "rules: [{name: all, matchers: ['alertname=~\".+\"']}]", model.LabelSet{"alertname": "Watchdog"}, "-"},
		{"a rule for a namespace is not meant", "rules: [{name: shop, matchers: ['namespace=\"shop\"']}]", model.LabelSet{"alertname": "InfoInhibitor", "namespace": "shop"}, "-"},
		{"a rule that excludes others is not meant", "rules: [{name: most, matchers: ['alertname!=\"X\"']}]", model.LabelSet{"alertname": "Watchdog"}, "-"},
		{"a rule that names it is meant", "rules: [{name: all, matchers: ['alertname=~\".+\"']}, {name: dog, matchers: ['alertname=\"Watchdog\"']}]", model.LabelSet{"alertname": "Watchdog"}, "dog"},
		{"so is one by an expression", "rules: [{name: dogs, matchers: ['alertname=~\"Watch.*\"']}]", model.LabelSet{"alertname": "Watchdog"}, "dogs"},
		{"nothing is ignored", "ignore_alerts: []", model.LabelSet{"alertname": "Watchdog"}, ""},
		{"another list", "ignore_alerts: ['severity=\"none\",team=\"a\"', env=dev]", model.LabelSet{"alertname": "A", "severity": "none", "team": "b"}, ""},
		{"all matchers of a line", "ignore_alerts: ['severity=\"none\",team=\"a\"', env=dev]", model.LabelSet{"alertname": "A", "severity": "none", "team": "a"}, "-"},
		{"any line", "ignore_alerts: ['severity=\"none\",team=\"a\"', env=dev]", model.LabelSet{"alertname": "A", "env": "dev"}, "-"},
	} {
		cfg, err := config.Parse("culprit.yml", []byte(head+c.text))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		got := "-"
		if r := cfg.RuleFor(c.alert); r != nil {
			got = r.Name
		}
		if got != c.want {
			t.Errorf("%s: %v is explained by %q, want %q", c.name, c.alert, got, c.want)
		}
	}
}
