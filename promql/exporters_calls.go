// SPDX-License-Identifier: Apache-2.0

package promql

// calls are proxies, meshes and instrumented programs, which measure calls.
func calls() []exporter {
	own := themselves()
	return []exporter{
		{"nginx", append([]string{byNamespace}, own...), []exporterQuery{
			{"nginx connections", "other", "nginx_connections_active", `nginx_connections_active{}`},
			{"nginx requests", "traffic", "nginx_http_requests_total", `sum by (job, instance) (rate(nginx_http_requests_total{}[]))`},
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
		{"HAProxy", append([]string{byProxy}, own...), []exporterQuery{
			{"haproxy servers up", "error", "haproxy_backend_active_servers", `sum by (job, instance, proxy) (haproxy_backend_active_servers{})`},
			{"haproxy servers down", "error", "haproxy_server_status", `sum by (job, proxy, server) (haproxy_server_status{state="DOWN",})`},
			{"haproxy connection errors", "error", "haproxy_backend_connection_errors_total", `sum by (job, instance, proxy) (rate(haproxy_backend_connection_errors_total{}[]))`},
			{"haproxy retries", "error", "haproxy_backend_retry_warnings_total", `sum by (job, instance, proxy) (rate(haproxy_backend_retry_warnings_total{}[]))`},
			{"haproxy queue", "latency", "haproxy_backend_current_queue", `sum by (job, instance, proxy) (haproxy_backend_current_queue{})`},
			{"haproxy response time", "latency", "haproxy_backend_response_time_average_seconds", `max by (job, instance, proxy) (haproxy_backend_response_time_average_seconds{})`},
			{"haproxy requests", "traffic", "haproxy_frontend_http_requests_total", `sum by (job, instance, proxy) (rate(haproxy_frontend_http_requests_total{}[]))`},
			{"haproxy responses", "traffic", "haproxy_backend_http_responses_total", `sum by (job, proxy, code) (rate(haproxy_backend_http_responses_total{}[]))`},
			{"haproxy sessions", "other", "haproxy_frontend_current_sessions", `sum by (job, instance, proxy) (haproxy_frontend_current_sessions{})`},
		}},
		{"gRPC", own, []exporterQuery{
			{"grpc responses", "traffic", "grpc_server_handled_total", `sum by (job, grpc_service, grpc_code) (rate(grpc_server_handled_total{}[]))`},
			{"grpc latency", "latency", "grpc_server_handling_seconds_sum", `sum by (job, grpc_service, grpc_method) (rate(grpc_server_handling_seconds_sum{}[])) / sum by (job, grpc_service, grpc_method) (rate(grpc_server_handling_seconds_count{}[]))`},
			{"grpc calls to others", "traffic", "grpc_client_handled_total", `sum by (job, grpc_service, grpc_code) (rate(grpc_client_handled_total{}[]))`},
			{"grpc latency of others", "latency", "grpc_client_handling_seconds_sum", `sum by (job, grpc_service) (rate(grpc_client_handling_seconds_sum{}[])) / sum by (job, grpc_service) (rate(grpc_client_handling_seconds_count{}[]))`},
		}},
		{"OpenTelemetry HTTP", own, []exporterQuery{
			{"http latency", "latency", "http_server_request_duration_seconds_sum", `sum by (job, http_route) (rate(http_server_request_duration_seconds_sum{}[])) / sum by (job, http_route) (rate(http_server_request_duration_seconds_count{}[]))`},
			{"http responses", "traffic", "http_server_request_duration_seconds_count", `sum by (job, http_response_status_code) (rate(http_server_request_duration_seconds_count{}[]))`},
			{"http requests under way", "other", "http_server_active_requests", `sum by (job, instance) (http_server_active_requests{})`},
			{"http latency of others", "latency", "http_client_request_duration_seconds_sum", `sum by (job, server_address) (rate(http_client_request_duration_seconds_sum{}[])) / sum by (job, server_address) (rate(http_client_request_duration_seconds_count{}[]))`},
			{"http responses of others", "traffic", "http_client_request_duration_seconds_count", `sum by (job, server_address, http_response_status_code) (rate(http_client_request_duration_seconds_count{}[]))`},
		}},
		{"OpenTelemetry databases", own, []exporterQuery{
			{"database latency", "latency", "db_client_operation_duration_seconds_sum", `sum by (job, db_system_name, db_namespace) (rate(db_client_operation_duration_seconds_sum{}[])) / sum by (job, db_system_name, db_namespace) (rate(db_client_operation_duration_seconds_count{}[]))`},
			{"database operations", "traffic", "db_client_operation_duration_seconds_count", `sum by (job, db_system_name, db_namespace) (rate(db_client_operation_duration_seconds_count{}[]))`},
			{"waiting for database connections", "other", "db_client_connection_pending_requests", `sum by (job, instance, db_client_connection_pool_name) (db_client_connection_pending_requests{})`},
			{"database connections", "other", "db_client_connection_count", `sum by (job, instance, db_client_connection_pool_name, db_client_connection_state) (db_client_connection_count{})`},
			{"database connection timeouts", "error", "db_client_connection_timeouts_total", `sum by (job, instance, db_client_connection_pool_name) (rate(db_client_connection_timeouts_total{}[]))`},
		}},
		{"Micrometer HTTP", own, []exporterQuery{
			{"http latency of uris", "latency", "http_server_requests_seconds_sum", `sum by (job, instance, uri) (rate(http_server_requests_seconds_sum{}[])) / sum by (job, instance, uri) (rate(http_server_requests_seconds_count{}[]))`},
			{"http responses of uris", "traffic", "http_server_requests_seconds_count", `sum by (job, uri, status) (rate(http_server_requests_seconds_count{}[]))`},
			{"http latency of clients", "latency", "http_client_requests_seconds_sum", `sum by (job, instance, client_name) (rate(http_client_requests_seconds_sum{}[])) / sum by (job, instance, client_name) (rate(http_client_requests_seconds_count{}[]))`},
		}},
	}
}
