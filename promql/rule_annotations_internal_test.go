// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// candidatesOf expands the queries of an annotation for an alert whose label s has the given
// value; invalid ones are omitted.
func candidatesOf(annotation, s string) map[string]parser.Expr {
	rule, _ := FromAnnotations(map[string]string{config.AnnotationCandidates: annotation, config.AnnotationTopology: annotation})
	data := newAlertData(Alert{Labels: model.LabelSet{"s": model.LabelValue(s)}})
	found := map[string]parser.Expr{}
	queries := []string{}
	for _, c := range rule.Candidates {
		queries = append(queries, c.Query)
	}
	if rule.Topology != nil && rule.Topology.Query != "" {
		queries = append(queries, rule.Topology.Query)
	}
	for _, q := range queries {
		if e, _, err := expand(q, data); err == nil {
			found[q] = e
		}
	}
	return found
}

// inEveryPlace are annotations that use a value in every place where one is allowed.
func inEveryPlace() map[string]func(value string) string {
	same := func(v string) string { return v }
	return map[string]func(string) string{
		`m{s="{{ $labels.s }}"}`:                                               same,
		`m{s="{{ .Labels.s }}"} # {{ $labels.s }}`:                             same,
		`m{s=~"{{ $labels.s }}"}`:                                              same,
		`m{s=~"({{ $labels.s }})"}`:                                            same,
		`sum by (s) (m{s='{{ $labels.s }}'})`:                                  same,
		"last_over_time(m{s=`{{ $labels.s }}`}[5m])":                           same,
		`{__name__="m", s="{{ if ne $labels.s "" }}{{ $labels.s }}{{ end }}"}`: same,
		`m{s="{{ if $labels.s }}{{ $labels.s }}{{ else }}none{{ end }}"}`:      func(v string) string { return ifEmpty(v, "none") },
		`m{s="{{ toUpper $labels.s }}"}`:                                       strings.ToUpper,
		`m{s="{{ $labels.s | toLower }}"}`:                                     strings.ToLower,
		`m{s="{{ reReplaceAll "^a" "b" $labels.s }}"}`:                         func(v string) string { return regexp.MustCompile("^a").ReplaceAllString(v, "b") },
		`m{s="{{ or $labels.s "none" }}"}`:                                     func(v string) string { return ifEmpty(v, "none") },
	}
}

func ifEmpty(v, otherwise string) string {
	if v == "" {
		return otherwise
	}
	return v
}

