// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/prometheus/prometheus/model/labels"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func TestRemovedLabels(t *testing.T) {
	for query, want := range map[string]bool{
		`m`:                                    false,
		`rate(m[5m])`:                          false,
		`sum(m)`:                               true,
		`sum by (job) (m)`:                     true,
		`sum by (job, instance) (m)`:           false,
		`sum without (job) (m)`:                false,
		`sum without (instance) (m)`:           true,
		`sum by (instance) (sum by (job) (m))`: true,
		`topk(3, m)`:                           true,
		`a / b`:                                false,
		`a / on (job) b`:                       true,
		`a / on (instance) b`:                  false,
		`a / ignoring (instance) b`:            true,
		`a / on (job) group_left b`:            false,
		`a and on (job) b`:                     false,
		`m / scalar(n)`:                        true,
		`histogram_quantile(.9, rate(m_bucket[5m]))`: false,
		`max_over_time(sum(m)[5m:1m])`:               true,
	} {
		if got := loses(expr.MustParse(query), "instance"); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestEverySelectorIsNarrowed(t *testing.T) {
	s := regions([]map[string]string{{"instance": "a", "zone": missingValue}})[0]
	for query, want := range map[string]string{
		`sum(rate(m[5m])) / sum(n offset 1h)`:   `sum(rate(m{instance="a",zone=""}[5m])) / sum(n{instance="a",zone=""} offset 1h)`,
		`sum(max_over_time(sum(m)[5m:1m]))`:     `sum(max_over_time(sum(m{instance="a",zone=""})[5m:1m]))`,
		`sum({__name__=~"m.*"})`:                `sum({__name__=~"m.*",instance="a",zone=""})`,
		`sum(m{instance="a"})`:                  `sum(m{instance="a",zone=""})`,
		`sum(m{instance=~"a.*"})`:               `sum(m{instance="a",instance=~"a.*",zone=""})`,
		`sum(m{instance="a",zone=""})`:          "", // already restricted
		`sum(m{instance="b"})`:                  "", // to another one
		`sum(m) + sum(n{zone="eu"})`:            "",
		`sum(absent(m))`:                        `sum(absent(m{instance="a",zone=""}))`,
		`sum(m * on (i) group_left (zone) n)`:   "", // joined from elsewhere
		`sum(label_join(m, "zone", "", "job"))`: "",
	} {
		got, ok := Candidate{Query: Query{Query: query}}.narrowed(s)
		if !ok {
			got.Query.Query = ""
		}
		if got.Query.Query != want {
			t.Errorf("%s\n got %s\nwant %s", query, got.Query.Query, want)
		}
	}
}

func TestLabelsThatAreNoPlaceAreDropped(t *testing.T) {
	many := make([]map[string]string, mostAlternatives+1)
	for i := range many {
		many[i] = map[string]string{"pod": fmt.Sprint(i), "zone": "eu"}
	}
	for want, set := range map[string][]map[string]string{
		"[]":                               nil,
		`[{a="1"}]`:                        {{"a": "1", "le": "5", "__name__": "m", "quantile": ".9"}},
		`[{zone="eu"}]`:                    many,
		`[{a=~"|1"}]`:                      {{"a": "1", "b": otherValues}, {"a": missingValue, "c": "3"}},
		`[{a="1", b="2"} {a="1"} {b="2"}]`: {{"b": "2", "a": "1"}},
	} {
		if got := fmt.Sprint(regions(set)); got != want {
			t.Errorf("%v\n got %s\nwant %s", set, got, want)
		}
	}
}

func TestASelectionSelectsExactlyItsValues(t *testing.T) {
	known := slices.DeleteFunc(append(promtest.HostileValues(), ".*", "A", "(?i)A", `\Qa\E`, "^a$", "a\n", `"} or vector(1) #`),
		unwritable)
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.OneOf(rapid.SampledFrom(known), rapid.StringN(0, 8, 24))
		all := slices.DeleteFunc(rapid.SliceOfNDistinct(values, 2, 14, rapid.ID[string]).Draw(t, "values"), unwritable)
		if len(all) < 2 {
			t.Skip()
		}
		n := rapid.IntRange(1, min(len(all)-1, mostAlternatives)).Draw(t, "found")
		checkSelects(t, all[:n], all[n:])
	})
}

func FuzzASelectionSelectsExactlyItsValues(f *testing.F) {
	f.Add("a", "b", "a|b")
	f.Add(`"} or m{x="`, "\n", ".*")
	f.Fuzz(func(t *testing.T, a, b, other string) {
		for _, s := range []string{a, b, other} {
			if unwritable(s) || s == missingValue || s == otherValues {
				t.Skip()
			}
		}
		if other != a {
			checkSelects(t, []string{a}, []string{other})
		}
		if other != a && other != b {
			checkSelects(t, []string{a, b}, []string{other})
		}
	})
}

// unwritable reports whether no label can have the value, or PromQL can't express it: it
// rejects the replacement character for invalid bytes.
func unwritable(v string) bool {
	return !utf8.ValidString(v) || strings.ContainsRune(v, utf8.RuneError)
}

func TestAValueThatPromQLCanNotWriteIsNotAskedFor(t *testing.T) {
	for _, r := range regions([]map[string]string{{"x": "a\ufffd"}}) {
		if c, ok := (Candidate{Query: Query{Query: "sum(m)"}}).narrowed(r); ok {
			t.Errorf("asks %s", c.Query.Query)
		}
	}
}

// checkSelects narrows a query to values, parses the result as Prometheus does, and compares
// the values it selects.
func checkSelects(t interface{ Fatalf(string, ...any) }, inside, outside []string) {
	var set []map[string]string
	for _, v := range inside {
		set = append(set, map[string]string{"x": v})
	}
	const whole = `sum by (job) (rate(m{y!="none"}[5m]))`
	c, ok := Candidate{Query: Query{Query: whole}}.narrowed(regions(set)[0])
	if !ok {
		t.Fatalf("%q: nothing is narrowed", inside)
	}
	e, err := expr.Parse(c.Query.Query)
	if err != nil {
		t.Fatalf("%q: %s: %v", inside, c.Query.Query, err)
	}
	selectors := expr.Selectors(e)
	ofX := func(m *labels.Matcher) bool { return m.Name == "x" }
	matchers := slices.Clone(selectors[0].LabelMatchers)
	selectors[0].LabelMatchers = slices.DeleteFunc(selectors[0].LabelMatchers, ofX)
	if e.String() != whole {
		t.Fatalf("%q: beside its matchers the query has become %s", inside, e)
	}
	selected := func(v string) bool {
		return !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return ofX(m) && !m.Matches(v) })
	}
	for _, v := range inside {
		if !selected(v) {
			t.Fatalf("%s doesn't select %q", c.Query.Query, v)
		}
	}
	for _, v := range outside {
		if selected(v) {
			t.Fatalf("%s selects %q", c.Query.Query, v)
		}
	}
}
