// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"time"
)

// checkChanges checks the settings of changes.
func (d *decoder) checkChanges(c *Config) {
	if time.Duration(c.Changes.Lifetime) < time.Hour {
		d.at("changes.lifetime", fmt.Sprintf("is %s", c.Changes.Lifetime), "keep changes for an hour at least, or leave it out for 30d")
	}
	g := c.Changes.Grafana
	if g == nil {
		return
	}
	if c.Grafana == nil {
		d.at("changes.grafana", "names annotations, and no Grafana is known", "write the address as grafana: {url: …}")
	}
	for i, uid := range g.Dashboards {
		if !ValidDashboardUID(uid) {
			d.at(fmt.Sprintf("changes.grafana.dashboards[%d]", i), fmt.Sprintf("is %q, which is not a uid", uid), "copy what follows /d/ in the dashboard's address")
		}
	}
	for i, tag := range g.Tags {
		if tag == "" || tag == "culprit" {
			d.at(fmt.Sprintf("changes.grafana.tags[%d]", i), fmt.Sprintf("is %q", tag), "name a tag of your own, such as deploy; culprit marks its own annotations")
		}
	}
}
