// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// units are alerts whose numbers are easily shown in the wrong unit.
func units() []Alert {
	const kind = "units"
	instances := func(before, after float64, metrics ...string) func(*World) {
		return func(w *World) {
			for i := range 4 {
				level := Always(before)
				if i == 2 {
					level = Step(before, after)
				}
				for k, m := range metrics {
					if k == 0 {
						w.Gauge(fmt.Sprintf(`%s{instance="n%d"}`, m, i), level)
					} else {
						w.Exact(fmt.Sprintf(`%s{instance="n%d"}`, m, i), Always(8))
					}
				}
			}
		}
	}
	at := []string{`instance="n2"`}
	return []Alert{
		{Kind: kind, Name: "load per core", Labels: `instance="n2"`, Expr: `node_load1 / cores > 2`, World: instances(4, 40, "node_load1", "cores"), Places: at, Never: "%\\)"},
		{Kind: kind, Name: "mebibytes", Labels: `instance="n2"`, Expr: `cache_size_mib > 500`, World: instances(100, 900, "cache_size_mib"), Places: at, Never: ` B\)|0 B`},
		{Kind: kind, Name: "bytes, told in mebibytes", Labels: `instance="n2"`, Expr: `resident_bytes / 1024 / 1024 > 500`, World: instances(1e8, 9e8, "resident_bytes"), Places: at, Says: `9\d\.\d MiB → 8\d\d MiB`},
		{Kind: kind, Name: "a quantile in milliseconds", Labels: `route="/b"`, Expr: `1000 * histogram_quantile(0.95, sum by (route, le) (rate(wait_seconds_bucket[5m]))) > 200`, World: func(w *World) {
			for _, route := range []string{"/a", "/b", "/c"} {
				slow := Always(4)
				if route == "/b" {
					slow = Step(4, 200)
				}
				w.Histogram("wait_seconds", `route="`+route+`"`, slow)
			}
		}, Places: []string{`route="/b"`}, Says: ` ms\)`},
		{Kind: kind, Name: "bytes", Labels: `instance="n2"`, Expr: `heap_bytes > 5e8`, World: instances(1e8, 9e8, "heap_bytes"), Places: at, Says: "MiB|MB"},
		{
			Kind: kind, Name: "a mean without a unit", Expr: `sum(rate(lat_sum[5m])) / sum(rate(lat_count[5m])) > 1`,
			World: func(w *World) {
				for _, r := range []string{"/a", "/b", "/c"} {
					sum := Always(20)
					if r == "/a" {
						sum = Step(20, 700)
					}
					w.Counter(`lat_sum{route="`+r+`"}`, sum)
					w.Counter(`lat_count{route="`+r+`"}`, Always(200))
				}
			},
			Places: []string{`route="/a"`}, Never: "%\\)",
		},
	}
}
