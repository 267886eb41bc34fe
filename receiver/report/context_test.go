// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
)

func TestFactsAreReadFromLabelsAndAnnotations(t *testing.T) {
	got := FactsOf(Alert{
		Labels:      model.LabelSet{"alertname": "A", "team": "payments", "owner": "ann"},
		Annotations: model.LabelSet{"runbook_url": "https://r.example.org/a", "repo": "github.com/shop/pay", "team": "others", "dashboard": model.LabelValue(strings.Repeat("x", 400))},
	})
	want := []Fact{{"owner", "ann", "label"}, {"team", "payments", "label"}, {"runbook", "https://r.example.org/a", "annotation"}, {"repository", "github.com/shop/pay", "annotation"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	got = FactsIn(model.LabelSet{"__name__": "kube_deployment_labels", "namespace": "shop", "label_example_org_team": "payments", "label_app": "pay", "owner": "not of kube-state-metrics", "annotation_owner": "ann\n"})
	want = []Fact{{"owner", "ann", "kube_deployment_labels"}, {"team", "payments", "kube_deployment_labels"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// The found place may also be the place of a change.
func TestAChangeIsAlsoAPlace(t *testing.T) {
	set := map[string]string{"version": "v42", "path": "/pay"}
	released := analysis.Finding{Kind: analysis.KindChange, Confidence: analysis.High, Evidence: analysis.Evidence{Places: []map[string]string{set}}}
	alert := Alert{Labels: model.LabelSet{"service": "checkout"}}
	if got := Where(alert, []analysis.Finding{released}); !got.Equal(model.LabelSet{"service": "checkout", "version": "v42", "path": "/pay"}) {
		t.Errorf("of a change it is %v", got)
	}
	released.Confidence = analysis.Low
	if got := Where(alert, []analysis.Finding{released}); !got.Equal(alert.Labels) {
		t.Errorf("of a guess it is %v", got)
	}
}

// Links of common kinds.
func TestLinksAreFilledIn(t *testing.T) {
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	to := LinkTo{Labels: model.LabelSet{"service": `pay "2"`, "pod": "pay-1", "namespace": "shop"}, From: at, To: at.Add(time.Hour), TraceID: "4bf92f35/../x"}
	for text, want := range map[string]string{
		`https://jaeger.example.org/trace/{{ .TraceID }}`:                                                                                             "https://jaeger.example.org/trace/4bf92f35%2F..%2Fx",
		`https://zipkin.example.org/zipkin/traces/{{ .TraceID }}`:                                                                                     "https://zipkin.example.org/zipkin/traces/4bf92f35%2F..%2Fx",
		`https://x.example.org/search?service={{ .Labels.service }}&start={{ .From.UnixMicro }}`:                                                      "https://x.example.org/search?service=pay%20%222%22&start=1795953600000000",
		`https://kibana.example.org/app/discover#/?_g=(time:(from:'{{ .From.Format "2006-01-02T15:04:05Z" }}'))&_a=(query:(query:'{{ kql "pod" }}'))`: "https://kibana.example.org/app/discover#/?_g=(time:(from:'2026-11-29T12:00:00Z'))&_a=(query:(query:'pod%3A%22pay-1%22'))",
		`https://x.example.org/?q={{ .Labels.gone }}`:                                                                                                 "",
		`https://x.example.org/?q={{ selector "gone" }}`:                                                                                              "",
		`https://x.example.org/?q={{ quoted "service" }}`:                                                                                             "https://x.example.org/?q=%22pay%20%5C%222%5C%22%22",
		`https://{{ .Labels.service }}.example.org/`:                                                                                                  "",
		`https://a@example.org/`:                                                                                                                      "",
		`javascript:alert({{ .Labels.pod }})`:                                                                                                         "",
		`https://x.example.org{{ .Labels.pod }}/`:                                                                                                     "",
	} {
		got, ok := to.Fill(text)
		if got != want || ok != (want != "") {
			t.Errorf("%s: %q, %t", text, got, ok)
		}
	}
}

// The links of the README work.
func TestTheLinksOfTheREADMELead(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\ncontext:\n")
	section, _, _ = strings.Cut(section, "\n```")
	c, err := config.Parse("receiver/README.md", []byte("prometheus: {url: 'http://p'}\ncontext:\n"+section))
	if err != nil || len(CheckLinks(c)) != 0 {
		t.Fatalf("%v %v", err, CheckLinks(c))
	}
	at := time.Date(2026, 11, 29, 12, 0, 0, 0, time.UTC)
	links := LinksOf(c.Context, LinkTo{Labels: model.LabelSet{"namespace": `sh"o}p`, "pod": "pay-1", "service": "pay"}, From: at, To: at.Add(time.Hour)})
	if len(links) != 3 {
		t.Fatalf("%v", links)
	}
	loki, err := url.Parse(links[0].URL)
	if err != nil {
		t.Fatal(err)
	}
	var left struct {
		Queries []struct{ Expr string }
		Range   struct{ From, To string }
	}
	if err := json.Unmarshal([]byte(loki.Query().Get("left")), &left); err != nil || left.Queries[0].Expr != `{ namespace="sh\"o}p", pod="pay-1" }` || left.Range.From != "1795953600000" {
		t.Errorf("%v: %+v", err, left)
	}
	if kibana, err := url.Parse(links[1].URL); err != nil || !strings.Contains(kibana.Fragment, `service:"pay"`) {
		t.Errorf("%v: %s", err, links[1].URL)
	}
	if jaeger, err := url.Parse(links[2].URL); err != nil || jaeger.Query().Get("service") != "pay" || jaeger.Query().Get("start") != "1795953600000000" {
		t.Errorf("%v: %s", err, links[2].URL)
	}
}

// Whatever labels contain, a link leads to its template's host, and a value stays one value.
func TestNoLabelChoosesWhereALinkLeads(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.String().Draw(t, "value")
		address, ok := LinkTo{Labels: model.LabelSet{"a": model.LabelValue(v)}}.Fill("https://logs.example.org/{{ .Labels.a }}?q={{ .Labels.a }}&end=1#{{ .Labels.a }}")
		if !ok {
			if v != "" {
				t.Fatalf("%q is left out", v)
			}
			return
		}
		u, err := url.Parse(address)
		if err != nil || u.Scheme != "https" || u.Host != "logs.example.org" || u.Query().Get("q") != v || u.Query().Get("end") != "1" || len(u.Query()) != 2 {
			t.Fatalf("%q: %s, %v", v, address, err)
		}
	})
}

func TestTemplatesOfLinksAreChecked(t *testing.T) {
	c, err := config.Parse("culprit.yml", []byte(`
prometheus: {url: "http://p:9090"}
context:
  links:
    - {name: Logs, url: 'https://logs.example.org/?q={{ selector "namespace" "pod" }}&from={{ .From.UnixMilli }}'}
    - {name: A, url: 'https://{{ .Labels.cluster }}.example.org/'}
    - {name: B, url: 'https://x.example.org/{{ .Labels'}
    - {name: C, url: 'https://x.example.org/{{ .Alert.Name }}'}
  traces: {url: 'javascript:{{ .TraceID }}'}
`))
	if err != nil {
		t.Fatal(err)
	}
	var got []int
	for _, m := range CheckLinks(c) {
		got = append(got, m.Line)
	}
	if diff := cmp.Diff([]int{6, 7, 8, 9}, got); diff != "" {
		t.Errorf("%v: %s", CheckLinks(c), diff)
	}
}
