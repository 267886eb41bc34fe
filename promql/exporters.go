// SPDX-License-Identifier: Apache-2.0

package promql

// exporter is a source of metrics that are known by their names.
type exporter struct {
	name    string
	by      []string // how its series are found, the best way first
	queries []exporterQuery
}

// The exporters that speak of others: their series go on when what they are
// about is no longer there.
const (
	cAdvisor         = "cAdvisor"
	kubeStateMetrics = "kube-state-metrics"
)

// exporterQuery is one candidate: used where its metric exists. In the query,
// {} and a comma before } are where the matchers go, [] is the range of a rate.
type exporterQuery struct {
	name, kind, metric, query string
}

// exporters are the well-known ones. Within a kind, what says most comes first:
// only so many of a kind are asked. Names of metrics are those of node_exporter
// 1.x, cAdvisor, kube-state-metrics 2.x, client_golang, the Prometheus Java
// client and Micrometer, and of the exporters' current versions.
func exporters() []exporter {
	return append(append(platform(), runtimes()...), servers()...)
}

func platform() []exporter {
	return []exporter{
		{cAdvisor, []string{byPod, byWorkers, byNamespace, byNodeLabel, byHost, byNode}, []exporterQuery{
			{"container cpu", "cpu", "container_cpu_usage_seconds_total", `sum by (namespace, pod) (rate(container_cpu_usage_seconds_total{container!="",}[]))`},
			{"container throttling", "cpu", "container_cpu_cfs_throttled_periods_total", `sum by (namespace, pod) (rate(container_cpu_cfs_throttled_periods_total{container!="",}[]))`},
			{"container memory", "mem", "container_memory_working_set_bytes", `sum by (namespace, pod) (container_memory_working_set_bytes{container!="",})`},
			{"container network in", "net", "container_network_receive_bytes_total", `sum by (namespace, pod) (rate(container_network_receive_bytes_total{}[]))`},
			{"container network out", "net", "container_network_transmit_bytes_total", `sum by (namespace, pod) (rate(container_network_transmit_bytes_total{}[]))`},
			{"container writes", "io", "container_fs_writes_bytes_total", `sum by (namespace, pod) (rate(container_fs_writes_bytes_total{}[]))`},
		}},
		{kubeStateMetrics, []string{byPod, byWorkers, byWorkload, byNodeLabel, byNamespace}, []exporterQuery{
			{"container restarts", "error", "kube_pod_container_status_restarts_total", `sum by (namespace, pod) (increase(kube_pod_container_status_restarts_total{}[]))`},
			{"pods not ready", "error", "kube_pod_status_ready", `sum by (namespace) (kube_pod_status_ready{condition="false",})`},
			{"containers waiting", "error", "kube_pod_container_status_waiting_reason", `sum by (namespace, reason) (kube_pod_container_status_waiting_reason{})`},
			{"replicas unavailable", "error", "kube_deployment_status_replicas_unavailable", `sum by (namespace, deployment) (kube_deployment_status_replicas_unavailable{})`},
			{"rollouts", "other", "kube_deployment_status_observed_generation", `sum by (namespace, deployment) (kube_deployment_status_observed_generation{})`},
			{"node conditions", "node", "kube_node_status_condition", `sum by (node, condition) (kube_node_status_condition{status="true",condition!="Ready",})`},
		}},
		{"node_exporter", []string{byInstance, byHost, byNode, byNodeLabel}, []exporterQuery{
			{"node cpu", "cpu", "node_cpu_seconds_total", `sum by (instance, mode) (rate(node_cpu_seconds_total{mode!="idle",}[]))`},
			{"node load", "cpu", "node_load1", `node_load1{}`},
			{"node memory available", "mem", "node_memory_MemAvailable_bytes", `node_memory_MemAvailable_bytes{}`},
			{"node major faults", "mem", "node_vmstat_pgmajfault", `rate(node_vmstat_pgmajfault{}[])`},
			{"node disk busy", "io", "node_disk_io_time_seconds_total", `sum by (instance, device) (rate(node_disk_io_time_seconds_total{}[]))`},
			{"node disk writes", "io", "node_disk_written_bytes_total", `sum by (instance, device) (rate(node_disk_written_bytes_total{}[]))`},
			{"node space left", "io", "node_filesystem_avail_bytes", `min by (instance, mountpoint) (node_filesystem_avail_bytes{fstype!~"tmpfs|overlay|ramfs|squashfs",})`},
			{"node network in", "net", "node_network_receive_bytes_total", `sum by (instance) (rate(node_network_receive_bytes_total{device!="lo",}[]))`},
			{"node network out", "net", "node_network_transmit_bytes_total", `sum by (instance) (rate(node_network_transmit_bytes_total{device!="lo",}[]))`},
			{"node retransmissions", "net", "node_netstat_Tcp_RetransSegs", `rate(node_netstat_Tcp_RetransSegs{}[])`},
		}},
		{"scraping", []string{byInstance, byPod, byJob}, []exporterQuery{
			{"up", "error", "up", `up{}`},
			{"scrape duration", "latency", "scrape_duration_seconds", `max by (job) (scrape_duration_seconds{})`},
		}},
		{"blackbox_exporter", []string{byInstance, byJob}, []exporterQuery{
			{"probe duration by phase", "latency", "probe_http_duration_seconds", `sum by (instance, phase) (probe_http_duration_seconds{})`},
			{"probe duration", "latency", "probe_duration_seconds", `sum by (instance) (probe_duration_seconds{})`},
			{"probe status", "error", "probe_http_status_code", `max by (instance) (probe_http_status_code{})`},
		}},
	}
}

