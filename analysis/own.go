// SPDX-License-Identifier: Apache-2.0

package analysis

import "slices"

// own returns the move of the KPI computed like that of its siblings: figures from other
// samples would contradict the table. It is nil without siblings, or if they have another unit.
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
	by := l.liftOf(func(leaf []string) bool { return has(l.breakdown.Labels, leaf, b.Own) })
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
