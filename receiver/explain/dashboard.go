// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// dashboardOf returns where Grafana shows an alert: as the rule says, or else as the alert's
// annotations say. Grafana's own alerts have __dashboardUid__ and __panelId__; others may have
// grafana_dashboard, which is a UID or the URL of a dashboard.
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

// namedPlace validates a place that an alert names: whoever posts an alert chooses its annotations,
// and the uid becomes part of URL paths.
func namedPlace(uid string, panel int64) report.Place {
	if !config.ValidDashboardUID(uid) {
		return report.Place{}
	}
	return report.Place{DashboardUID: uid, PanelID: panel}
}

// dashboardUID extracts the UID from a URL such as
// https://grafana.example.org/d/abc123/checkout?orgId=1.
func dashboardUID(s string) string {
	if _, path, ok := strings.Cut(s, "/d/"); ok {
		uid, _, _ := strings.Cut(path, "/")
		uid, _, _ = strings.Cut(uid, "?")
		return uid
	}
	return s // already a UID, or invalid
}
