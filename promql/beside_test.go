// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"math"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// mall is a few services with two pods each. From minute 170 on pay fails, the only one that
// ever has errors.
func mall(services ...string) string {
	var b strings.Builder
	b.WriteString("load 1m\n")
	for i, s := range services {
		for p := range 2 {
			ls := fmt.Sprintf(`job="mall",service=%q,pod="%s-%d",rack="r%d"`, s, s, p, i%2)
			fmt.Fprintf(&b, "requests_total{%s,code=\"200\"} 0+600x190\n", ls)
			if s == "pay" {
				fmt.Fprintf(&b, "requests_total{%s,code=\"500\"} 0+6x170 1320+300x19\n", ls)
			}
			fmt.Fprintf(&b, "depth{%s} %dx170 %dx19\n", ls, 20+i, map[bool]int{true: 300 + p, false: 20 + i}[s == "pay"])
		}
	}
	return b.String()
}

func mallAlert(service, expr string) promql.Alert {
	ls := model.LabelSet{"alertname": "Mall", "service": model.LabelValue(service)}
	return promql.Alert{
		Labels: ls, Own: ls, StartsAt: after(172 * time.Minute), Onset: after(171 * time.Minute),
		GeneratorURL: "http://prom/graph?g0.expr=" + url.QueryEscape(expr),
	}
}

const mallRatio = `sum by (service) (rate(requests_total{code="500"}[2m])) / sum by (service) (rate(requests_total[2m])) > 0.05`

func TestKPIHasSiblings(t *testing.T) {
	f := newFetcher(t, promtest.New(t, mall("pay", "cart", "search")), nil)
	_, frame, _ := explain(t, f, mallAlert("pay", mallRatio), after(180*time.Minute))
	target := frame.Targets[0]
	if b := target.Breakdown; fmt.Sprint(b.Labels, len(b.Leaves)) != "[pod] 2" || b.Levels || b.Own != nil {
		t.Errorf("inside: %+v", b)
	}
	b := target.Beside
	if b == nil {
		t.Fatal("nothing is beside it")
	}
	if fmt.Sprint(b.Labels, b.Leaves, b.Own) != "[service] [[cart] [pay] [search]] map[service:pay]" || !b.Levels || b.Denominator != nil {
		t.Errorf("%+v", b)
	}
	if now := b.Numerator.Actual; now[0] != 0 || math.Abs(now[1]-300./900) > .02 || now[2] != 0 {
		t.Errorf("levels %v", now)
	}
	if fmt.Sprint(b.Here) != "map[pod:[pay-0 pay-1]]" { // a rack is shared, and the code is part of the KPI
		t.Errorf("only there: %v", b.Here)
	}
	r := analysis.Run(frame, analysis.Options{})
	if r.Verdict != analysis.Explained || r.Causes[0].Name != `{service="pay"}` || fmt.Sprint(r.Causes[0].Evidence.Inside) != "[pod]" {
		t.Errorf("%s %v", r.Verdict, r.Causes)
	}
	noWarnings(t, frame)
}

func TestKPIWithoutSiblings(t *testing.T) {
	f := newFetcher(t, promtest.New(t, mall("pay", "cart")), nil)
	for name, expr := range map[string]string{
		"of all":                 `sum(rate(requests_total{code="500"}[2m])) > 1`,
		"held to one by itself":  `sum by (service) (rate(requests_total{service="pay",code="500"}[2m])) > 1`,
		"by a label of all":      `sum by (job) (rate(requests_total{code="500"}[2m])) > 1`,
		"by one that has errors": `sum by (service) (rate(requests_total{code="500"}[2m])) > 1`,
	} {
		_, frame, _ := explain(t, f, mallAlert("pay", expr), after(180*time.Minute))
		if b := frame.Targets[0].Beside; b != nil {
			t.Errorf("%s: %v", name, b.Leaves)
		}
	}
}

// A maximum is broken down into the series that it is taken over, and the largest is marked.
func TestLargestSeriesOfMaximumIsMarked(t *testing.T) {
	f := newFetcher(t, promtest.New(t, mall("pay", "cart", "search")), nil)
	_, frame, _ := explain(t, f, mallAlert("pay", `max by (service) (depth) > 100`), after(180*time.Minute))
	target := frame.Targets[0]
	if b := target.Breakdown; !b.Levels || !b.Extreme || fmt.Sprint(b.Labels, b.Own) != "[pod] map[pod:pay-1]" {
		t.Errorf("inside: %+v", b)
	}
	if b := target.Beside; b == nil || b.Extreme || fmt.Sprint(b.Own, len(b.Leaves)) != "map[service:pay] 3" {
		t.Errorf("beside: %+v", b)
	}
}

// All alerts of a rule share the queries for their siblings.
func TestAlertsOfRuleShareSiblingQueries(t *testing.T) {
	services := []string{"pay", "cart", "search", "stock", "mail", "audit"}
	s := promtest.New(t, mall(services...))
	f := newFetcher(t, s, nil)
	asked := func(service string) int {
		before := len(s.Requests())
		explain(t, f, mallAlert(service, `sum by (service) (rate(requests_total[2m])) > 1`), after(180*time.Minute))
		n := 0
		for _, r := range s.Requests()[before:] {
			if q := r.Form.Get("query"); strings.Contains(q, "avg_over_time((sum by (service) (rate(requests_total[2m]))") {
				n++
			}
		}
		return n
	}
	if n := asked("pay"); n == 0 || n > 12 {
		t.Errorf("the first asked %d times", n)
	}
	for _, service := range services[1:] {
		if n := asked(service); n != 0 {
			t.Errorf("%s asked %d times more", service, n)
		}
	}
}

// A level that vanished long before the alert didn't fall to zero at its onset; one that
// vanished with it did.
func TestLevelGoneBeforeOnsetIsNoPart(t *testing.T) {
	f := newFetcher(t, promtest.New(t, `load 1m
free{mount="/"} 60x180
free{mount="/logs"} 55x170 2x9
free{mount="/usb"} 70x140
free{mount="/new"} 80x170
`), nil)
	alert := mallAlert("", `free < 10`)
	alert.Labels = model.LabelSet{"alertname": "DiskFull", "mount": "/logs"}
	alert.Own = alert.Labels
	_, frame, _ := explain(t, f, alert, after(176*time.Minute))
	b := frame.Targets[0].Breakdown
	if fmt.Sprint(b.Labels, b.Leaves, b.Own) != "[mount] [[/] [/logs] [/new]] map[mount:/logs]" {
		t.Errorf("%v %v %v", b.Labels, b.Leaves, b.Own)
	}
}
