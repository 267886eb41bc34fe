// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// A grammar generates random alerting rules that nest all constructs of PromQL used in rules.
type grammar struct {
	draw func(n int) int // one of 0 … n-1
}

func (g grammar) one(of ...string) string { return of[g.draw(len(of))] }

func (g grammar) number() string { return g.one("0", "1", "2", "5", "0.5", "-3", "100", "2 * 3") }

func (g grammar) comparison() string { return g.one(">", ">", "<", ">=", "<=", "==", "!=") }

func (g grammar) selector() string {
	return g.one("a", "b", "c", `a{job="x"}`, `b{job=~"x|y"}`, `c{env!="test"}`, `{__name__="a"}`, "a offset 5m", `{"b.c"}`)
}

func (g grammar) grouping() string {
	return g.one("", " by (job)", " by (job, instance)", " without (instance)", " without (member)")
}

func (g grammar) matching(many bool) string {
	how := g.one("", "", "", " on (job, instance)", " on (instance)", " ignoring (member)", " on ()")
	if many && how != "" && g.draw(3) == 0 {
		how += g.one(" group_left ()", " group_left (team)", " group_right ()")
	}
	return how
}

// vector generates an expression that has series.
func (g grammar) vector(depth int) string {
	if depth <= 0 {
		return g.selector()
	}
	in := func() string { return g.vector(depth - 1 - g.draw(2)) }
	switch g.draw(15) {
	case 0, 1:
		return fmt.Sprintf("%s%s (%s)", g.one("sum", "sum", "count", "avg", "min", "max", "group", "stddev"), g.grouping(), in())
	case 2:
		return fmt.Sprintf("%s(%s[%s])", g.one("rate", "increase", "delta", "changes", "avg_over_time", "max_over_time", "deriv", "count_over_time"), g.one("a", "b", `c{job="x"}`), g.one("5m", "10m"))
	case 3:
		return fmt.Sprintf("%s((%s)[10m:1m])", g.one("max_over_time", "min_over_time", "avg_over_time", "sum_over_time"), in())
	case 4:
		return fmt.Sprintf("%s(%s)", g.one("abs", "ceil", "round", "sgn", "timestamp", "sort", "exp"), in())
	case 5, 6:
		return fmt.Sprintf("(%s %s %s)", in(), g.one("*", "/", "+", "-"), g.number())
	case 7:
		return fmt.Sprintf("(%s %s %s)", g.number(), g.one("*", "/", "+", "-"), in())
	case 8, 9:
		return fmt.Sprintf("(%s %s%s %s)", in(), g.one("*", "/", "/", "+", "-"), g.matching(true), in())
	case 10:
		return fmt.Sprintf("(%s or%s %s)", in(), g.one("", " on (instance)", " on ()"), g.one(in(), "vector(0)", "0 * "+in()))
	case 11:
		return fmt.Sprintf("(%s %s bool %s)", in(), g.comparison(), g.number())
	case 12:
		return fmt.Sprintf(`label_replace(%s, "copy", "$1", "job", "(.*)")`, in())
	case 13:
		return fmt.Sprintf("-%s", in())
	default:
		return g.condition(depth - 1)
	}
}

// condition generates an expression that has series while it holds.
func (g grammar) condition(depth int) string {
	if depth <= 0 {
		return fmt.Sprintf("(%s %s %s)", g.selector(), g.comparison(), g.number())
	}
	in := func() string { return g.condition(depth - 1 - g.draw(2)) }
	switch g.draw(14) {
	case 0, 1, 2:
		return fmt.Sprintf("(%s %s %s)", g.vector(depth), g.comparison(), g.number())
	case 3:
		return fmt.Sprintf("(%s %s %s)", g.number(), g.comparison(), g.vector(depth))
	case 4:
		return fmt.Sprintf("(%s %s%s %s)", g.vector(depth-1), g.comparison(), g.matching(true), g.vector(depth-1))
	case 5, 6:
		return fmt.Sprintf("(%s and%s %s)", in(), g.matching(false), g.one(in(), g.selector()))
	case 7:
		return fmt.Sprintf("(%s unless%s %s)", g.one(in(), g.selector()), g.matching(false), in())
	case 8:
		return fmt.Sprintf("(%s or%s %s)", in(), g.one("", "", " on (instance)"), in())
	case 9:
		return g.one("absent("+g.selector()+")", "absent("+in()+")", "sort_desc("+in()+")", "round("+in()+")")
	case 10:
		return fmt.Sprintf("(%s * on (instance) group_left (team) c)", in())
	case 11:
		return fmt.Sprintf("%s%s (%s)", g.one("max", "min", "count", "sum", "avg"), g.grouping(), in())
	case 12:
		return fmt.Sprintf("((%s %s bool %s) %s %s)", g.vector(depth-1), g.comparison(), g.number(), g.one("==", ">="), "1")
	default:
		return fmt.Sprintf("(%s < time() - %s)", g.vector(depth-1), g.one("60", "3600"))
	}
}

func TestTheKPIOfARuleWrittenAtRandomCrossesWhenItFires(t *testing.T) {
	serial(t)
	engine := newEngine(t)
	fired, rules := 0, 0
	for seed := range uint64(500) {
		rng := rand.New(rand.NewPCG(seed, 3))
		text := grammar{rng.IntN}.condition(3)
		e, err := Parse(text)
		if err != nil {
			continue // such as a comparison of two numbers
		}
		d, err := Derive(text)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		v, ok := compareRule(t, engine, newWorld(e, seed%9), text, d)
		if !ok {
			continue
		}
		rules++
		if v.fired > 0 {
			fired++
		}
		if v.problem != "" {
			t.Errorf("%d: %s\n%s\n%s", seed, text, d.Condition(), v.problem)
		}
	}
	t.Logf("%d of %d fired", fired, rules)
	if fired < 300 {
		t.Errorf("only %d of %d rules fired", fired, rules)
	}
}