func runtimes() []exporter {
	own := []string{byInstance, byPod, byWorkers, byService, byJob}
	return []exporter{
		{"Go", own, []exporterQuery{
			{"goroutines", "other", "go_goroutines", `go_goroutines{}`},
			{"go garbage collection", "cpu", "go_gc_duration_seconds_sum", `rate(go_gc_duration_seconds_sum{}[])`},
			{"go heap", "mem", "go_memstats_heap_inuse_bytes", `go_memstats_heap_inuse_bytes{}`},
		}},
		{"JVM", own, []exporterQuery{
			{"jvm heap", "mem", "jvm_memory_used_bytes", `sum by (instance, area) (jvm_memory_used_bytes{})`},
			{"jvm pauses", "cpu", "jvm_gc_pause_seconds_sum", `sum by (instance) (rate(jvm_gc_pause_seconds_sum{}[]))`},
			{"jvm collections", "cpu", "jvm_gc_collection_seconds_sum", `sum by (instance) (rate(jvm_gc_collection_seconds_sum{}[]))`},
			{"jvm threads", "other", "jvm_threads_live_threads", `jvm_threads_live_threads{}`},
			{"jvm threads now", "other", "jvm_threads_current", `jvm_threads_current{}`},
			{"waiting for connections", "other", "hikaricp_connections_pending", `sum by (instance, pool) (hikaricp_connections_pending{})`},
		}},
		{"process", own, []exporterQuery{
			{"process cpu", "cpu", "process_cpu_seconds_total", `rate(process_cpu_seconds_total{}[])`},
			{"process memory", "mem", "process_resident_memory_bytes", `process_resident_memory_bytes{}`},
			{"open files", "io", "process_open_fds", `process_open_fds{}`},
		}},
	}
}

