// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"os"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// Every rule fires and stays quiet at times, and fires exactly where the KPI crosses its
// threshold.
func TestTheKPIOfEveryIdiomCrossesWhenTheRuleFires(t *testing.T) {
	serial(t)
	rules := publicRules(t, "testdata/idioms/rules.yaml")
	engine := newEngine(t)
	fired, quiet, sameLabels := 0, 0, 0
	for _, r := range rules {
		d, err := Derive(r.Expr)
		if err != nil {
			t.Errorf("%s: %s: %v", r.Alert, r.Expr, err)
			continue
		}
		v := checkRule(t, engine, r.Expr, d)
		if v.problem != "" {
			t.Errorf("%s: %s\n%s\n%s", r.Alert, v.problem, MustParse(r.Expr), d.Condition())
			continue
		}
		fired, quiet = fired+v.fired, quiet+v.quiet
		if v.strict {
			sameLabels++
		} else {
			t.Logf("%s: the KPI has other labels than the alert: %s", r.Alert, d.Condition())
		}
	}
	t.Logf("%d rules fired %d times and were quiet %d times; %d of them with the alert's own labels", len(rules), fired, quiet, sameLabels)
	if len(rules) < 400 || sameLabels < len(rules)-2 {
		t.Errorf("%d rules, %d with the alert's own labels", len(rules), sameLabels)
	}
}

func TestThePartsOfEveryIdiomAddUp(t *testing.T) {
	serial(t)
	parts, quotients := checkAllParts(t, publicRules(t, "testdata/idioms/rules.yaml"))
	if parts < 30_000 || quotients < 10_000 {
		t.Errorf("only %d parts and %d quotients could be compared", parts, quotients)
	}
}

// Rules that can't fire, always fire, or fire for the series of a guard can't be compared; here
// their derivation is checked.
func TestOddRulesAreTakenAsMeant(t *testing.T) {
	want := map[string]string{
		"CountNone":        `count(up{job="api"} == 1) == 0`,
		"AbsentBoth":       `((count by (job) (up{job="a"}) or 0 * absent(up{job="a"})) < 1) and absent(up{job="b"})`,
		"AbsentBool":       `(count by (job) (up{job="a"}) or 0 * absent(up{job="a"})) < 1`,
		"GuardExistsFirst": `(restarts > 3) and on (pod) kube_pod_info`,
		"ScalarBoth":       `sum(up) < scalar(count(up))`,
	}
	rules := publicRules(t, "testdata/idioms/odd.yaml")
	for _, r := range rules {
		d, err := Derive(r.Expr)
		if err != nil || d.Condition() != want[r.Alert] {
			t.Errorf("%s: %v, %s", r.Alert, err, d.Condition())
		}
	}
	if len(rules) != len(want) {
		t.Errorf("%d rules", len(rules))
	}
}

func TestRulesThatMeasureNothingAreRefusedInWords(t *testing.T) {
	text, err := os.ReadFile("testdata/idioms/refused.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
				Annotations struct{ Reason string }
			}
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	refused := 0
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			refused++
			if _, err := Derive(r.Expr); err == nil || r.Annotations.Reason == "" || !strings.Contains(err.Error(), r.Annotations.Reason) {
				t.Errorf("%s: %v; want %q", r.Alert, err, r.Annotations.Reason)
			}
		}
	}
	if refused < 15 {
		t.Errorf("%d rules", refused)
	}
}

// serial marks long tests without parallelism, which a short run under the race detector skips.
func serial(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("nothing runs in parallel here, and it takes long")
	}
}
