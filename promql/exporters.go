// SPDX-License-Identifier: Apache-2.0

package promql

import "slices"

// exporter is a source of metrics with well-known names.
type exporter struct {
	name    string
	by      []string // identities by which to find its series, the best first
	queries []exporterQuery
}

// These exporters describe other objects: their series continue when the object is gone.
const (
	cAdvisor         = "cAdvisor"
	kubeStateMetrics = "kube-state-metrics"
)

// The exporters that speak of the process that is scraped.
const (
	goRuntime      = "Go"
	processMetrics = "process"
)

// exporterQuery is one candidate, used if its metric exists. In the query, {} and a comma
// before } are where the matchers go, [] is the range of a rate.
type exporterQuery struct {
	name, kind, metric, query string
}

// exporters lists the well-known exporters. Within a kind the most informative query comes
// first, because the number per kind is limited. Names of metrics are those of current
// releases; testdata/exporters.txt has them.
func exporters() []exporter {
	return slices.Concat(platform(), controlPlane(), runtimes(), servers(), calls())
}

// themselves are the identities of processes that expose their own metrics, the best first.
func themselves() []string { return []string{byInstance, byPod, byWorkers, byService, byJob} }

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
		{"process-exporter", []string{byInstance, byHost, byNode, byNodeLabel}, []exporterQuery{
			{"process group cpu", "cpu", "namedprocess_namegroup_cpu_seconds_total", `sum by (job, instance, groupname) (rate(namedprocess_namegroup_cpu_seconds_total{}[]))`},
			{"process group memory", "mem", "namedprocess_namegroup_memory_bytes", `sum by (job, instance, groupname) (namedprocess_namegroup_memory_bytes{memtype="resident",})`},
			{"process group writes", "io", "namedprocess_namegroup_write_bytes_total", `sum by (job, instance, groupname) (rate(namedprocess_namegroup_write_bytes_total{}[]))`},
			{"process group reads", "io", "namedprocess_namegroup_read_bytes_total", `sum by (job, instance, groupname) (rate(namedprocess_namegroup_read_bytes_total{}[]))`},
			{"process group open files", "io", "namedprocess_namegroup_open_filedesc", `sum by (job, instance, groupname) (namedprocess_namegroup_open_filedesc{})`},
			{"process group processes", "other", "namedprocess_namegroup_num_procs", `sum by (job, instance, groupname) (namedprocess_namegroup_num_procs{})`},
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
	own := themselves()
	return []exporter{
		{goRuntime, own, []exporterQuery{
			{"goroutines", "other", "go_goroutines", `go_goroutines{}`},
			{"go garbage collection", "cpu", "go_gc_duration_seconds_sum", `rate(go_gc_duration_seconds_sum{}[])`},
			{"go heap", "mem", "go_memstats_heap_inuse_bytes", `go_memstats_heap_inuse_bytes{}`},
		}},
		{"JVM", own, []exporterQuery{
			{"jvm heap", "mem", "jvm_memory_used_bytes", `sum by (instance, area) (jvm_memory_used_bytes{})`},
			{"jvm memory pools", "mem", "jvm_memory_pool_used_bytes", `sum by (instance, pool) (jvm_memory_pool_used_bytes{})`},
			{"jvm pools", "mem", "jvm_memory_used_bytes", `sum by (instance, id, jvm_memory_pool_name) (jvm_memory_used_bytes{})`},
			{"jvm pauses", "cpu", "jvm_gc_pause_seconds_sum", `sum by (instance) (rate(jvm_gc_pause_seconds_sum{}[]))`},
			{"jvm collections", "cpu", "jvm_gc_collection_seconds_sum", `sum by (instance) (rate(jvm_gc_collection_seconds_sum{}[]))`},
			{"jvm garbage collection", "cpu", "jvm_gc_duration_seconds_sum", `sum by (instance, jvm_gc_name) (rate(jvm_gc_duration_seconds_sum{}[]))`},
			{"jvm cpu", "cpu", "jvm_cpu_recent_utilization_ratio", `jvm_cpu_recent_utilization_ratio{}`},
			{"jvm thread count", "other", "jvm_thread_count", `sum by (instance) (jvm_thread_count{})`},
			{"jvm threads", "other", "jvm_threads_live_threads", `jvm_threads_live_threads{}`},
			{"jvm threads now", "other", "jvm_threads_current", `jvm_threads_current{}`},
			{"waiting for connections", "other", "hikaricp_connections_pending", `sum by (instance, pool) (hikaricp_connections_pending{})`},
		}},
		{processMetrics, own, []exporterQuery{
			{"process cpu", "cpu", "process_cpu_seconds_total", `rate(process_cpu_seconds_total{}[])`},
			{"process memory", "mem", "process_resident_memory_bytes", `process_resident_memory_bytes{}`},
			{"open files", "io", "process_open_fds", `process_open_fds{}`},
		}},
	}
}
