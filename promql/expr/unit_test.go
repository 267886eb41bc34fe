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
		`100 * count(up == 0) / count(up)`:                                                            words.Percentage,
		`node_filesystem_avail_bytes * 100 / node_filesystem_size_bytes < 10`:                         words.Percentage,
		`(node_filesystem_avail_bytes * 100) / node_filesystem_size_bytes < 10`:                       words.Percentage,
		`node_filesystem_files_free / node_filesystem_files * 100 < 10`:                               words.Percentage,
		`100 * rate(a_total{code="500"}[5m]) / rate(a_total[5m])`:                                     words.Percentage,
		`100 * errors_total / other_total`:                                                            "",
		`files_free / file`:                                                                           "",
		`100 * (count(up == 0) / count(up)) > 10`:                                                     words.Percentage,
		`predict_linear(node_filesystem_avail_bytes[1h], 14400) < 0`:                                  words.Bytes,
		`node_memory_bytes * 8`:                                                                       "",
		`rate(x_total[5m]) * 60`:                                                                      "",
		`not a query(`:                                                                                "",
		`{__name__="x"}`:                                                                              "",
		`x_bytes / y_seconds`:                                                                         "",
		`1 - sum(rate(d_seconds_bucket{le="0.1"}[5m])) / sum(rate(d_seconds_count[5m]))`:              words.Ratio,
		`sum(rate(d_seconds_bucket{le="0.1"}[5m]))`:                                                   words.PerSecond,
		`histogram_quantile(0.9, sum by (le) (job_le:d_seconds_bucket:rate5m)) > 1`:                   words.Seconds,
		`1000 * histogram_quantile(0.9, sum by (le) (rate(d_seconds_bucket[5m]))) > 500`:              words.Milliseconds,
		`histogram_quantile(0.9, sum by (le) (rate(d_milliseconds_bucket[5m])))`:                      words.Milliseconds,
		`1 - histogram_fraction(0, 0.25, sum(rate(d_seconds[5m])))`:                                   words.Ratio,
		`histogram_avg(rate(d_seconds[5m]))`:                                                          words.Seconds,
		`histogram_count(rate(d_seconds[5m]))`:                                                        words.PerSecond,
		`sum(rate(lat_sum[5m])) / sum(rate(lat_count[5m]))`:                                           "",
		`rate(lat_sum[5m])`:                                                                           "",
		`node_load1 / cores`:                                                                          "",
		`node_load1 / on (instance) count by (instance) (node_cpu_seconds_total{mode="idle"})`:        "",
		`process_open_fds / process_max_fds`:                                                          words.Ratio,
		`sum(slots{state="busy"}) / sum(slots)`:                                                       words.Ratio,
		`sum(up == bool 0) / count(up)`:                                                               words.Ratio,
		`sum(up) / count(up)`:                                                                         "",
		`heap_bytes / 1024 / 1024 > 500`:                                                              words.Mebibytes,
		`heap_bytes / (1024 * 1024)`:                                                                  words.Mebibytes,
		`heap_bytes / 1e9`:                                                                            words.Gigabytes,
		`cache_size_mib > 500`:                                                                        words.Mebibytes,
		`cache_size_mib * 1024 * 1024`:                                                                words.Bytes,
		`(time() - job_last_success) / 3600 > 24`:                                                     words.Hours,
		`(cert_expiry - time()) / 86400 < 14`:                                                         words.Days,
		`heap_bytes / limit_mib`:                                                                      "",
		`(sum(rate(bad_total[5m])) / sum(rate(all_total[5m]))) / 0.001 > 14.4`:                        "",
		`job:slo_errors:ratio_rate5m > 0.01`:                                                          words.Ratio,
		`job:x_total:rate5m`:                                                                          "",
		`rate(x_total[5m]) ^ 2`:                                                                       "",
		`used_percent / 100`:                                                                          words.Ratio,
		`0.05 < sum(rate(a_total{code="500"}[5m])) / sum(rate(a_total[5m]))`:                          words.Ratio,
		`heap_bytes * on (pod) group_left (node) kube_pod_info`:                                       words.Bytes,
		`heap_bytes * on (pod) group_left (node) price`:                                               "",
		`latency_seconds_max`:                                                                         words.Seconds,
		`-(rate(x_total[5m]))`:                                                                        words.PerSecond,
		`avg_over_time(rate(x_total[5m])[1h:1m])`:                                                     words.PerSecond,
	} {
		if got := words.Unit(Unit(query)); got != want {
			t.Errorf("Unit(%s) = %q, want %q", query, got, want)
		}
	}
}
