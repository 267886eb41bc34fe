// SPDX-License-Identifier: Apache-2.0

package promql

// servers are databases and message brokers.
func servers() []exporter {
	own := themselves()
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
		{"RabbitMQ", append([]string{byQueue}, own...), []exporterQuery{
			{"rabbitmq messages of a queue", "other", "rabbitmq_detailed_queue_messages_ready", `sum by (job, vhost, queue) (rabbitmq_detailed_queue_messages_ready{})`},
			{"rabbitmq consumers of a queue", "error", "rabbitmq_detailed_queue_consumers", `sum by (job, vhost, queue) (rabbitmq_detailed_queue_consumers{})`},
			{"rabbitmq messages ready", "other", "rabbitmq_queue_messages_ready", `sum by (job, instance, vhost, queue) (rabbitmq_queue_messages_ready{})`},
			{"rabbitmq messages unacknowledged", "latency", "rabbitmq_queue_messages_unacked", `sum by (job, instance, vhost, queue) (rabbitmq_queue_messages_unacked{})`},
			{"rabbitmq consumers", "error", "rabbitmq_queue_consumers", `sum by (job, instance, vhost, queue) (rabbitmq_queue_consumers{})`},
			{"rabbitmq received", "traffic", "rabbitmq_global_messages_received_total", `sum by (job, instance) (rate(rabbitmq_global_messages_received_total{}[]))`},
			{"rabbitmq delivered", "traffic", "rabbitmq_global_messages_delivered_total", `sum by (job, instance) (rate(rabbitmq_global_messages_delivered_total{}[]))`},
			{"rabbitmq redelivered", "error", "rabbitmq_global_messages_redelivered_total", `sum by (job, instance) (rate(rabbitmq_global_messages_redelivered_total{}[]))`},
			{"rabbitmq connections", "other", "rabbitmq_connections", `sum by (job, instance) (rabbitmq_connections{})`},
			{"rabbitmq memory", "mem", "rabbitmq_process_resident_memory_bytes", `rabbitmq_process_resident_memory_bytes{}`},
			{"rabbitmq disk space", "io", "rabbitmq_disk_space_available_bytes", `rabbitmq_disk_space_available_bytes{}`},
		}},
		{"Elasticsearch", own, []exporterQuery{
			{"elasticsearch rejections", "error", "elasticsearch_thread_pool_rejected_count", `sum by (job, name, type) (rate(elasticsearch_thread_pool_rejected_count{}[]))`},
			{"elasticsearch queues", "latency", "elasticsearch_thread_pool_queue_count", `sum by (job, name, type) (elasticsearch_thread_pool_queue_count{})`},
			{"elasticsearch heap", "mem", "elasticsearch_jvm_memory_used_bytes", `sum by (job, name, area) (elasticsearch_jvm_memory_used_bytes{})`},
			{"elasticsearch garbage collection", "cpu", "elasticsearch_jvm_gc_collection_seconds_sum", `sum by (job, name, gc) (rate(elasticsearch_jvm_gc_collection_seconds_sum{}[]))`},
			{"elasticsearch cpu", "cpu", "elasticsearch_process_cpu_seconds_total", `sum by (job, name) (rate(elasticsearch_process_cpu_seconds_total{}[]))`},
			{"elasticsearch queries", "traffic", "elasticsearch_indices_search_query_total", `sum by (job, name) (rate(elasticsearch_indices_search_query_total{}[]))`},
			{"elasticsearch query time", "latency", "elasticsearch_indices_search_query_time_seconds", `sum by (job, name) (rate(elasticsearch_indices_search_query_time_seconds{}[]))`},
			{"elasticsearch indexing", "traffic", "elasticsearch_indices_indexing_index_total", `sum by (job, name) (rate(elasticsearch_indices_indexing_index_total{}[]))`},
			{"elasticsearch breakers tripped", "error", "elasticsearch_breakers_tripped", `sum by (job, name, breaker) (rate(elasticsearch_breakers_tripped{}[]))`},
			{"elasticsearch nodes", "error", "elasticsearch_cluster_health_number_of_nodes", `max by (job, cluster) (elasticsearch_cluster_health_number_of_nodes{})`},
			{"elasticsearch space left", "io", "elasticsearch_filesystem_data_available_bytes", `min by (job, name) (elasticsearch_filesystem_data_available_bytes{})`},
		}},
		{"MongoDB", own, []exporterQuery{
			{"mongodb connections", "other", "mongodb_ss_connections", `sum by (job, instance, conn_type) (mongodb_ss_connections{conn_type!="available",})`},
			{"mongodb queue", "latency", "mongodb_ss_globalLock_currentQueue", `sum by (job, instance, count_type) (mongodb_ss_globalLock_currentQueue{count_type!="total",})`},
			{"mongodb operations", "traffic", "mongodb_ss_opcounters", `sum by (job, instance, legacy_op_type) (rate(mongodb_ss_opcounters{}[]))`},
			{"mongodb time of operations", "latency", "mongodb_ss_opLatencies_latency", `sum by (job, instance, op_type) (rate(mongodb_ss_opLatencies_latency{}[]))`},
			{"mongodb documents", "traffic", "mongodb_ss_metrics_document", `sum by (job, instance, doc_op_type) (rate(mongodb_ss_metrics_document{}[]))`},
			{"mongodb cache", "mem", "mongodb_ss_wt_cache_bytes_currently_in_the_cache", `mongodb_ss_wt_cache_bytes_currently_in_the_cache{}`},
			{"mongodb memory", "mem", "mongodb_ss_mem_resident", `mongodb_ss_mem_resident{}`},
			{"mongodb tickets in use", "other", "mongodb_ss_wt_concurrentTransactions_out", `sum by (job, instance, txn_rw) (mongodb_ss_wt_concurrentTransactions_out{})`},
			{"mongodb asserts", "error", "mongodb_ss_asserts", `sum by (job, instance, assert_type) (rate(mongodb_ss_asserts{}[]))`},
		}},
	}
}
