// SPDX-License-Identifier: Apache-2.0

package probe

import (
	"slices"
	"testing"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
)

// TestHowATemplateIsProbed expands texts as the plan of an alert would.
func TestHowATemplateIsProbed(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{`a{s="{{ .Labels.service }}"}`, `a{s!=""}`},
		{`a{s=~"{{ .Labels.service }}-.*",x="1"}`, `a{s!="",x="1"}`},
		{`a{s!="{{ .Labels.service }}"}`, `a`},
		{`a{s!~"{{ .Labels.service | toUpper }}.*"}`, `a`},
		{`a{s="{{ .Label "http.status" }}"} / b{t="{{ index .Labels "team" }}"}`, `a{s!=""} / b{t!=""}`},
		{`sum by (x) (rate(a{s="{{ .Annotations.run }}"}[5m]))`, `sum by (x) (rate(a{s!=""}[5m]))`},
		{`a{s="{{ if eq .Labels.env "prod" }}p{{ else }}t{{ end }}"}`, `a{s="t"}`},
		{`a{s="culprit"}`, `a{s="culprit"}`},
	} {
		r := config.Rule{Name: "r", Candidates: []config.Candidate{{Name: "c", Query: c.text}}}
		qs := candidates(r, "candidates", r.Candidates)
		if len(qs) != 1 || qs[0].err != nil || qs[0].query != c.want {
			t.Errorf("%s: %+v", c.text, qs)
		}
	}
}

func TestAQueryThatNoAlertCanMakeSaysWhy(t *testing.T) {
	only := constant(config.Rule{Candidates: []config.Candidate{{Name: "c", Query: "{{ .Labels.metric }}"}}})
	q := ofPlan(config.Rule{Name: "r"}, "candidates[0].query", "{{ .Labels.metric }}", only, func(p promql.Plan) string {
		return p.Targets[0].Candidates[0].Query.Query
	})
	if q.err == nil {
		t.Errorf("it is asked as %q", q.query)
	}
}

func TestSelectorsAreRestrictedToALabel(t *testing.T) {
	got := withLabel(`sum(rate(a{x="1"}[5m])) / sum(rate(a{x="1"}[5m] offset 1h)) > bool 1`, "pod")
	if want := []string{`{__name__="a",pod!="",x="1"}`}; !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
}
