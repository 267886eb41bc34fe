// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strings"
	"testing"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

func TestOnlyTheUidOfADashboardIsAPlace(t *testing.T) {
	for _, c := range []struct{ name, value, panel, want string }{
		{"__dashboardUid__", "svc-checkout", "2", "svc-checkout"},
		{"__dashboardUid__", "../..", "2", ""},
		{"__dashboardUid__", "..", "", ""},
		{"__dashboardUid__", "abc/../../admin", "", ""},
		{"__dashboardUid__", "abc?orgId=2", "", ""},
		{"__dashboardUid__", "abc%2f..", "", ""},
		{"__dashboardUid__", "a\nb", "", ""},
		{"__dashboardUid__", strings.Repeat("a", 41), "", ""},
		{"grafana_dashboard", "https://grafana.example.org/d/abc123/checkout?orgId=1", "", "abc123"},
		{"grafana_dashboard", "https://grafana.example.org/d/../../admin", "", ""},
		{"grafana_dashboard", "https://grafana.example.org/d/?x", "", ""},
		{"grafana_dashboard", "abc123", "", "abc123"},
		{"grafana_dashboard", "a b", "", ""},
	} {
		annotations := model.LabelSet{model.LabelName(c.name): model.LabelValue(c.value), "__panelId__": model.LabelValue(c.panel)}
		if got := dashboardOf(&config.Rule{}, report.Alert{Annotations: annotations}); got.DashboardUID != c.want || c.want == "" && got != (report.Place{}) {
			t.Errorf("%s %q is %+v", c.name, c.value, got)
		}
	}
	alert := report.Alert{Annotations: model.LabelSet{"__dashboardUid__": "a", "__panelId__": "-4"}}
	if got := dashboardOf(&config.Rule{}, alert); got.PanelID != 0 {
		t.Errorf("panel %d", got.PanelID)
	}
}
