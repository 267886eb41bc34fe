// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/promql/promtest"
)

func dataWith(v string) alertData {
	return newAlertData(Alert{
		Labels:      model.LabelSet{"service": model.LabelValue(v), "http.status": model.LabelValue(v)},
		Annotations: model.LabelSet{"summary": model.LabelValue(v)},
		StartsAt:    time.Unix(1_700_000_000, 0),
	})
}

func TestValuesOfLabelsStayValues(t *testing.T) {
	for _, v := range promtest.HostileValues() {
		e, _, err := expand(`sum(rate(m{service="{{ .Labels.service }}",path!="{{ .Annotations.summary }}"}[5m]))`, dataWith(v))
		if err != nil {
			t.Errorf("%q: %v", v, err)
			continue
		}
		again, err := expr.Parse(e.String())
		if err != nil {
			t.Errorf("%q: the query can't be parsed: %s: %v", v, e, err)
			continue
		}
		s := expr.Selectors(again)
		if len(s) != 1 || len(s[0].LabelMatchers) != 3 {
			t.Errorf("%q: gave another query: %s", v, e)
			continue
		}
		for _, m := range s[0].LabelMatchers {
			if m.Name != model.MetricNameLabel && m.Value != v {
				t.Errorf("%q: the matcher is %s", v, m)
			}
		}
	}
}

func TestARegularExpressionMatchesTheValueAndNothingElse(t *testing.T) {
	for _, v := range promtest.HostileValues() {
		e, _, err := expand(`m{service=~"{{ .Labels.service }}"}`, dataWith(v))
		if err != nil {
			if utf8.ValidString(v) {
				t.Errorf("%q: %v", v, err)
			}
			continue
		}
		m := matcherOn(t, expr.MustParse(e.String()).String(), "service")
		if !m.Matches(v) {
			t.Errorf("%s doesn't match %q", m, v)
		}
		for _, other := range append(promtest.HostileValues(), v+"x", "x"+v) {
			if other != v && m.Matches(other) {
				t.Errorf("%s matches %q", m, other)
			}
		}
	}
}

func matcherOn(t *testing.T, query, label string) *labels.Matcher {
	t.Helper()
	for _, s := range expr.Selectors(expr.MustParse(query)) {
		for _, m := range s.LabelMatchers {
			if m.Name == label {
				return m
			}
		}
	}
	t.Fatalf("no matcher on %s in %s", label, query)
	return nil
}

func TestAValueBeforeARepetitionIsKeptTogether(t *testing.T) {
	e, _, err := expand(`m{service=~"({{ .Labels.service }},){{ .Labels.service }}+"}`, dataWith("ab"))
	if err != nil {
		t.Fatal(err)
	}
	m := matcherOn(t, e.String(), "service")
	if !m.Matches("ab,abab") || m.Matches("ab,abb") {
		t.Errorf("%s", m)
	}
}

func TestTemplatesMayChangeValues(t *testing.T) {
	for text, want := range map[string]string{
		`m{a="{{ .Labels.service }}-db"}`:                                                   `m{a="Cart-1-db"}`,
		`m{a="{{ toLower .Labels.service }}"}`:                                              `m{a="cart-1"}`,
		`m{a="{{ .Labels.service | toUpper }}"}`:                                            `m{a="CART-1"}`,
		`m{a="{{ .Labels.service | trimSuffix "-1" | trimPrefix "C" }}"}`:                   `m{a="art"}`,
		`m{a="{{ reReplaceAll "-[0-9]+$" "" .Labels.service }}"}`:                           `m{a="Cart"}`,
		`m{a="{{ slice .Labels.service 0 2 }}"}`:                                            `m{a="Ca"}`,
		`m{a="{{ .Label "http.status" }}"}`:                                                 `m{a="Cart-1"}`,
		`m{a="{{ printf "%s/%s" .Labels.service "x" }}"}`:                                   `m{a="Cart-1/x"}`,
		`{{ if eq .Labels.service "Cart-1" }}one{{ else }}other{{ end }}`:                   `one`,
		`{{ if .Labels.nope }}one{{ else }}other{{ end }}`:                                  `other`,
		`{{ with .Labels.service }}m{a="{{ . }}"}{{ end }}`:                                 `m{a="Cart-1"}`,
		`m @ {{ .StartsAt.Unix }}`:                                                          `m @ 1700000000.000`,
		`{__name__="{{ .Labels.service }}"}`:                                                `{__name__="Cart-1"}`,
		`{"{{ .Labels.service }}"}`:                                                         `{__name__="Cart-1"}`, // equal once parsed
		"m{a=\"x\"} # {{ .Labels.service }}":                                                `m{a="x"}`,
		`sum by ({{ range $name, $_ := .Annotations }}{{ $name }}{{ end }}) (m)`:            `sum by (summary) (m)`,
		`m{a="{{ html .Labels.service }}",b="{{ js .Labels.service | urlquery | print }}"}`: `m{a="Cart-1",b="Cart-1"}`,
	} {
		e, _, err := expand(text, dataWith("Cart-1"))
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if e.String() != want {
			t.Errorf("%s gave %s, want %s", text, e, want)
		}
	}
}