// secrets has one series for each of the values, and one that no query asks for.
func secrets(t testing.TB, values []string) storage.Queryable {
	t.Helper()
	db := promqltest.LoadedStorage(t, "")
	app := db.Appender(t.Context())
	for _, v := range values {
		for _, metric := range []string{"m", "secret"} {
			if _, err := app.Append(0, labels.FromStrings("__name__", metric, "s", v), 0, 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	return db
}

// selects runs a query and returns the values of s in its result.
func selects(t testing.TB, engine *promql.Engine, db storage.Queryable, query string) []string {
	t.Helper()
	q, err := engine.NewInstantQuery(t.Context(), db, nil, query, time.UnixMilli(0))
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	defer q.Close()
	v, err := q.Exec(t.Context()).Vector()
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var values []string
	for _, s := range v {
		if name := s.Metric.Get("__name__"); name != "m" && name != "" {
			t.Fatalf("%s selects %s", query, s.Metric)
		}
		values = append(values, s.Metric.Get("s"))
	}
	return values
}

// engineFor returns a check that uses an engine whose storage has series that hostile values
// could select.
func engineFor(t testing.TB) func(t testing.TB, annotation, value string, want func(string) string) {
	known := slices.DeleteFunc(append(promtest.HostileValues(), "A", "none", "b", "secret", `"} or secret{s!="`, ".*"), unwritable)
	slices.Sort(known)
	known = slices.Compact(known)
	engine, db := promqltest.NewTestEngine(t, false, 5*time.Minute, 100_000), secrets(t, known)
	return func(t testing.TB, annotation, value string, want func(string) string) {
		for q, e := range candidatesOf(annotation, value) {
			got := selects(t, engine, db, e.String())
			expected := []string{}
			if v := want(value); slices.Contains(known, v) {
				expected = append(expected, v)
			}
			if !slices.Equal(got, expected) && len(got)+len(expected) > 0 {
				t.Errorf("%s for %q asks %s, and selects %q, want %q", q, value, e, got, expected)
			}
		}
	}
}

// TestHostileValuesInAnnotationsSelectNothingElse runs the queries in Prometheus's own engine.
func TestHostileValuesInAnnotationsSelectNothingElse(t *testing.T) {
	check := engineFor(t)
	for annotation, want := range inEveryPlace() {
		if len(candidatesOf(annotation, "a")) == 0 {
			t.Errorf("%s gives no query", annotation)
		}
		for _, v := range append(promtest.HostileValues(), `"} or secret{s!="`, "a") {
			if !unwritable(v) {
				check(t, annotation, v, want)
			}
		}
	}
}

// FuzzAnnotatedQueries uses any value in a selector of one series, and any text as annotation:
// whatever the value, the query stays the one its author wrote.
func FuzzAnnotatedQueries(f *testing.F) {
	all := inEveryPlace()
	places := slices.Sorted(maps.Keys(all))
	for i, v := range promtest.HostileValues() {
		f.Add(v, places[i%len(places)])
	}
	for _, text := range hostileAnnotations() {
		f.Add(`"} or secret{s!="`, text)
	}
	check := engineFor(f)
	choices := regexp.MustCompile(`\b(if|eq|ne|not)\b`)
	f.Fuzz(func(t *testing.T, v, text string) {
		if unwritable(v) {
			t.Skip()
		}
		place := places[len(text)%len(places)]
		check(t, place, v, all[place])
		if choices.MatchString(text) { // a choice of the author's, among the author's texts only
			t.Skip()
		}
		usual := candidatesOf(text, "usual")
		for q, e := range candidatesOf(text, v) {
			if again, err := expr.Parse(e.String()); err != nil || again.String() != e.String() {
				t.Fatalf("%q: %s is printed as %s: %v", q, v, e, err)
			}
			if other := usual[q]; other == nil || withoutValues(e) != withoutValues(other) {
				t.Fatalf("%q with %q becomes %s, and usually is %s", q, v, e, other)
			}
		}
	})
}

// withoutValues clears the values of all matchers of an expression.
func withoutValues(e parser.Expr) string {
	e = expr.MustParse(e.String())
	for _, s := range expr.Selectors(e) {
		s.LabelMatchers = blank(s)
	}
	return e.String()
}

// hostileAnnotations try more than an annotation may: select other series with a value, use
// excessive memory or time, or use what Prometheus does not support.
func hostileAnnotations() []string {
	return []string{
		`{{ $labels.s }}`, `m{s="a"} or {{ .Labels.s }}`, `{{ . }}`, `m{s="{{ . }}"}`, `{{ $ }}`, `{{ .Labels }}`, `m{s="{{ .Labels }}"}`,
		`{{ range .Labels }}m{s="{{ . }}"}{{ end }}`, `{{ range 1000000000000 }}m + {{ end }}m`,
		`{{ define "t" }}{{ template "t" }}{{ end }}{{ template "t" }}`, `{{ template "query" . }}`, `{{ block "t" . }}m{{ end }}`, `m{s="{{ with $labels.s }}{{ . }}{{ end }}"}`,
		`{{ $x := "m" }}{{ $x = printf "%s%s" $x $x }}{{ $x }}`, `{{ with $x := "m" }}{{ $x }}{{ end }}`,
		`{{ printf "%1000000d" 1 }}`, `m{s="{{ print .Labels.s }}"}`, `m{s="{{ .Label "s" }}"}`, `m{s="{{ .Annotations.a }}"}`, `m @ {{ .StartsAt.Unix }}`,
		`m{s="{{ .Labels.s.String }}"}`, `m{s="{{ (index .Labels "s") }}"}`, `m{s="{{ call .Labels.s }}"}`, `m{s="{{ js .Labels.s }}"}`,
		`m{s="{{ $labels.s | trimPrefix "a" }}"}`, `m{s="{{ $value }}"}`, `m{s="{{ $externalLabels.s }}"}`, `m{s="{{ query "up" }}"}`,
		`m{s="{{ nil }}"}`, `m{s="{{ $labels.s`, `m[{{ $labels.s }}]`, `sum by ({{ $labels.s }}) (m)`, "m{s=~`\\Q{{ $labels.s }}\\E`}",
		`label_replace(m, "{{ $labels.s }}", "", "", "")`, `m[5m]`, `"text"`, `m{`, strings.Repeat("(", 10_000),
	}
}

// TestHostileAnnotationsAreNotRead expects no candidates, and one hint each.
func TestHostileAnnotationsAreNotRead(t *testing.T) {
	for _, text := range hostileAnnotations() {
		for _, name := range []string{config.AnnotationCandidates, config.AnnotationTopology} {
			rule, mistakes := FromAnnotations(map[string]string{name: text})
			if len(rule.Candidates) > 0 || rule.Topology != nil {
				t.Errorf("%s: %.60s: %+v", name, text, rule)
			}
			if len(mistakes) == 0 || mistakes[0].Hint == "" || mistakes[0].File != name || mistakes[0].Line != 1 {
				t.Errorf("%s: %.60s: %v", name, text, mistakes)
			}
		}
	}
}

// Printing all of a template's data reveals no value either.
func TestTheWholeOfAnAlertShowsNothing(t *testing.T) {
	for _, text := range []string{`m{s="{{ . }}"}`, `m{s="{{ printf "%v" . }}"}`, `m{s="{{ printf "%#v" $ }}"}`, `m{s="{{ print . | js | html }}"}`} {
		e, _, err := expand(text, newAlertData(Alert{Labels: model.LabelSet{"s": `x"} or secret{s!="`, "a.b": `x"} or secret{s!="`}}))
		if err == nil && e.String() != `m{s=""}` {
			t.Errorf("%s gives %s", text, e)
		}
	}
}

// A value may not grow without bounds, whoever wrote the template.
func TestAReplacementThatGrowsIsRefused(t *testing.T) {
	grow := `m{s="{{ $labels.s` + strings.Repeat(` | reReplaceAll "(.*)" "$1$1$1$1$1$1$1$1"`, 30) + `}}"}`
	for _, v := range []string{strings.Repeat("a", 600), strings.Repeat("a", longestValue+1)} {
		if found := candidatesOf(grow, v); len(found) > 0 {
			t.Errorf("%d bytes: %.200s", len(v), fmt.Sprint(found))
		}
	}
	for pattern, want := range map[string]string{"": "-a-b-", "b*": "-a-", "(a)(b)": "-", "x": "ab", "a|$": "-b-"} {
		got, err := replaced(regexp.MustCompile(pattern), "-", "ab")
		if err != nil || string(got) != want || want != regexp.MustCompile(pattern).ReplaceAllString("ab", "-") {
			t.Errorf("%q: %q, %v", pattern, got, err)
		}
	}
}
