// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// candidates are alerts whose cause is another series, which is asked for
// without any rule.
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
	return []Alert{
		{
			Kind: kind, Name: "memory full because of clients", Labels: `job="redis",instance="10.0.0.1:9121"`, Expr: `redis_memory_used_bytes / redis_memory_max_bytes > 0.9`,
			World: redis, Places: []string{`instance="10.0.0.1:9121"`}, Series: "clients",
		},
	}
}
