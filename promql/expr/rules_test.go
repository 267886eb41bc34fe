// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	prom "github.com/prometheus/prometheus/promql"
	"gopkg.in/yaml.v3"
)

// publicRule is a published alerting rule.
type publicRule struct {
	Alert, Expr string
}

type ruleGroups struct {
	Groups []struct{ Rules []publicRule }
}

// publicRules reads the alerting rules of all matching rule files and PrometheusRule objects.
func publicRules(t testing.TB, glob string) []publicRule {
	t.Helper()
	files, err := filepath.Glob(glob)
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", glob, len(files), err)
	}
	var rules []publicRule
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var doc struct {
			ruleGroups `yaml:",inline"`
			Spec       ruleGroups
		}
		if err := yaml.Unmarshal(text, &doc); err != nil {
			t.Fatal(err)
		}
		for _, g := range slices.Concat(doc.Groups, doc.Spec.Groups) {
			rules = append(rules, slices.DeleteFunc(g.Rules, func(r publicRule) bool { return r.Alert == "" })...)
		}
	}
	return rules
}

// verdict is the observed behaviour of a rule and its derivation.
type verdict struct {
	fired, quiet int  // trials in which the alert fired; in which the KPI had a value and didn't cross
	strict       bool // the KPI crossed for the very label sets that fired
	problem      string
}

// compareRule evaluates a rule and its derivation in one world. ok is false if the rule itself
// can't be evaluated there.
func compareRule(t testing.TB, engine *prom.Engine, w *world, expr string, d Derivation) (v verdict, ok bool) {
	fires, err := w.run(t, engine, expr)
	if err != nil {
		return v, false
	}
	crosses := make(trials, w.regimes)
	for _, b := range d.Branches() {
		part, err := w.run(t, engine, b.Condition())
		if collides(err) {
			return v, false
		}
		if err != nil {
			return verdict{problem: fmt.Sprintf("the condition %s: %v", b.Condition(), err)}, true
		}
		values, err := w.run(t, engine, b.Target)
		if collides(err) {
			return v, false
		}
		if err != nil {
			return verdict{problem: fmt.Sprintf("the target %s: %v", b.Target, err)}, true
		}
		for r := range part {
			if crosses[r] == nil {
				crosses[r] = map[string]trial{}
			}
			maps.Copy(crosses[r], part[r])
			v.quiet += max(0, len(values[r])-len(part[r]))
		}
	}
	v.strict = true
	names := commonNames(fires, crosses)
	for r := range fires {
		a, b := project(fires[r], names), project(crosses[r], names)
		v.fired += len(fires[r])
		if len(fires[r]) == 0 {
			v.quiet++
		}
		v.strict = v.strict && slices.Equal(slices.Sorted(maps.Keys(fires[r])), slices.Sorted(maps.Keys(crosses[r])))
		if !slices.Equal(a, b) && v.problem == "" {
			v.problem = fmt.Sprintf("regime %d: the alert fires for %v, the KPI crosses for %v", r, a, b)
		}
	}
	return v, true
}

// collides reports whether series of a world clash in a join or a union, which the rule itself
// runs into only when it fires.
func collides(err error) bool {
	return err != nil && (strings.Contains(err.Error(), "duplicate series") ||
		strings.Contains(err.Error(), "same labelset") || strings.Contains(err.Error(), "ensure unique matches"))
}

// commonNames are the labels that both sides have: labels that only a join adds aren't part of
// the KPI.
func commonNames(a, b trials) []string {
	names := func(ts trials) map[string]bool {
		found := map[string]bool{}
		for _, r := range ts {
			for _, t := range r {
				for name := range t.labels.Map() {
					found[name] = true
				}
			}
		}
		return found
	}
	both := names(b)
	var out []string
	for name := range names(a) {
		if both[name] {
			out = append(out, name)
		}
	}
	slices.Sort(out)
	return out
}

func project(ts map[string]trial, names []string) []string {
	set := map[string]bool{}
	for _, t := range ts {
		values := make([]string, len(names))
		for i, name := range names {
			values[i] = t.labels.Get(name)
		}
		set[strings.Join(values, ",")] = true
	}
	return slices.Sorted(maps.Keys(set))
}

// checkRule tries worlds until the rule has both fired and not fired.
func checkRule(t testing.TB, engine *prom.Engine, expr string, d Derivation) verdict {
	all := verdict{strict: true}
	worlds := 0
	for seed := range uint64(40) {
		v, ok := compareRule(t, engine, newWorld(MustParse(expr), seed), expr, d)
		if !ok {
			continue
		}
		worlds++
		all.fired += v.fired
		all.quiet += v.quiet
		all.strict = all.strict && v.strict
		if v.problem != "" {
			all.problem = fmt.Sprintf("seed %d: %s", seed, v.problem)
			return all
		}
		if all.fired > 0 && all.quiet > 0 && worlds >= 3 {
			break
		}
	}
	switch {
	case worlds == 0:
		all.problem = "no world in which it can be evaluated"
	case all.fired == 0:
		all.problem = "it never fired"
	case all.quiet == 0:
		all.problem = "it never was quiet"
	}
	return all
}

