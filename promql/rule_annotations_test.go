// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

const (
	queueExpr   = "queue_length > 20"
	ownQueries  = `go_goroutines{pod="{{ $labels.pod }}"} # goroutines` + "\n" + `node_load1`
	evilQueries = `vault_tokens{pod="{{ $labels.pod }}"}`
)

// annotatedAlert is an alert whose rule may explain it; its sender has added queries, too.
func annotatedAlert(expr string) promql.Alert {
	a := queueAlert(expr)
	a.Annotated = true
	a.Annotations = model.LabelSet{config.AnnotationCandidates: evilQueries, config.AnnotationWindow: "baseline=1h"}
	return a
}

func queueRule(annotations map[string]string) promtest.Rule {
	return promtest.Rule{Alert: "CartQueue", Query: queueExpr, Labels: map[string]string{"severity": "page"}, Annotations: annotations}
}

// complete returns the completed rule and the texts of its warnings.
func complete(t *testing.T, f *promql.Fetcher, rule config.Rule, alert promql.Alert) (config.Rule, []string) {
	t.Helper()
	rule, _, warnings := f.Complete(t.Context(), rule, alert, nil)
	var texts []string
	for _, w := range warnings {
		texts = append(texts, w.Source+": "+w.Text)
	}
	return rule, texts
}

func TestTheAnnotationsOfTheAlertsOwnRuleAreUsed(t *testing.T) {
	s := promtest.New(t, fleet()+"vault_tokens{pod=\"cart-2\"} 1x190\n")
	s.PutRules(promtest.Rule{Alert: "Other", Query: queueExpr, Annotations: map[string]string{config.AnnotationBreakdown: "other"}}, queueRule(map[string]string{
		"summary": "{{ $value }} are waiting", config.AnnotationCandidates: ownQueries, config.AnnotationBreakdown: "pod",
		config.AnnotationTopology: "cart -> db", config.AnnotationWindow: "baseline=2h",
	}))
	f := newFetcher(t, s, nil)
	plan, frame, warnings := explain(t, f, annotatedAlert(queueExpr), after(180*time.Minute))
	if len(warnings) > 0 {
		t.Error(warnings)
	}
	want := []string{
		`goroutines{instance="10.0.0.2:80", job="cart", namespace="shop", pod="cart-2"}`,
		`node_load1{instance="10.0.0.0:9100", job="node"}`, `node_load1{instance="10.0.0.1:9100", job="node"}`, `node_load1{instance="10.0.0.2:9100", job="node"}`,
	}
	if got := names(frame); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := plan.Targets[0].Breakdown.Labels; !slices.Equal(got, []string{"pod"}) {
		t.Errorf("it is split by %v", got)
	}
	if got := plan.Topology.Edges; fmt.Sprint(got) != "[[cart db]]" {
		t.Errorf("the topology is %v", got)
	}
	if got := plan.Onset.Sub(plan.Start); got != 2*time.Hour {
		t.Errorf("the baseline is %s", got)
	}
	for _, q := range s.Queries() {
		if strings.Contains(q, "vault") {
			t.Errorf("what the sender of the alert has written was asked: %s", q)
		}
	}
}

