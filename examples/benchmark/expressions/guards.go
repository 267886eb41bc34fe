// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// guards are alerts whose KPI stays while a condition beside it flips.
func guards() []Alert {
	const kind = "the guard flipped"
	clusters := func(w *World) {
		for _, c := range []string{"c1", "c2", "c3"} {
			ksm := Always(1)
			if c == "c2" {
				ksm = Until(1)
			}
			w.Exact(`cluster_ready{cluster_id="`+c+`"}`, Always(1))
			w.Exact(`up{job="ksm",cluster_id="`+c+`"}`, ksm)
		}
	}
	backups := func(w *World) {
		for _, db := range []string{"a", "b", "c"} {
			running := Always(1)
			if db == "b" {
				running = Step(1, 0)
			}
			w.Exact(`database_enabled{db="`+db+`"}`, Always(1))
			w.Exact(`replication_running{db="`+db+`"}`, running)
		}
	}
	billing := func(w *World) {
		for _, i := range []string{"a", "b"} {
			w.Exact(`up{job="shop",instance="`+i+`:80"}`, Always(1))
			w.Exact(`up{job="billing",instance="`+i+`:80"}`, Until(1))
		}
	}
	gone := []string{`instance="a:80"`, `instance="b:80"`, `job="billing"`, `instance="a:80",job="billing"`, `instance="b:80",job="billing"`}
	return []Alert{
		{Kind: kind, Name: "unless the target is up", Labels: `cluster_id="c2"`, Expr: `(cluster_ready == 1) unless on (cluster_id) (up{job="ksm"} == 1)`, World: clusters, Places: []string{`cluster_id="c2"`, `cluster_id="c2",job="ksm"`}},
		{Kind: kind, Name: "unless the target is counted", Labels: `cluster_id="c2"`, Expr: `(cluster_ready == 1) unless on (cluster_id) count by (cluster_id) (up{job="ksm"} == 1)`, World: clusters, Places: []string{`cluster_id="c2"`, `cluster_id="c2",job="ksm"`}},
		{Kind: kind, Name: "and the other is 0", Labels: `db="b"`, Expr: `(database_enabled == 1) and on (db) (replication_running == 0)`, World: backups, Places: []string{`db="b"`}, Never: "No change found"},
		{Kind: kind, Name: "absent, by a label", Labels: `job="billing"`, Expr: `absent(up{job="billing"} == 1)`, World: billing, Places: gone},
		{Kind: kind, Name: "absent", Labels: `job="billing"`, Expr: `absent(up{job="billing"})`, World: billing, Places: gone},
		{
			Kind: kind, Name: "absent, one of two is left out", Labels: `job="billing"`, Expr: `count(up{job="billing"} == 1) < 3`,
			World: func(w *World) {
				for i := range 4 {
					level := Always(1)
					if i > 1 {
						level = Step(1, 0)
					}
					w.Exact(fmt.Sprintf(`up{job="billing",instance="i%d"}`, i), level)
				}
			},
			Places: []string{`instance="i2"`, `instance="i3"`}, Both: true,
		},
	}
}
