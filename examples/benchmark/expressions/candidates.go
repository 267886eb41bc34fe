// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"
	"strings"
)

// candidates are alerts caused by another series, which is found without any rule.
func candidates() []Alert {
	const kind = "candidates without a rule"
	redis := func(w *World) {
		for i := range 3 {
			clients, memory := Always(20), Always(1e9)
			if i == 1 {
				clients, memory = Step(20, 220), Step(1e9, 3.9e9)
			}
			at := fmt.Sprintf(`{job="redis",instance="10.0.0.%d:9121"}`, i)
			w.Gauge("redis_memory_used_bytes"+at, memory)
			w.Exact("redis_memory_max_bytes"+at, Always(4e9))
			w.Gauge("redis_connected_clients"+at, clients)
			w.Gauge("redis_blocked_clients"+at, Always(2))
			w.Counter("redis_commands_processed_total"+at, Always(5000))
		}
	}
	return append(besideCandidates(), Alert{
		Kind: kind, Name: "memory full because of clients", Labels: `job="redis",instance="10.0.0.1:9121"`, Expr: `redis_memory_used_bytes / redis_memory_max_bytes > 0.9`,
		World: redis, Places: []string{`instance="10.0.0.1:9121"`}, Series: "clients",
	})
}

// besideCandidates are alerts whose own labels don't identify the series of the cause; the labels
// of the KPI's series do.
func besideCandidates() []Alert {
	const kind = "candidates of the series of the KPI"
	return []Alert{
		{
			Kind: kind, Name: "errors of a proxy whose servers are gone", Labels: `proxy="shop"`,
			Expr:  `sum by (proxy) (rate(haproxy_backend_http_responses_total{code="5xx"}[5m])) > 1`,
			World: proxies, Places: []string{`proxy="shop"`}, Series: "haproxy servers up",
		},
		{
			Kind: kind, Name: "latency of a service that waits for connections",
			Expr:  `sum(rate(http_server_requests_seconds_sum{job="api"}[5m])) / sum(rate(http_server_requests_seconds_count{job="api"}[5m])) > 0.3`,
			World: pooled, Places: []string{`instance="10.0.0.2:8080"`}, Series: "waiting for connections",
		},
		{
			Kind: kind, Name: "a machine is busy with a group of processes", Labels: `instance="10.0.0.2:9100"`,
			Expr:  `100 - avg by (instance) (rate(node_cpu_seconds_total{mode="idle"}[5m])) * 100 > 80`,
			World: busy, Places: []string{`instance="10.0.0.2:9100"`}, Series: "process group cpu", Says: "backup",
		},
		{
			Kind: kind, Name: "a queue without consumers", Labels: `queue="mail",vhost="/"`,
			Expr:  `sum by (queue, vhost) (rabbitmq_detailed_queue_messages_ready) > 1000`,
			World: queues, Places: []string{`queue="mail"`}, Series: "rabbitmq consumers",
		},
		{
			Kind: kind, Name: "a name server beside it is out of memory",
			Expr:  `sum(rate(ingress_requests_total{namespace="kube-system",code="502"}[5m])) > 1`,
			World: nameServers, Series: "coredns",
		},
		{
			Kind: kind, Name: "a pod beside it on its node takes the processors", Labels: `namespace="shop",pod="pay-1"`,
			Expr:  `sum by (namespace, pod) (rate(pay_seconds_sum[5m])) / sum by (namespace, pod) (rate(pay_seconds_count[5m])) > 0.3`,
			World: neighbours, Places: []string{`pod="pay-1"`}, Series: `pod="render-0"`,
		},
		{
			Kind: kind, Name: "a partner sends more, which no series tells",
			Expr:  `sum(queue_length{job="claims"}) > 4000`,
			World: claims, Verdict: "external", Says: "No single place",
		},
	}
}

func proxies(w *World) {
	for _, proxy := range []string{"shop", "blog"} {
		servers, bad := Always(4), Always(2)
		if proxy == "shop" {
			servers, bad = Step(4, 1), Step(2, 400)
		}
		at := `job="haproxy",instance="10.0.0.1:8404",proxy="` + proxy + `"`
		w.Exact(`haproxy_backend_active_servers{`+at+`}`, servers)
		w.Counter(`haproxy_backend_http_responses_total{`+at+`,code="5xx"}`, bad)
		w.Counter(`haproxy_backend_http_responses_total{`+at+`,code="2xx"}`, Always(3000))
		w.Counter(`haproxy_frontend_http_requests_total{`+at+`}`, Always(3000))
		w.Gauge(`haproxy_frontend_current_sessions{`+at+`}`, Always(40))
	}
}

// pooled is a service with three instances, one of which waits for its connection pool.
func pooled(w *World) {
	for i := range 3 {
		at := fmt.Sprintf(`job="api",instance="10.0.0.%d:8080"`, i)
		seconds, waiting := Always(60), Always(1)
		if i == 2 {
			seconds, waiting = Step(60, 900), Step(1, 45)
		}
		w.Counter(`http_server_requests_seconds_sum{`+at+`}`, seconds)
		w.Counter(`http_server_requests_seconds_count{`+at+`}`, Always(600))
		w.Gauge(`hikaricp_connections_pending{`+at+`,pool="main"}`, waiting)
		w.Gauge(`jvm_memory_used_bytes{`+at+`,area="heap",id="G1 Old Gen"}`, Always(4e8))
		w.Gauge(`jvm_threads_live_threads{`+at+`}`, Always(80))
		w.Counter(`process_cpu_seconds_total{`+at+`}`, Always(20))
	}
	w.Gauge(`hikaricp_connections_pending{job="other",instance="10.0.0.9:8080",pool="main"}`, Step(1, 80)) // of another service
}

