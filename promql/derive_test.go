package promql

import (
	"errors"
	"net/url"
	"testing"

	"github.com/prometheus/common/model"
)

func TestTheExpressionIsReadFromGeneratorURL(t *testing.T) {
	const expr = `sum by (svc) (rate(kpi_total{a="b&c"}[5m])) > 0`
	for name, address := range map[string]string{
		"Prometheus":                "http://prom:9090/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=1",
		"Prometheus behind a path":  "https://host/prometheus/graph?g0.expr=" + url.QueryEscape(expr) + "&g0.tab=1",
		"vmui":                      "http://vm:8428/vmui/#/?g0.expr=" + url.QueryEscape(expr),
		"vmui with another request": "http://vm:8428/vmui/?x=1#/graph?g0.range_input=1h&g0.expr=" + url.QueryEscape(expr),
	} {
		if got, err := expressionOf(address); err != nil || got != expr {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	for _, address := range []string{"", "::", "http://grafana/alerting/grafana/uid/view", "http://vm/vmalert/alert?group_id=1&alert_id=2", "http://p/graph?g0.expr=", "http://p/#%zz?%zz"} {
		if got, err := expressionOf(address); !errors.Is(err, errNoExpression) {
			t.Errorf("%q: %q, %v", address, got, err)
		}
	}
}

func TestAKPIIsWhatIsCompared(t *testing.T) {
	for query, want := range map[string]string{
		`a > 5`:                         `a`,
		`(sum(a) / sum(b)) > 0.05`:      `sum(a) / sum(b)`,
		`a > b`:                         `a`,
		`a == bool 1`:                   `a`,
		`(a > 5) and on() (b > 0)`:      `a`,
		`a > 5 unless c`:                `a`,
		`sum(a) or vector(0)`:           `sum(a)`,
		`sum(a) or on() vector(0) > 5`:  `sum(a)`,
		`a or b`:                        `a or b`,
		`rate(a[5m])`:                   `rate(a[5m])`,
		`((clamp_max(sum(a), 5))) >= 1`: `clamp_max(sum(a), 5)`,
	} {
		if got := measured(mustParse(query)).String(); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}

func TestAKPIIsHeldToTheAlertsValuesOfWhatItGroupsBy(t *testing.T) {
	own := model.LabelSet{"alertname": "A", "svc": "cart \"x\"", "job": "j", "severity": "page", "le": "5"}
	for query, want := range map[string]string{
		`sum by (svc) (rate(a[5m]))`:               `sum by (svc) (rate(a{svc="cart \"x\""}[5m]))`,
		`sum by (svc, job) (a) / sum by (job) (b)`: `sum by (svc, job) (a{job="j",svc="cart \"x\""}) / sum by (job) (b{job="j"})`,
		`sum by (svc) (a{svc="cart \"x\""})`:       `sum by (svc) (a{svc="cart \"x\""})`,
		`sum(a)`:                                   `sum(a)`,
		`rate(a[5m])`:                              `rate(a[5m])`,
		`sum without (pod) (a)`:                    `sum without (pod) (a)`,
		`sum by (path) (a)`:                        `sum by (path) (a)`,
		`sum by (le, job) (a)`:                     `sum by (le, job) (a{job="j"})`,
		`100 * (1 - sum by (job) (a))`:             `100 * (1 - sum by (job) (a{job="j"}))`,
		`-sum by (job) (a)`:                        `-sum by (job) (a{job="j"})`,
		`clamp_min(sum by (job) (a), 1)`:           `clamp_min(sum by (job) (a{job="j"}), 1)`,
		`sum by (svc) (label_replace(a, "svc", "$1", "app", "(.*)"))`: `sum by (svc) (label_replace(a, "svc", "$1", "app", "(.*)"))`,
		`label_replace(sum by (job) (a), "x", "y", "job", ".*")`:      `label_replace(sum by (job) (a), "x", "y", "job", ".*")`,
		`sum by (svc) (a * on(pod) group_left(svc) b)`:                `sum by (svc) (a * on (pod) group_left (svc) b)`,
	} {
		e := mustParse(query)
		scope(e, own)
		if e.String() != want {
			t.Errorf("%s: %s, want %s", query, e, want)
		}
	}
}
