package promql_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// at is a time of the tests: seconds, minutes and hours of the Unix epoch.
func at(d time.Duration) time.Time { return time.Unix(0, 0).UTC().Add(d) }

func newFetcher(t *testing.T, s *promtest.Server, change func(*config.Prometheus)) *promql.Fetcher {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	conf := config.Prometheus{URL: &commonconfig.URL{URL: u}}
	if change != nil {
		change(&conf)
	}
	f, err := promql.NewFetcher(conf, nil)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// shop is three hours of requests and errors by path and version, and a
// processor per pod. In the last ten minutes path /pay fails on version v2.
func shop() string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for _, path := range []string{"/pay", "/cart"} {
		for _, version := range []string{"v1", "v2"} {
			for _, method := range []string{"GET", "POST"} {
				ok, failing := "0+600x190", "0+6x190"
				if path == "/pay" && version == "v2" {
					ok, failing = "0+600x170 102300+300x19", "0+6x170 1326+306x19"
				}
				ls := fmt.Sprintf(`service="shop",path=%q,version=%q,method=%q`, path, version, method)
				fmt.Fprintf(&b, "http_requests_total{%s,code=\"200\"} %s\n", ls, ok)
				fmt.Fprintf(&b, "http_requests_total{%s,code=\"500\"} %s\n", ls, failing)
			}
		}
	}
	b.WriteString("cpu{pod=\"shop-7d9f8c6b5d-x2x9k\"} 0.2x170 0.9x19\n")
	b.WriteString("cpu{pod=\"cart-db-0\"} 0.1x190\n")
	b.WriteString("connections 5x190\n")
	return b.String()
}

func ratioRule() config.Rule {
	return config.Rule{
		Name: "shop errors",
		Target: &config.Target{Query: `sum(rate(http_requests_total{service="{{ .Labels.service }}",code=~"5.."}[2m]))
			/ sum(rate(http_requests_total{service="{{ .Labels.service }}"}[2m]))`},
		Breakdown: &config.Breakdown{Labels: []string{"path", "version", "method"}},
		Candidates: []config.Candidate{
			{Name: "cpu", Query: "cpu", Kind: "cpu"},
			{Name: "connections", Query: "sum(connections)"},
		},
	}
}

func shopAlert() promql.Alert {
	return promql.Alert{
		Labels:   model.LabelSet{"alertname": "ShopErrors", "service": "shop", "replica": "A"},
		StartsAt: at(175 * time.Minute),
		Onset:    at(172 * time.Minute),
		Own:      model.LabelSet{"alertname": "ShopErrors", "service": "shop"},
	}
}

func TestARatioWithThreeLabelsAndTwoCandidatesGivesAFullFrame(t *testing.T) {
	s := promtest.New(t, shop())
	plan, err := promql.NewPlan(ratioRule(), shopAlert(), at(180*time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	frame, err := newFetcher(t, s, nil).Fetch(t.Context(), plan)
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range frame.Warnings {
		t.Errorf("warning: %v", w)
	}
	fmt.Printf("%+v\n", frame.Targets[0].Breakdown)
	fmt.Println(frame.Targets[0].Values)
	for _, c := range frame.Targets[0].Candidates {
		fmt.Println(c.Name, c.Service, c.Values[len(c.Values)-5:])
	}
	for _, q := range s.Queries() {
		fmt.Println(q)
	}
}
