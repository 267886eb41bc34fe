// SPDX-License-Identifier: Apache-2.0

package expressions

// late are alerts that are known to have begun long after the fault did.
func late() []Alert {
	const kind = "told late"
	window := func(d string) string {
		return `sum(rate(http_requests_total{code="500"}[` + d + `])) / sum(rate(http_requests_total[` + d + `]))`
	}
	world := requests(shop, 2, only("pay"))
	at := []string{`service="pay"`}
	return []Alert{
		{Kind: kind, Name: "a sum, by 10 minutes", Late: 10, Expr: `sum(rate(http_requests_total{code="500"}[5m])) > 2`, World: tall(world), Places: at},
		{Kind: kind, Name: "a sum, by 20 minutes", Late: 20, Expr: `sum(rate(http_requests_total{code="500"}[5m])) > 2`, World: tall(world), Places: at},
		{Kind: kind, Name: "a ratio, by 20 minutes", Late: 20, Expr: window("5m") + ` > 0.03`, World: tall(world), Places: at},
		{Kind: kind, Name: "two windows of a burn rate", Late: 12, Expr: `(` + window("5m") + ` > 0.02) and (` + window("1h") + ` > 0.02)`, World: tall(world), Places: at},
		{Kind: kind, Name: "the larger of two windows", Late: 12, Expr: `max(` + window("5m") + ` > 0.02 or ` + window("1h") + ` > 0.02) > 0`, World: tall(world), Places: at},
	}
}

// tall is a world that goes on long enough to be asked about late.
func tall(world func(*World)) func(*World) {
	return func(w *World) {
		w.length += 40
		world(w)
	}
}