// busy has three machines, one of which runs a backup.
func busy(w *World) {
	for i := range 3 {
		at := fmt.Sprintf(`instance="10.0.0.%d:9100",job="node"`, i)
		groups := fmt.Sprintf(`instance="10.0.0.%d:9256",job="process"`, i)
		idle, backup := Always(5000), Always(20)
		if i == 2 {
			idle, backup = Step(5000, 300), Step(20, 4800)
		}
		w.Counter(`node_cpu_seconds_total{`+at+`,mode="idle",cpu="0"}`, idle)
		w.Gauge(`node_load1{`+at+`}`, Always(1))
		w.Gauge(`node_memory_MemAvailable_bytes{`+at+`}`, Always(8e9))
		w.Counter(`namedprocess_namegroup_cpu_seconds_total{`+groups+`,groupname="backup",mode="user"}`, backup)
		w.Counter(`namedprocess_namegroup_cpu_seconds_total{`+groups+`,groupname="postgres",mode="user"}`, Always(400))
	}
}

func queues(w *World) {
	for _, queue := range []string{"mail", "invoices", "thumbs"} {
		ready, consumers := Always(20), Always(6)
		if queue == "mail" {
			ready, consumers = Ramp(20, 5000, 10), Step(6, 1)
		}
		at := `job="rabbitmq",instance="10.0.0.5:15692",vhost="/",queue="` + queue + `"`
		w.Gauge(`rabbitmq_detailed_queue_messages_ready{`+at+`}`, ready)
		w.Exact(`rabbitmq_detailed_queue_consumers{`+at+`}`, consumers)
	}
	const node = `{job="rabbitmq",instance="10.0.0.5:15692"}`
	w.Counter(`rabbitmq_global_messages_received_total`+node, Always(3000))
	w.Gauge(`rabbitmq_connections`+node, Always(30))
	w.Gauge(`rabbitmq_process_resident_memory_bytes`+node, Always(4e8))
}

// nameServers run in the namespace of an ingress and are killed repeatedly.
func nameServers(w *World) {
	for _, pod := range []string{"ingress-0", "ingress-1", "coredns-0", "coredns-1", "metrics-0"} {
		at := `namespace="kube-system",pod="` + pod + `"`
		restarts, memory := Always(0), Always(6e7)
		if strings.HasPrefix(pod, "coredns") {
			restarts, memory = Step(0, 2), Step(6e7, 1.7e8)
		}
		w.Counter(`kube_pod_container_status_restarts_total{job="ksm",container="c",`+at+`}`, restarts)
		w.Gauge(`container_memory_working_set_bytes{job="kubelet",container="c",`+at+`}`, memory)
		if strings.HasPrefix(pod, "ingress") {
			at += `,job="ingress",instance="` + pod + `:9911"`
			w.Counter(`ingress_requests_total{`+at+`,code="502"}`, Step(3, 300))
			w.Counter(`ingress_requests_total{`+at+`,code="200"}`, Always(3000))
		}
	}
}

// neighbours are pods of several namespaces on two nodes; kube-state-metrics shows where they run.
func neighbours(w *World) {
	for _, p := range []struct{ namespace, pod, node string }{
		{"shop", "pay-0", "n1"}, {"shop", "pay-1", "n2"}, {"media", "render-0", "n2"}, {"media", "render-1", "n3"}, {"shop", "cart-0", "n1"},
	} {
		at := fmt.Sprintf(`namespace="%s",pod="%s"`, p.namespace, p.pod)
		cpu, seconds := Always(300), Always(60)
		switch p.pod {
		case "render-0":
			cpu = Step(300, 9000)
		case "pay-1":
			seconds = Step(60, 400)
		}
		w.Exact(`kube_pod_info{job="ksm",`+at+`,node="`+p.node+`"}`, Always(1))
		w.Counter(`container_cpu_usage_seconds_total{job="kubelet",container="c",node="`+p.node+`",`+at+`}`, cpu)
		w.Gauge(`container_memory_working_set_bytes{job="kubelet",container="c",node="`+p.node+`",`+at+`}`, Always(2e8))
		if strings.HasPrefix(p.pod, "pay") {
			w.Counter(`pay_seconds_sum{job="pay",`+at+`}`, seconds)
			w.Counter(`pay_seconds_count{job="pay",`+at+`}`, Always(600))
		}
	}
}

// claims are two workers whose queue is filled from outside.
func claims(w *World) {
	for i := range 2 {
		at := fmt.Sprintf(`{job="claims",instance="10.0.0.%d:80"}`, i)
		w.Gauge(`queue_length`+at, Step(200, 4000))
		w.Gauge(`go_goroutines`+at, Always(30))
		w.Gauge(`process_resident_memory_bytes`+at, Always(2e8))
		w.Counter(`process_cpu_seconds_total`+at, Always(20))
	}
}
