// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// dashboardOf is where in Grafana an alert is shown: where the rule says, or where
// the alert's own annotations point. Grafana's alerts carry __dashboardUid__
// and __panelId__; others may have grafana_dashboard, a UID or the address of a
// dashboard.
func dashboardOf(rule *config.Rule, a report.Alert) report.Place {
	if rule.Grafana.DashboardUID != "" {
		return report.Place{DashboardUID: rule.Grafana.DashboardUID, PanelID: rule.Grafana.PanelID}
	}
	if uid := a.Annotations["__dashboardUid__"]; uid != "" {
		panel, err := strconv.ParseInt(string(a.Annotations["__panelId__"]), 10, 64)
		if err != nil || panel < 0 {
			panel = 0 // the whole dashboard
		}
		return namedPlace(string(uid), panel)
	}
	return namedPlace(dashboardUID(string(a.Annotations["grafana_dashboard"])), 0)
}

// namedPlace is what an alert names, unless it is no dashboard: whoever posts an
// alert writes its annotations, and a uid becomes a part of paths.
func namedPlace(uid string, panel int64) report.Place {
	if !config.ValidDashboardUID(uid) {
		return report.Place{}
	}
	return report.Place{DashboardUID: uid, PanelID: panel}
}

// dashboardUID takes the UID out of an address such as
// https://grafana.example.org/d/abc123/checkout?orgId=1.
func dashboardUID(s string) string {
	if _, path, ok := strings.Cut(s, "/d/"); ok {
		uid, _, _ := strings.Cut(path, "/")
		uid, _, _ = strings.Cut(uid, "?")
		return uid
	}
	return s // or what is no UID either
}
