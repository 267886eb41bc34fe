// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"
	"testing"
)

// The shares of traffic and the ratios of the shifting part and the rest combine to the KPI's
// ratio before.
func TestMixCombinesToRatioBefore(t *testing.T) {
	r := analyse(t, mixShift(), LabelOptions{})
	if r.Change == nil || r.Change.Mix == nil {
		t.Fatalf("%+v", r.Change)
	}
	m := *r.Change.Mix
	before := m.Before*m.Ratio + (1-m.Before)*m.Others
	now := m.Now*m.Ratio + (1-m.Now)*m.Others
	if math.Abs(before-r.Change.Forecast) > 1e-9 || math.Abs(now-r.Change.Actual) > 1e-3 {
		t.Errorf("%+v makes %g and %g, and the ratio went from %g to %g", m, before, now, r.Change.Forecast, r.Change.Actual)
	}
}