func TestAValueOutsideOfAMatcherIsRefused(t *testing.T) {
	for _, text := range []string{
		`{{ .Labels.service }}`,
		`{{ .Labels.service }}{a="b"}`,
		`{"{{ .Labels.service }}"="x"}`,
		`m{ {{ .Labels.service }}="x"}`,
		`m > {{ .Labels.service }}`,
		`rate(m[{{ .Labels.service }}])`,
		`m offset {{ .Labels.service }}`,
		`m @ {{ .Labels.service }}`,
		`sum by ({{ .Labels.service }}) (m)`,
		`sum by ("{{ .Labels.service }}") (m)`,
		`sum without ({{ .Labels.service }}) (m)`,
		`a * on({{ .Labels.service }}) group_left({{ .Labels.service }}) b`,
		`label_replace(m, "a", "{{ .Labels.service }}", "b", ".*")`,
		`count_values("{{ .Labels.service }}", m)`,
		`{{ .Labels.service }}(m)`,
		`m {{ .Labels.service }} m`,
		`{{ printf "%d%p%x" .Labels.service .Labels.service .Labels.service }}`,
		`{{ .Labels }}`,
	} {
		for _, v := range []string{"up", "5", "5m", "a"} {
			e, _, err := expand(text, dataWith(v))
			if err == nil {
				t.Errorf("%s with %q gave %s", text, v, e)
				continue
			}
			if strings.Contains(err.Error(), placeholderStart) {
				t.Errorf("%s: the error shows a placeholder: %v", text, err)
			}
		}
	}
}

func TestTheErrorOfAMisplacedValueSaysWhereItMayStand(t *testing.T) {
	for _, text := range []string{`{{ .Labels.service }}`, `rate(m[{{ .Labels.service }}])`, `m > {{ .Labels.service }}`} {
		if _, _, err := expand(text, dataWith("x")); !errors.Is(err, errMisplaced) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAMatcherThatStaysEmptyIsNoted(t *testing.T) {
	_, missing, err := expand(`m{a="{{ .Labels.nope }}",b="",c=~"{{ .Labels.service }}"}`, dataWith("x"))
	if err != nil || fmt.Sprint(missing) != `[a=""]` {
		t.Errorf("missing %v, %v", missing, err)
	}
}

func TestANameThatIsNoIdentifierDoesNotReachARange(t *testing.T) {
	data := newAlertData(Alert{Labels: model.LabelSet{`a) or vector(1) or (b`: "x", "ok": "y"}})
	e, _, err := expand(`sum by ({{ range $name, $_ := .Labels }}{{ $name }}{{ end }}) (m)`, data)
	if err != nil || e.String() != "sum by (ok) (m)" {
		t.Errorf("%v, %v", e, err)
	}
}

func TestQuotingByTheRuleItselfIsRefused(t *testing.T) {
	if _, _, err := expand(`m{a=~`+"`\\Q{{ .Labels.service }}\\E`"+`}`, dataWith("x")); err == nil {
		t.Error("a value inside of \\Q…\\E was accepted")
	}
}

// However a label's value is printed, it never becomes a part of the query other than a
// matcher's value.
func FuzzValues(f *testing.F) {
	verbs := []string{"%s", "%v", "%d", "%p", "%x", "%q", "%T", "%!", "%#v", "%+v", "%5.2s", "%[2]v"}
	for i, v := range promtest.HostileValues() {
		f.Add(v, i)
	}
	f.Fuzz(func(t *testing.T, v string, verb int) {
		text := `a{s="{{ .Labels.service }}",r=~"x{{ .Labels.service }}y",n!~"{{ .Labels.service }}+"} + b{x="{{ .Labels.service | toLower }}"}`
		e, _, err := expand(text, dataWith(v))
		if err != nil {
			if utf8.ValidString(v) {
				t.Fatalf("%q: %v", v, err)
			}
			return
		}
		if got := expr.MustParse(e.String()).String(); got != e.String() {
			t.Fatalf("%q: printed as %s, read as %s", v, e, got)
		}
		if m := matcherOn(t, e.String(), "s"); m.Value != v {
			t.Fatalf("%q: %s", v, m)
		}
		if m := matcherOn(t, e.String(), "r"); !m.Matches("x"+v+"y") || m.Matches(v) && v != "x"+v+"y" {
			t.Fatalf("%q: %s", v, m)
		}
		if m := matcherOn(t, e.String(), "n"); v != "" && m.Matches(v+v) {
			t.Fatalf("%q: %s", v, m)
		}
		spelled := fmt.Sprintf(`{{ printf %q .Labels.service .Annotations.summary }}`, verbs[uint(verb)%uint(len(verbs))])
		outside, _, err := expand("m{a=\"b\"} + "+spelled, dataWith(v))
		if err == nil {
			t.Fatalf("%s with %q gave %s", spelled, v, outside)
		}
	})
}
