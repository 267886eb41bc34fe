// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"
	"math"
)

// distinct are alerts on the number of different values: the odd one out is the place.
func distinct() []Alert {
	const kind = "different values"
	hashes := func(w *World) {
		for i := range 4 {
			level := Always(8723948)
			if i == 2 {
				level = Step(8723948, 5512001)
			}
			w.Exact(fmt.Sprintf(`config_hash{job="am",instance="am-%d"}`, i), level)
		}
	}
	versions := func(w *World) {
		for i := range 4 {
			v1, v2 := Always(1), Always(math.NaN())
			if i == 3 {
				v1, v2 = Until(1), Since(1)
			}
			w.Exact(fmt.Sprintf(`build_info{job="db",instance="db-%d",version="1.4"}`, i), v1)
			w.Exact(fmt.Sprintf(`build_info{job="db",instance="db-%d",version="1.5"}`, i), v2)
		}
	}
	odd := []string{`instance="am-2"`}
	newer := []string{`instance="db-3"`, `version="1.5"`, `instance="db-3",version="1.5"`}
	return []Alert{
		{Kind: kind, Name: "hashes, by count_values", Labels: `job="am"`, Expr: `count by (job) (count_values by (job) ("hash", config_hash)) > 1`, World: hashes, Places: odd, Never: "alike"},
		{Kind: kind, Name: "hashes, not alike", Expr: `count(count by (hash) (label_replace(config_hash, "hash", "x", "", ""))) > 1 or count(count_values("hash", config_hash)) > 1`, World: hashes, Places: odd, Never: "alike"},
		{Kind: kind, Name: "hashes, by their spread", Labels: `job="am"`, Expr: `stddev by (job) (config_hash) > 0`, World: hashes, Places: odd, Never: "alike"},
		{Kind: kind, Name: "hashes, largest against smallest", Labels: `job="am"`, Expr: `max by (job) (config_hash) != min by (job) (config_hash)`, World: hashes, Places: odd, Never: "alike"},
		{Kind: kind, Name: "versions", Labels: `job="db"`, Expr: `count by (job) (count by (job, version) (build_info)) > 1`, World: versions, Places: newer, Never: "alike"},
	}
}
