// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"strings"
	"testing"

	"github.com/prometheus/common/model"
	"pgregory.net/rapid"
)

// twoRules is a configuration whose rules have these matchers.
func twoRules(t interface{ Fatal(...any) }, earlier, later string) *Config {
	c, err := Parse("x.yml", []byte("prometheus: {url: http://p}\nrules:\n  - {name: a, matchers: ['"+earlier+"']}\n  - {name: b, matchers: ['"+later+"']}\n"))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func shadows(c *Config) (found []Mistake) {
	for _, w := range c.Warnings {
		if strings.Contains(w.What, "is never used") {
			found = append(found, w)
		}
	}
	return found
}

func TestARuleThatAnEarlierOneShadowsIsFound(t *testing.T) {
	for _, c := range []struct {
		earlier, later string
		want           bool
	}{
		{`alertname="A"`, `alertname="A"`, true},
		{`alertname="A"`, `alertname="A", env="prod"`, true},
		{`alertname="A", env="prod"`, `alertname="A"`, false},
		{`alertname=~"A.*"`, `alertname="Ab"`, true},
		{`alertname=~"A.*"`, `alertname="Ba"`, false},
		{`alertname=~"A|B|C"`, `alertname=~"A|B"`, true},
		{`alertname=~"A|B"`, `alertname=~"A|B|C"`, false},
		{`env=~".+"`, `env=~"A.*"`, true},
		{`env!=""`, `env=~"A.*"`, true},
		{`alertname!=""`, `alertname=~"A.*"`, false}, // it names, for all that is proved, alerts that are ignored
		{`env!="dev"`, `alertname="A"`, false},       // env may be dev
		{`env!="dev"`, `env=~"test|prod"`, true},
		{`env!~"dev.*"`, `env!~"dev.*", alertname="A"`, true},
		{`alertname=~"A.*"`, `alertname=~"Ab.*"`, false}, // it is so, and not proved
		// Alerts that are ignored by default go to the rule that names them.
		{`env="prod"`, `env="prod", alertname="Watchdog"`, false},
		{`env="prod"`, `env="prod", alertname="A"`, true},
		{`env="prod"`, `env="prod", alertname=~"W.*"`, false},
		{`alertname=~"Watchdog|A"`, `alertname="Watchdog"`, true},
	} {
		found := shadows(twoRules(t, c.earlier, c.later))
		if (len(found) == 1) != c.want {
			t.Errorf("%s before %s: %v", c.earlier, c.later, found)
		}
		if c.want && len(found) == 1 && found[0].String() != `x.yml:4: rule "b" is never used: rule "a" comes before it and matches every alert that it matches (put it before the other, which is at x.yml:3, or narrow that one's matchers)` {
			t.Errorf("%s", found[0])
		}
	}
}

// TestAShadowedRuleIsNeverUsed compares the proof with which rule alerts get.
func TestAShadowedRuleIsNeverUsed(t *testing.T) {
	values := []string{"", "a", "b", "ab", "Watchdog", "CulpritX"}
	matcher := rapid.Custom(func(t *rapid.T) string {
		name := rapid.SampledFrom([]string{"alertname", "env"}).Draw(t, "name")
		op := rapid.SampledFrom([]string{"=", "!=", "=~", "!~"}).Draw(t, "op")
		value := rapid.SampledFrom(append(values, "a|b", "a.*", ".+", ".*", "[ab]", "a?", "Wa.*|b")).Draw(t, "value")
		return fmt.Sprintf("%s%s%q", name, op, value)
	})
	seen := 0
	rapid.Check(t, func(t *rapid.T) {
		line := func(what string) string {
			return strings.Join(rapid.SliceOfN(matcher, 1, 2).Draw(t, what), ", ")
		}
		c := twoRules(t, line("earlier"), line("later"))
		if len(shadows(c)) == 0 {
			return
		}
		seen++
		for _, name := range values {
			for _, env := range values {
				set := model.LabelSet{"alertname": model.LabelValue(name), "env": model.LabelValue(env)}
				if r := c.RuleFor(set); r != nil && r.Name == "b" {
					t.Fatalf("%v is explained by the rule that is never used: %v", set, shadows(c))
				}
			}
		}
	})
	if seen == 0 {
		t.Error("no rule was shadowed")
	}
}
