// SPDX-License-Identifier: Apache-2.0

package analysis

import "slices"

// own is the move of the KPI among its siblings, by the same figures as theirs: a
// page that tells it from other samples would have two truths. It is nil if
// there are no siblings, or if they are measured otherwise than the KPI.
func (l *location) own() *Change {
	b := l.breakdown
	if b.Own == nil || b.Unlike || len(b.Marginals) > 0 {
		return nil
	}
	row := slices.IndexFunc(b.Leaves, func(leaf []string) bool { return has(b.Labels, leaf, b.Own) })
	k := slices.Index(l.rows, row)
	if row < 0 || k < 0 {
		return nil
	}
	m := l.input.Measure
	by := l.letDown(func(leaf []string) bool { return has(l.breakdown.Labels, leaf, b.Own) })
	c := &Change{Forecast: l.shown(m.Forecast[k] - by), Actual: l.shown(m.Actual[k] - by)}
	if p := m.Parts; p != nil {
		if !(p.ActualDen[k] > 0) {
			return nil
		}
		c.Forecast, c.Actual = finite((m.Forecast[k]-by)/p.ActualDen[k]), finite((m.Actual[k]-by)/p.ActualDen[k])
	}
	c.Rising = c.Actual > c.Forecast
	return c
}