// TestWhoseAnnotationsAreRead finds the rule of an alert, or none.
func TestWhoseAnnotationsAreRead(t *testing.T) {
	own := queueRule(map[string]string{config.AnnotationCandidates: "up # own"})
	other := func(change func(*promtest.Rule)) promtest.Rule {
		r := queueRule(map[string]string{config.AnnotationCandidates: "up # other"})
		change(&r)
		return r
	}
	for name, test := range map[string]struct {
		rules []promtest.Rule
		expr  string // of the alert
		want  string // the candidate, or the warning
	}{
		"its own":                 {[]promtest.Rule{own}, queueExpr, "own"},
		"however it is laid out":  {[]promtest.Rule{own}, "queue_length   >\n20", "own"},
		"without an expression":   {[]promtest.Rule{own}, "", "own"},
		"twice the same":          {[]promtest.Rule{own, own}, queueExpr, "own"},
		"another expression":      {[]promtest.Rule{own}, "queue_length > 21", ""},
		"another name":            {[]promtest.Rule{other(func(r *promtest.Rule) { r.Alert = "X" })}, queueExpr, ""},
		"another label":           {[]promtest.Rule{other(func(r *promtest.Rule) { r.Labels["severity"] = "info" }), own}, queueExpr, "own"},
		"of two expressions":      {[]promtest.Rule{other(func(r *promtest.Rule) { r.Query = "queue_length > 10" }), own}, queueExpr, "own"},
		"fewer of its labels":     {[]promtest.Rule{other(func(r *promtest.Rule) { r.Labels = nil }), own}, queueExpr, "own"},
		"more of its labels":      {[]promtest.Rule{own, other(func(r *promtest.Rule) { r.Labels["job"] = "cart" })}, queueExpr, "other"},
		"several":                 {[]promtest.Rule{own, other(func(*promtest.Rule) {})}, queueExpr, "several alerting rules of Prometheus make this alert"},
		"one of several has none": {[]promtest.Rule{own, other(func(r *promtest.Rule) { r.Annotations = nil })}, queueExpr, "several alerting rules"},
		"several, no expression":  {[]promtest.Rule{own, other(func(r *promtest.Rule) { r.Query = "x > 1" })}, "", "several alerting rules"},
		"no rules":                {nil, queueExpr, ""},
		"what else is written": {[]promtest.Rule{own, other(func(r *promtest.Rule) {
			r.Annotations = map[string]string{config.AnnotationCandidates: "up # own", "summary": "x"}
		})}, queueExpr, "own"},
		"rules have a label of any": {[]promtest.Rule{other(func(r *promtest.Rule) { r.Labels["team"] = "{{ $labels.team }}" })}, queueExpr, "other"},
	} {
		s := promtest.New(t, fleet())
		s.PutRules(test.rules...)
		rule, warnings := complete(t, newFetcher(t, s, nil), config.Rule{}, annotatedAlert(test.expr))
		got := ""
		if len(rule.Candidates) > 0 && !rule.Candidates[0].Default {
			got = rule.Candidates[0].Name
		}
		if all := strings.Join(warnings, "\n"); strings.HasPrefix(all, "rule annotations: ") {
			got = strings.TrimPrefix(all, "rule annotations: ")
		} else if got == "" && all != "" && test.expr != "" {
			t.Errorf("%s: %s", name, all)
		}
		if test.want == "" && got != "" || !strings.HasPrefix(got, test.want) {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
}

func TestAnnotationsAreReadOnlyIfTheyAreAskedFor(t *testing.T) {
	s := promtest.New(t, fleet())
	s.PutRules(queueRule(map[string]string{config.AnnotationCandidates: "up # own", "culprit_summary": "x"}))
	alert := annotatedAlert(queueExpr)
	alert.Annotated = false
	rule, warnings := complete(t, newFetcher(t, s, nil), config.Rule{}, alert)
	if slices.ContainsFunc(rule.Candidates, func(c config.Candidate) bool { return !c.Default }) || len(warnings) > 0 {
		t.Errorf("%+v, %q", rule.Candidates, warnings)
	}
	for _, r := range s.Requests() {
		if r.Path == "/api/v1/rules" {
			t.Error("the rules were asked for")
		}
	}
}

// TestErrorsInAnnotationsAreReported keeps the valid queries and counts the errors.
func TestErrorsInAnnotationsAreReported(t *testing.T) {
	s := promtest.New(t, fleet())
	s.PutRules(queueRule(map[string]string{
		config.AnnotationCandidates: "sum(up\nup # fine\nm{a=\"{{ $value }}\"}", config.AnnotationBreakdown: "le pod",
		config.AnnotationTopology: "a -> b\ncalls{", "culprit_candidate": "up",
	}))
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	reg := prometheus.NewRegistry()
	f, err := promql.NewFetcher(config.Prometheus{URL: config.NewURL(u)}, promql.NewMetrics(reg))
	if err != nil {
		t.Fatal(err)
	}
	rule, warnings := complete(t, f, config.Rule{Name: "of the file", Window: config.Window{Incident: 7}}, annotatedAlert(queueExpr))
	want := config.Rule{
		Name: "of the file", Candidates: []config.Candidate{{Name: "fine", Query: "up"}}, Breakdown: &config.Breakdown{Labels: []string{"pod"}},
		Topology: &config.Topology{Edges: [][]string{{"a", "b"}}}, Window: config.Window{Incident: 7},
	}
	if d := cmp.Diff(want, rule); d != "" {
		t.Error(d)
	}
	for i, want := range []string{
		`culprit_breakdown of the rule CartQueue, line 1: "le" can't be a label to split by: each bucket includes those below it; hint: leave it out`,
		`culprit_candidate of the rule CartQueue, line 1: is not an annotation that culprit reads; hint: did you mean "culprit_candidates"?`,
		`culprit_candidates of the rule CartQueue, line 1: 1:7: parse error: unclosed left parenthesis; hint: `,
		`culprit_candidates of the rule CartQueue, line 3: undefined variable "$value"; hint: an annotation may use {{ $labels.name }}`,
		`culprit_topology of the rule CartQueue, line 2: 1:7: parse error: unexpected end of input inside braces`,
	} {
		if i >= len(warnings) || !strings.HasPrefix(warnings[i], "rule annotations: "+want) {
			t.Errorf("warning %d is not %q:\n%s", i, want, strings.Join(warnings, "\n"))
		}
	}
	if err := testutil.GatherAndCompare(reg, strings.NewReader(`# HELP culprit_rule_annotations_total Analyses of alerts by what became of the culprit_* annotations of their rules: used, mistaken (a part was left out) or unread (rules could not be read, or several fit).
# TYPE culprit_rule_annotations_total counter
culprit_rule_annotations_total{outcome="mistaken",server=""} 1
culprit_rule_annotations_total{outcome="unread",server=""} 0
culprit_rule_annotations_total{outcome="used",server=""} 0
`), "culprit_rule_annotations_total"); err != nil {
		t.Error(err)
	}
}

func TestWithoutTheRulesAnAlertIsExplainedAllTheSame(t *testing.T) {
	s := promtest.New(t, fleet())
	s.Fail("/api/v1/rules", promtest.Failure{Status: 403, Type: "forbidden", Text: "no"})
	rule, warnings := complete(t, newFetcher(t, s, nil), config.Rule{}, annotatedAlert(queueExpr))
	if len(rule.Candidates) == 0 || len(warnings) != 1 || !strings.HasPrefix(warnings[0], "rule annotations: the rules of Prometheus could not be read: ") {
		t.Errorf("%+v, %q", rule.Candidates, warnings)
	}
}
