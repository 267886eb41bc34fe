// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// madeLabels are alerts by labels that the expression creates: the places have the original labels.
func madeLabels() []Alert {
	const kind = "labels that the expression makes"
	up := func(w *World) {
		for i := range 5 {
			level := Always(1)
			if i == 3 {
				level = Step(1, 0)
			}
			w.Exact(fmt.Sprintf(`up{job="node",instance="n%d:9100"}`, i), level)
		}
	}
	errors := func(w *World) {
		for i := range 4 {
			level := Always(4)
			if i == 1 {
				level = Step(4, 200)
			}
			w.Counter(fmt.Sprintf(`errors_total{instance="n%d:9100"}`, i), level)
			w.Exact(fmt.Sprintf(`node_info{instance="n%d:9100",rack="r%d"}`, i, i/2), Always(1))
		}
	}
	node := []string{`instance="n3:9100"`, `host="n3"`, `host="n3",instance="n3:9100"`}
	one := []string{`instance="n1:9100"`, `host="n1"`, `host="n1",instance="n1:9100"`}
	return []Alert{
		{Kind: kind, Name: "a host out of an instance", Labels: `host="n3"`, Expr: `sum by (host) (label_replace(up, "host", "$1", "instance", "(.+):.+")) == 0`, World: up, Places: node},
		{Kind: kind, Name: "a host, not aggregated", Labels: `host="n3",job="node",instance="n3:9100"`, Expr: `label_replace(up, "host", "$1", "instance", "(.+):.+") == 0`, World: up, Places: node},
		{Kind: kind, Name: "joined labels", Labels: `where="node/n3:9100"`, Expr: `max by (where) (label_join(up, "where", "/", "job", "instance")) == 0`, World: up, Places: append(node, `where="node/n3:9100"`)},
		{Kind: kind, Name: "errors of a made host", Labels: `host="n1"`, Expr: `sum by (host) (label_replace(rate(errors_total[5m]), "host", "$1", "instance", "(.+):.+")) > 2`, World: errors, Places: one},
		{Kind: kind, Name: "a label of an info metric", Labels: `instance="n1:9100",rack="r0"`, Expr: `rate(errors_total[5m]) * on (instance) group_left (rack) node_info > 2`, World: errors, Places: append(one, `instance="n1:9100",rack="r0"`)},
		{Kind: kind, Name: "summed by a label of an info metric", Labels: `rack="r0"`, Expr: `sum by (rack) (rate(errors_total[5m]) * on (instance) group_left (rack) node_info) > 2`, World: errors, Places: append(one, `rack="r0"`, `instance="n1:9100",rack="r0"`)},
	}
}