func servers() []exporter {
	own := []string{byInstance, byPod, byWorkers, byService, byJob}
	return []exporter{
		{"MySQL", own, []exporterQuery{
			{"mysql threads running", "other", "mysql_global_status_threads_running", `mysql_global_status_threads_running{}`},
			{"mysql questions", "traffic", "mysql_global_status_questions", `rate(mysql_global_status_questions{}[])`},
			{"mysql slow queries", "latency", "mysql_global_status_slow_queries", `rate(mysql_global_status_slow_queries{}[])`},
			{"mysql row locks", "latency", "mysql_global_status_innodb_row_lock_time", `rate(mysql_global_status_innodb_row_lock_time{}[])`},
			{"mysql aborted connects", "error", "mysql_global_status_aborted_connects", `rate(mysql_global_status_aborted_connects{}[])`},
			{"mysql connections", "other", "mysql_global_status_threads_connected", `mysql_global_status_threads_connected{}`},
		}},
		{"PostgreSQL", own, []exporterQuery{
			{"postgres connections", "other", "pg_stat_activity_count", `sum by (instance, state) (pg_stat_activity_count{})`},
			{"postgres locks", "other", "pg_locks_count", `sum by (instance, mode) (pg_locks_count{})`},
			{"postgres commits", "traffic", "pg_stat_database_xact_commit", `sum by (instance) (rate(pg_stat_database_xact_commit{}[]))`},
			{"postgres rollbacks", "error", "pg_stat_database_xact_rollback", `sum by (instance) (rate(pg_stat_database_xact_rollback{}[]))`},
			{"postgres deadlocks", "error", "pg_stat_database_deadlocks", `sum by (instance) (rate(pg_stat_database_deadlocks{}[]))`},
			{"postgres reads", "io", "pg_stat_database_blks_read", `sum by (instance) (rate(pg_stat_database_blks_read{}[]))`},
			{"postgres temporary files", "io", "pg_stat_database_temp_bytes", `sum by (instance) (rate(pg_stat_database_temp_bytes{}[]))`},
		}},
		{"Redis", own, []exporterQuery{
			{"redis clients", "other", "redis_connected_clients", `redis_connected_clients{}`},
			{"redis blocked clients", "latency", "redis_blocked_clients", `redis_blocked_clients{}`},
			{"redis commands", "traffic", "redis_commands_processed_total", `rate(redis_commands_processed_total{}[])`},
			{"redis memory", "mem", "redis_memory_used_bytes", `redis_memory_used_bytes{}`},
			{"redis evictions", "error", "redis_evicted_keys_total", `rate(redis_evicted_keys_total{}[])`},
		}},
		{"Kafka", []string{byGroup, byTopic, byInstance, byPod, byService, byJob}, []exporterQuery{
			{"kafka lag", "other", "kafka_consumergroup_lag", `sum by (consumergroup, topic) (kafka_consumergroup_lag{})`},
			{"kafka consumers", "error", "kafka_consumergroup_members", `sum by (consumergroup) (kafka_consumergroup_members{})`},
			{"kafka messages", "traffic", "kafka_server_brokertopicmetrics_messagesin_total", `sum by (instance) (rate(kafka_server_brokertopicmetrics_messagesin_total{}[]))`},
			{"kafka produced", "traffic", "kafka_topic_partition_current_offset", `sum by (topic) (rate(kafka_topic_partition_current_offset{}[]))`},
			{"kafka under-replicated", "error", "kafka_server_replicamanager_underreplicatedpartitions", `kafka_server_replicamanager_underreplicatedpartitions{}`},
			{"kafka missing replicas", "error", "kafka_topic_partition_under_replicated_partition", `sum by (topic) (kafka_topic_partition_under_replicated_partition{})`},
		}},
		{"nginx", append([]string{byNamespace}, own...), []exporterQuery{
			{"nginx connections", "other", "nginx_connections_active", `nginx_connections_active{}`},
			{"nginx requests", "traffic", "nginx_http_requests_total", `sum by (instance) (rate(nginx_http_requests_total{}[]))`},
			{"ingress requests", "traffic", "nginx_ingress_controller_requests", `sum by (ingress, status) (rate(nginx_ingress_controller_requests{}[]))`},
		}},
		{"Envoy", own, []exporterQuery{
			{"envoy responses", "traffic", "envoy_cluster_upstream_rq_xx", `sum by (envoy_cluster_name, envoy_response_code_class) (rate(envoy_cluster_upstream_rq_xx{}[]))`},
			{"envoy connections", "other", "envoy_cluster_upstream_cx_active", `sum by (envoy_cluster_name) (envoy_cluster_upstream_cx_active{})`},
			{"envoy pending", "latency", "envoy_cluster_upstream_rq_pending_active", `sum by (envoy_cluster_name) (envoy_cluster_upstream_rq_pending_active{})`},
			{"envoy connect failures", "error", "envoy_cluster_upstream_cx_connect_fail", `sum by (envoy_cluster_name) (rate(envoy_cluster_upstream_cx_connect_fail{}[]))`},
		}},
		{"Istio", []string{byTarget, byPod, byWorkers, byService, byNamespace}, []exporterQuery{
			{"mesh requests", "traffic", "istio_requests_total", `sum by (destination_service, response_code) (rate(istio_requests_total{}[]))`},
			{"mesh latency", "latency", "istio_request_duration_milliseconds_sum", `sum by (destination_service) (rate(istio_request_duration_milliseconds_sum{}[])) / sum by (destination_service) (rate(istio_request_duration_milliseconds_count{}[]))`},
		}},
	}
}
