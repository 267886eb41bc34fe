// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql/expr"
)

// tracesSeen are series as current releases of the exporters name them, the signal that reveals
// a change in each, and its text.
func tracesSeen() []struct{ series, way, says string } {
	const labels, value, times, age = "labels", "value", "times", "age"
	return []struct{ series, way, says string }{
		{`kube_deployment_status_observed_generation{deployment="pay"}`, value, "pay was rolled out"},
		{`kube_statefulset_status_observed_generation{statefulset="db"}`, value, "db was rolled out"},
		{`kube_daemonset_metadata_generation{daemonset="agent"}`, value, "agent was rolled out"},
		{`kube_statefulset_status_update_revision{statefulset="db",revision="db-2"}`, labels, "db was rolled out"},
		{`kube_replicaset_created{replicaset="pay-5d78c9869d"}`, times, "pay was rolled out"},
		{`kube_pod_container_info{pod="pay-5d78c9869d-abcde",image="r/pay:v2"}`, labels, "pay was rolled out"},
		{`build_info{app="pay",version="2"}`, labels, "pay was rolled out"},
		{`prometheus_build_info{job="prometheus",version="3.0"}`, labels, "prometheus was rolled out"},
		{`target_info{service_name="pay",service_version="2"}`, labels, "pay was rolled out"},
		{`process_start_time_seconds{job="pay"}`, times, "pay was started"},
		{`kube_pod_start_time{pod="db-0"}`, times, "db was started"},
		{`container_start_time_seconds{pod="db-0"}`, times, "db was started"},
		{`kube_pod_container_state_started{pod="db-0"}`, times, "db was started"},
		{`kube_pod_container_status_restarts_total{pod="db-0"}`, value, "db was restarted"},
		{`node_boot_time_seconds{instance="n1:9100"}`, times, "n1:9100 was booted"},
		{`redis_uptime_in_seconds{job="redis"}`, age, "redis was started"},
		{`mysql_global_status_uptime{job="mysql"}`, age, "mysql was started"},
		{`memcached_uptime_seconds{job="memcached"}`, age, "memcached was started"},
		{`envoy_server_uptime{pod="pay-5d78c9869d-abcde"}`, age, "pay was started"},
		{`prometheus_config_last_reload_success_timestamp_seconds{job="prometheus"}`, times, "the configuration of prometheus was reloaded"},
		{`nginx_ingress_controller_config_last_reload_successful_timestamp_seconds{job="nginx"}`, times, "the configuration of nginx was reloaded"},
		{`kube_configmap_metadata_resource_version{configmap="pay"}`, value, "configuration pay was changed"},
		{`kube_secret_created{secret="pay"}`, times, "configuration pay was created"},
		{`alertmanager_config_hash{job="alertmanager"}`, value, "the configuration of alertmanager was changed"},
		{`kube_horizontalpodautoscaler_status_desired_replicas{horizontalpodautoscaler="pay"}`, value, "pay was scaled up"},
		{`kube_horizontalpodautoscaler_spec_max_replicas{horizontalpodautoscaler="pay"}`, value, "the bounds of autoscaler pay were raised"},
		{`kube_deployment_spec_replicas{deployment="pay"}`, value, "pay was scaled up"},
		{`kube_statefulset_replicas{statefulset="db"}`, value, "db was scaled up"},
		{`kube_node_info{node="n1"}`, labels, "node n1 came"},
		{`kube_node_spec_unschedulable{node="n1"}`, value, "node n1 was cordoned"},
		{`certmanager_certificate_not_before_timestamp_seconds{name="pay-tls"}`, times, "certificate pay-tls was renewed"},
		{`x509_cert_not_before{filename="pay.crt"}`, times, "certificate pay.crt was renewed"},
		{`argocd_app_sync_total{name="pay"}`, value, "pay was synced"},
		{`gotk_resource_info{name="pay",revision="main@sha1:1"}`, labels, "pay was synced"},
		{`up{job="pay",instance="10.0.0.1:80"}`, labels, "a target of pay appeared"},
		{`shop_feature_enabled{flag="new_pricing"}`, value, "flag new_pricing was switched on"},
		{`kube_job_status_start_time{job_name="backup"}`, times, "job backup ran"},
		{`deploy_marker{service="pay"}`, labels, "pay was noted"},
	}
}

func TestEverySignalOfAChange(t *testing.T) {
	ways := map[string]signal{"labels": byLabels, "value": byValue, "times": byTime, "age": byAge}
	for _, test := range tracesSeen() {
		m := metricOf(test.series)
		found, ok := traceOf(ways[test.way], string(m[model.MetricNameLabel]))
		if !ok {
			t.Errorf("%s tells no change by its %s", test.series, test.way)
			continue
		}
		name, _ := found.place(m)
		if got := strings.Replace(found.did, "%s", name, 1); got != test.says {
			t.Errorf("%s says %q, want %q", test.series, got, test.says)
		}
	}
}

// A gauge or counter of activity is no signal of a change: it moves all the time.
func TestMeasurementsSignalNoChange(t *testing.T) {
	for _, name := range []string{
		"http_requests_total", "up_total", "node_time_seconds", "kube_pod_status_ready", "kube_deployment_status_replicas_available",
		"process_cpu_seconds_total", "go_goroutines", "uptime_ratio", "probe_success", "http_request_duration_seconds_bucket", "kube_node_status_condition",
	} {
		for _, w := range []signal{byLabels, byValue, byTime, byAge} {
			if found, ok := traceOf(w, name); ok {
				t.Errorf("%s is read as %q", name, found.did)
			}
		}
	}
}

func metricOf(series string) model.Metric {
	m := model.Metric{}
	for _, match := range expr.Selectors(expr.MustParse(series))[0].LabelMatchers {
		m[model.LabelName(match.Name)] = model.LabelValue(match.Value)
	}
	return m
}
