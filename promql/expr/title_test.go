// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"testing"

	"github.com/prometheus/common/model"
)

func TestAKPIGoesByItsMetricAndWhatIsDoneWithIt(t *testing.T) {
	alert := model.LabelSet{"job": "api", "namespace": "shop"}
	for query, want := range map[string]string{
		`up{job="api"}`: "up",
		`sum by (job) (rate(http_requests_total{namespace="shop",code=~"5.."}[5m]))`:      `http_requests_total{code=~"5.."}`,
		`sum(rate(r_total{code=~"5.."}[5m])) / sum(rate(r_total[5m]))`:                    `share of code=~"5.." in r_total`,
		`100 * node_filesystem_avail_bytes{fstype!="tmpfs"} / node_filesystem_size_bytes`: "node_filesystem_avail_bytes / size_bytes",
		`increase(restarts_total[15m])`:                                                   "restarts_total in 15m",
		`sum(increase(restarts_total[15m])) / 15`:                                         "restarts_total",
		`60 * increase(restarts_total[15m])`:                                              "restarts_total",
		`increase(errors_total[15m]) / increase(calls_total[15m]) * 100`:                  "errors_total in 15m / calls_total in 15m",
		`changes(leader[1h])`:                    "changes of leader in 1h",
		`avg(queue)`:                             "mean queue",
		`max by (pod) (queue)`:                   "largest queue",
		`count(up{zone="a"})`:                    `number of up{zone="a"}`,
		`predict_linear(free_bytes[1h], 4*3600)`: "free_bytes in 4h, as predicted",
		`histogram_quantile(0.99, sum by (le) (rate(http_duration_seconds_bucket[5m])))`: "p99 of http_duration_seconds",
		`(time() - backup_seconds) / 3600`:                                               "time since backup_seconds",
		`cert_expiry - time()`:                                                           "time until cert_expiry",
		`a / a`:                                                                          "",
		`a * on (pod) b`:                                                                 "",
		`count(a == 1)`:                                                                  "number of (a == 1)",
		`stddev(a)`:                                                                      "",
		`time()`:                                                                         "",
		`an_extraordinarily_long_name_of_a_metric_that_nobody_would_want_to_read_on_a_phone`: "",
	} {
		if got := Title(MustParse(query), alert); got != want {
			t.Errorf("%s is called %q, want %q", query, got, want)
		}
	}
}

func TestClocks(t *testing.T) {
	for query, want := range map[string]bool{
		`time() - backup_seconds`:               true,
		`(cert_expiry - time()) / 86400`:        true,
		`1000 * (time() - max(backup_seconds))`: true,
		`time() - time()`:                       false,
		`backup_seconds - 5`:                    false,
		`(time() - a) - (time() - b)`:           false,
		`up`:                                    false,
	} {
		if got := RunsByTheClock(MustParse(query)); got != want {
			t.Errorf("%s: %v", query, got)
		}
	}
}

func TestWhatMovesBelowZeroIsToldApartByWhatItIsComputedFrom(t *testing.T) {
	for query, want := range map[string]string{
		`predict_linear(free_bytes{a="b"}[1h], 3600)`: `free_bytes{a="b"}`,
		`deriv(free_bytes[10m])`:                      "free_bytes",
		`increase(restarts_total[1h])`:                "increase(restarts_total[1h])",
	} {
		m, err := Apart(MustParse(query))
		if err != nil || len(m.Numerator) != 1 || m.Numerator[0].Text != want || !m.Leaf || (m.StandsFor != "") != (want[0] == 'f') {
			t.Errorf("%s: %+v %v", query, m, err)
		}
	}
}
