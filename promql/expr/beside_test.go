// SPDX-License-Identifier: Apache-2.0

package expr

import "testing"

func TestSiblingsOfKPI(t *testing.T) {
	for query, want := range map[string]string{
		`sum by (service) (rate(e[5m]))`: `sum by (service) (rate(e[5m]))`,
		`max by (shard) (q)`:             `max by (shard) (q)`,
		`q`:                              `q`,
		`free / size * 100`:              `free / size * 100`,
		`topk(3, q)`:                     `q`,
		`predict_linear(free[1h], 3600)`: `free`,
		`histogram_quantile(.9, sum by (s, le) (rate(b[5m])))`: `histogram_quantile(0.9, sum by (s, le) (rate(b[5m])))`,
		// a share of nothing is 0 where there is something that it would be of
		`sum by (s) (rate(e[5m])) / sum by (s) (rate(r[5m]))`:     `((sum by (s) (rate(e[5m])) / sum by (s) (rate(r[5m]))) or 0 * sum by (s) (rate(r[5m])))`,
		`sum by (s) (e) / on (s) group_left () sum by (s, x) (r)`: `sum by (s) (e) / on (s) group_left () sum by (s, x) (r)`,
		`sum(e)`:          ``,
		`max(q)`:          ``,
		`sum(e) / sum(r)`: ``,
	} {
		got, ok := Beside(MustParse(query))
		if got.Text != want || ok != (want != "") {
			t.Errorf("%s: %q %t, want %q", query, got.Text, ok, want)
		}
	}
}

func TestSeriesOfExtremeKPI(t *testing.T) {
	for query, want := range map[string]struct {
		over string
		is   Extreme
	}{
		`max(q)`:                    {"q", Largest},
		`min by (db) (free)`:        {"free", Smallest},
		`100 - min(free) * 100`:     {"free", Smallest},
		`quantile(0.99, q)`:         {"q", Largest},
		`quantile(0.1, q)`:          {"q", Smallest},
		`max(sum by (pod) (q)) > 5`: {"sum by (pod) (q)", Largest},
		`sum(q)`:                    {"q", NoExtreme},
		`avg by (x) (q)`:            {"q", NoExtreme},
		`max(a) - max(b)`:           {"", NoExtreme},
		`q`:                         {"", NoExtreme},
		`stddev(q)`:                 {"q", NoExtreme},
		`topk(1, max by (pod) (q))`: {"max by (pod) (q)", NoExtreme},
	} {
		over, is := ExtremeOf(MustParse(query))
		text := ""
		if over != nil {
			text = over.String()
		}
		if text != want.over || is != want.is {
			t.Errorf("%s: %q %d, want %q %d", query, text, is, want.over, want.is)
		}
	}
}
