// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"testing"

	"github.com/culprit-dev/culprit/analysis/words"
)

func TestUnitsAreToldFromNamesAndWhatIsDoneWithThem(t *testing.T) {
	for query, want := range map[string]words.Unit{
		`sum(rate(http_requests_total[2m]))`:                                                          words.PerSecond,
		`sum by (pod) (irate(http_requests_total[2m])) > 10`:                                          words.PerSecond,
		`sum(rate(a_total{code=~"5.."}[2m])) / sum(rate(a_total[2m]))`:                                words.Ratio,
		`100 * (sum(rate(a_total{code=~"5.."}[2m])) / sum(rate(a_total[2m]))) > 5`:                    words.Percentage,
		`1 - sum(rate(a_total{code="200"}[2m])) / sum(rate(a_total[2m]))`:                             words.Ratio,
		`histogram_quantile(0.99, sum by (le) (rate(http_request_duration_seconds_bucket[5m])))`:      words.Seconds,
		`histogram_quantile(0.99, sum(rate(http_request_duration_seconds[5m])))`:                      words.Seconds,
		`rate(http_request_duration_seconds_sum[5m]) / rate(http_request_duration_seconds_count[5m])`: words.Seconds,
		`max_over_time(process_resident_memory_bytes[5m])`:                                            words.Bytes,
		`sum(rate(node_network_receive_bytes_total[5m]))`:                                             words.BytesPerSecond,
		`sum(rate(container_cpu_usage_seconds_total[5m]))`:                                            "",
		`sum(increase(http_requests_total[5m]))`:                                                      "",
		`count(up == 0)`:                                                                              "",
		`queue_length`:                                                                                "",
		`time() - start_seconds`:                                                                      words.Seconds,
		`probe_ssl_earliest_cert_expiry - time() < 86400`:                                             words.Seconds,
		`100 - (avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100) > 80`:        words.Percentage,
		`100 * count(up == 0) / count(up)`:                                                            "",
		`100 * (count(up == 0) / count(up)) > 10`:                                                     words.Percentage,
		`predict_linear(node_filesystem_avail_bytes[1h], 14400) < 0`:                                  words.Bytes,
		`node_memory_bytes * 8`:                                                                       "",
		`rate(x_total[5m]) * 60`:                                                                      "",
		`not a query(`:                                                                                "",
		`{__name__="x"}`:                                                                              "",
		`x_bytes / y_seconds`:                                                                         "",
		`-(rate(x_total[5m]))`:                                                                        words.PerSecond,
		`avg_over_time(rate(x_total[5m])[1h:1m])`:                                                     words.PerSecond,
	} {
		if got := words.Unit(Unit(query)); got != want {
			t.Errorf("Unit(%s) = %q, want %q", query, got, want)
		}
	}
}