func TestTheKPIOfAPublicRuleCrossesWhenTheRuleFires(t *testing.T) {
	serial(t)
	rules := publicRules(t, "testdata/rules/*.yaml")
	engine := newEngine(t)
	good := 0
	for i, r := range rules {
		d, err := Derive(r.Expr)
		if err != nil {
			t.Logf("%d %s: %v", i, r.Alert, err)
			continue
		}
		if v := checkRule(t, engine, r.Expr, d); v.problem != "" {
			t.Logf("%d %s: %s\n%s\n%s", i, r.Alert, v.problem, MustParse(r.Expr), d.Condition())
			continue
		}
		good++
	}
	t.Logf("%d of %d", good, len(rules))
	if len(rules) != 139 || float64(good) < 0.95*float64(len(rules)) {
		t.Errorf("%d of %d rules have a KPI that crosses its threshold when the rule fires", good, len(rules))
	}
}

// checkParts compares, in one world, the parts of a breakdown with the whole, and the whole
// with the KPI. It returns the number of comparisons.
func checkParts(t testing.TB, engine *prom.Engine, w *world, d Derivation) (compared int, problem string) {
	m, err := d.Apart(MustParse(d.Target))
	if err != nil {
		return 0, ""
	}
	for _, term := range append(slices.Clone(m.Numerator), m.Denominator...) {
		whole, err := w.run(t, engine, term.By(nil))
		if collides(err) {
			continue
		}
		if err != nil {
			return compared, fmt.Sprintf("%s: %v", term.By(nil), err)
		}
		for _, names := range [][]string{{"instance"}, {"member", "instance"}, {"namespace", "job"}} {
			parts, err := w.run(t, engine, "sum("+term.By(names)+")")
			if err != nil {
				return compared, fmt.Sprintf("%s: %v", term.By(names), err)
			}
			for r := range whole {
				all, ok := whole[r]["{}"]
				if !ok {
					continue
				}
				compared++
				if sum := parts[r]["{}"]; differ(sum.value, all.value) {
					return compared, fmt.Sprintf("%s: the parts are %v, the whole is %v", term.By(names), sum.value, all.value)
				}
			}
		}
	}
	return compared, ""
}

// checkWhole compares an aggregated KPI with the quotient of its sides.
func checkWhole(t testing.TB, engine *prom.Engine, w *world, d Derivation) (compared int, problem string) {
	if d.Numerator == "" || d.Kind == KindQuantile {
		return 0, ""
	}
	kpi, err := w.run(t, engine, "("+d.Target+")")
	if err != nil {
		return 0, ""
	}
	sides := "(" + d.Numerator + ") / (" + d.Denominator + ")"
	quotient, err := w.run(t, engine, sides)
	if err != nil { // a join that the sides alone can't evaluate
		return 0, ""
	}
	for r := range kpi {
		for key, v := range kpi[r] {
			if q, ok := quotient[r][key]; ok && finiteBoth(v.value, q.value) {
				compared++
				if differ(v.value, q.value) {
					return compared, fmt.Sprintf("%s is %v, and %s is %v", d.Target, v.value, sides, q.value)
				}
			}
		}
	}
	return compared, ""
}

// differ reports whether two values differ by more than 1 % and a rounding error.
func differ(a, b float64) bool {
	return math.Abs(a-b) > max(0.01*math.Abs(b), 1e-9)
}

func finiteBoth(a, b float64) bool {
	return !math.IsNaN(a) && !math.IsInf(a, 0) && !math.IsNaN(b) && !math.IsInf(b, 0)
}

// checkAllParts checks each branch of each rule in its own world.
func checkAllParts(t *testing.T, rules []publicRule) (parts, quotients int) {
	t.Helper()
	engine := newEngine(t)
	for i, r := range rules {
		d, err := Derive(r.Expr)
		if err != nil {
			continue
		}
		for _, b := range d.Branches() {
			p, q, problem := checkBranch(t, engine, newWorld(MustParse(r.Expr), uint64(i)%3), b)
			if p == 0 && problem == "" { // with one series per entity, all joins work
				p, q, problem = checkBranch(t, engine, newWorld(MustParse(r.Expr), 1), b)
			}
			if problem != "" {
				t.Errorf("%s: %s", r.Alert, problem)
			}
			parts, quotients = parts+p, quotients+q
		}
	}
	t.Logf("%d sums of parts, %d quotients", parts, quotients)
	return parts, quotients
}

func checkBranch(t testing.TB, engine *prom.Engine, w *world, b Derivation) (parts, quotients int, problem string) {
	if parts, problem = checkParts(t, engine, w, b); problem != "" {
		return parts, 0, problem
	}
	quotients, problem = checkWhole(t, engine, w, b)
	return parts, quotients, problem
}

func TestThePartsOfAPublicRulesKPIAddUp(t *testing.T) {
	serial(t)
	parts, quotients := checkAllParts(t, publicRules(t, "testdata/rules/*.yaml"))
	if parts < 10_000 || quotients < 1000 {
		t.Errorf("only %d parts and %d quotients could be compared", parts, quotients)
	}
}
