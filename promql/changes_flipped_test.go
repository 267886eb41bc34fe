// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"testing"

	"github.com/prometheus/common/model"
)

// On a server that has just started, all series begin at once: that is no rollout.
func TestSeriesThatAllBeginTogetherAreNoRollout(t *testing.T) {
	build, _ := traceOf(byLabels, "node_exporter_build_info")
	m := model.Metric{model.MetricNameLabel: "node_exporter_build_info", "job": "node", "version": "1.5.0"}
	if from, to, ok := build.versionChange(m, nil); ok {
		t.Errorf("a first version is a change %q → %q", from, to)
	}
	before := m.Clone()
	before["version"] = "1.4.0"
	if from, to, ok := build.versionChange(m, []model.Metric{before}); !ok || from != "1.4.0" || to != "1.5.0" {
		t.Errorf("a flip is %q → %q, %v", from, to, ok)
	}
}
