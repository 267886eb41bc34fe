// SPDX-License-Identifier: Apache-2.0

package expressions

import "fmt"

// vanished are alerts because series are gone: those are the place, and not the
// ones that are left.
func vanished() []Alert {
	const kind = "series that vanished"
	members := func(gone ...int) func(*World) {
		return func(w *World) {
			for i := range 6 {
				level, up := Always(100), Always(1)
				for _, g := range gone {
					if g == i {
						level, up = Until(100), Until(1)
					}
				}
				w.Gauge(fmt.Sprintf(`capacity{pod="be-%d"}`, i), level)
				w.Exact(fmt.Sprintf(`up{job="be",pod="be-%d"}`, i), up)
			}
		}
	}
	return []Alert{
		{Kind: kind, Name: "a sum that lost one of six", Expr: `sum(capacity) < 550`, World: members(4), Places: []string{`pod="be-4"`}},
		{Kind: kind, Name: "a sum that lost two of six", Expr: `sum(capacity) < 550`, World: members(1, 4), Places: []string{`pod="be-1"`, `pod="be-4"`}, Both: true},
		{Kind: kind, Name: "a count that lost two of six", Expr: `count(up{job="be"}) < 5`, World: members(1, 4), Places: []string{`pod="be-1"`, `pod="be-4"`}, Both: true},
		{Kind: kind, Name: "a sum of ups that lost three of six", Expr: `sum(up{job="be"}) < 5`, World: members(0, 1, 2), Places: []string{`pod="be-0"`, `pod="be-1"`, `pod="be-2"`}, Both: true},
	}
}
