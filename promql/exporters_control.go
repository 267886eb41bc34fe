// SPDX-License-Identifier: Apache-2.0

package promql

// controlPlane is what a Kubernetes cluster itself runs on.
func controlPlane() []exporter {
	own := append(themselves(), byNamespace)
	return []exporter{
		{"CoreDNS", own, []exporterQuery{
			{"dns failures", "error", "coredns_dns_responses_total", `sum by (job, instance, rcode) (rate(coredns_dns_responses_total{rcode=~"SERVFAIL|REFUSED",}[]))`},
			{"dns latency", "latency", "coredns_dns_request_duration_seconds_sum", `sum by (job, instance) (rate(coredns_dns_request_duration_seconds_sum{}[])) / sum by (job, instance) (rate(coredns_dns_request_duration_seconds_count{}[]))`},
			{"dns requests", "traffic", "coredns_dns_requests_total", `sum by (job, instance) (rate(coredns_dns_requests_total{}[]))`},
			{"dns latency upstream", "latency", "coredns_proxy_request_duration_seconds_sum", `sum by (job, to) (rate(coredns_proxy_request_duration_seconds_sum{}[])) / sum by (job, to) (rate(coredns_proxy_request_duration_seconds_count{}[]))`},
			{"dns health checks failed", "error", "coredns_proxy_healthcheck_failures_total", `sum by (job, to) (rate(coredns_proxy_healthcheck_failures_total{}[]))`},
			{"dns forwards rejected", "error", "coredns_forward_max_concurrent_rejects_total", `sum by (job, instance) (rate(coredns_forward_max_concurrent_rejects_total{}[]))`},
			{"dns cache misses", "traffic", "coredns_cache_misses_total", `sum by (job, instance) (rate(coredns_cache_misses_total{}[]))`},
		}},
		{"etcd", own, []exporterQuery{
			{"etcd leader changes", "error", "etcd_server_leader_changes_seen_total", `sum by (job, instance) (increase(etcd_server_leader_changes_seen_total{}[]))`},
			{"etcd fsync", "io", "etcd_disk_wal_fsync_duration_seconds_sum", `sum by (job, instance) (rate(etcd_disk_wal_fsync_duration_seconds_sum{}[])) / sum by (job, instance) (rate(etcd_disk_wal_fsync_duration_seconds_count{}[]))`},
			{"etcd commits", "io", "etcd_disk_backend_commit_duration_seconds_sum", `sum by (job, instance) (rate(etcd_disk_backend_commit_duration_seconds_sum{}[])) / sum by (job, instance) (rate(etcd_disk_backend_commit_duration_seconds_count{}[]))`},
			{"etcd round trips", "net", "etcd_network_peer_round_trip_time_seconds_sum", `sum by (job, instance, To) (rate(etcd_network_peer_round_trip_time_seconds_sum{}[])) / sum by (job, instance, To) (rate(etcd_network_peer_round_trip_time_seconds_count{}[]))`},
			{"etcd proposals pending", "latency", "etcd_server_proposals_pending", `etcd_server_proposals_pending{}`},
			{"etcd proposals failed", "error", "etcd_server_proposals_failed_total", `rate(etcd_server_proposals_failed_total{}[])`},
			{"etcd slow applies", "latency", "etcd_server_slow_apply_total", `rate(etcd_server_slow_apply_total{}[])`},
			{"etcd size", "mem", "etcd_mvcc_db_total_size_in_bytes", `etcd_mvcc_db_total_size_in_bytes{}`},
		}},
		{"kube-apiserver", themselves(), []exporterQuery{
			{"apiserver requests", "traffic", "apiserver_request_total", `sum by (job, resource, code) (rate(apiserver_request_total{}[]))`},
			{"apiserver latency", "latency", "apiserver_request_duration_seconds_sum", `sum by (job, resource, verb) (rate(apiserver_request_duration_seconds_sum{verb!~"WATCH|CONNECT",}[])) / sum by (job, resource, verb) (rate(apiserver_request_duration_seconds_count{verb!~"WATCH|CONNECT",}[]))`},
			{"apiserver requests under way", "other", "apiserver_current_inflight_requests", `sum by (job, instance, request_kind) (apiserver_current_inflight_requests{})`},
			{"apiserver requests queued", "latency", "apiserver_flowcontrol_current_inqueue_requests", `sum by (job, priority_level, flow_schema) (apiserver_flowcontrol_current_inqueue_requests{})`},
			{"apiserver requests rejected", "error", "apiserver_flowcontrol_rejected_requests_total", `sum by (job, priority_level, reason) (rate(apiserver_flowcontrol_rejected_requests_total{}[]))`},
			{"apiserver latency of etcd", "latency", "etcd_request_duration_seconds_sum", `sum by (job, operation) (rate(etcd_request_duration_seconds_sum{}[])) / sum by (job, operation) (rate(etcd_request_duration_seconds_count{}[]))`},
			{"apiserver latency of webhooks", "latency", "apiserver_admission_webhook_admission_duration_seconds_sum", `sum by (job, name) (rate(apiserver_admission_webhook_admission_duration_seconds_sum{}[])) / sum by (job, name) (rate(apiserver_admission_webhook_admission_duration_seconds_count{}[]))`},
			{"apiserver objects", "other", "apiserver_resource_objects", `sum by (job, resource) (apiserver_resource_objects{})`},
			{"apiserver stored objects", "other", "apiserver_storage_objects", `sum by (job, resource) (apiserver_storage_objects{})`},
		}},
	}
}
