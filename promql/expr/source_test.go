// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"errors"
	"net/url"
	"testing"
)

func TestTheExpressionIsReadFromGeneratorURL(t *testing.T) {
	const expr = `sum by (svc) (rate(kpi_total{a="b&c"}[5m])) > 0`
	for name, address := range map[string]string{
		"Prometheus":                "http://prom:9090/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=1",
		"Prometheus behind a path":  "https://host/prometheus/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=1",
		"vmui":                      "http://vm:8428/vmui/#/?g0.expr=" + url.QueryEscape(expr),
		"Explore, panes":            "https://grafana/explore?schemaVersion=1&orgId=1&panes=" + url.QueryEscape(`{"b":{"queries":[{"refId":"A","expr":"no"}]},"a":{"datasource":"x","queries":[{"expr":"no","hide":true},{"refId":"B","expr":"sum by (svc) (rate(kpi_total{a=\"b&c\"}[5m])) > 0"}],"range":{"from":"now-1h"}}}`),
		"Explore, left":             "https://grafana/explore?left=" + url.QueryEscape(`{"datasource":"x","queries":[{"refId":"A","expr":"sum by (svc) (rate(kpi_total{a=\"b&c\"}[5m])) > 0"}]}`),
		"Explore, the old list":     "https://grafana/explore?left=" + url.QueryEscape(`["now-1h","now","Prometheus",{"expr":"sum by (svc) (rate(kpi_total{a=\"b&c\"}[5m])) > 0"},{"mode":"Metrics"}]`),
		"through a page":            "http://prom:9090/graph?g0.tab=1&amp;g0.expr=" + url.QueryEscape(expr) + "&amp;g0.range_input=1h",
		"vmui with another request": "http://vm:8428/vmui/?x=1#/graph?g0.range_input=1h&g0.expr=" + url.QueryEscape(expr),
	} {
		if got, err := InURL(address); err != nil || got != expr {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, address := range []string{"", "::", "http://grafana/alerting/grafana/uid/view", "http://p/graph?g0.expr=", "http://p/#%zz?%zz", "http://g/explore?left=7", "http://g/explore?left=[7]&panes={", "http://g/explore?panes={\"a\":{}}"} {
		if got, err := InURL(address); !errors.Is(err, errNoExpression) {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
	if _, err := InURL("http://vm/vmalert/alert?group_id=1&alert_id=2"); !errors.Is(err, errVMAlert) {
		t.Errorf("vmalert's own link: %v", err)
	}
}

func FuzzGeneratorURL(f *testing.F) {
	for _, address := range []string{
		"http://prom:9090/graph?g0.expr=up&g0.tab=1", "http://vm/vmui/#/?g0.expr=up", `http://g/explore?left=["now",{"expr":"up"}]`, `http://g/explore?panes={"a":{"queries":[{"expr":"up"}]}}`,
	} {
		f.Add(address)
	}
	f.Fuzz(func(t *testing.T, address string) {
		text, err := InURL(address)
		if (text == "") == (err == nil) {
			t.Errorf("%q: %q, %v", address, text, err)
		}
	})
}
