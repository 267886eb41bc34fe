// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"

	"github.com/culprit-dev/culprit/receiver/report"
)

// handledView is in words what Alertmanager did with an alert.
type handledView struct{ When, What, By, Comment, More, Alert string }

func handled(r report.Report, now clock) (views []handledView) {
	for _, h := range r.Handled {
		v := handledView{When: now.stamp(h.First), What: string(h.What), By: h.By, Comment: h.Comment}
		if last := now.stamp(h.Last); last != v.When {
			v.More = "last at " + last
		}
		switch h.What {
		case report.Notified:
			v.What = "sent to receiver"
			if h.Times > 1 {
				v.More = counted(h.Times, "time", "times") + ", " + cmp.Or(v.More, "all then")
			}
		case report.Silenced:
			v.What, v.By = "silenced by", cmp.Or(h.By, "somebody")
			if !h.Until.IsZero() {
				v.More = cmp.Or(v.More, "seen once") + "; set to last until " + now.stamp(h.Until)
			}
		case report.Inhibited:
			v.What = "inhibited by the rule"
			if h.Alert != "" && report.ValidFingerprint(h.Source) {
				v.What, v.By, v.Alert = "inhibited by", h.Alert, h.Source
			}
		}
		views = append(views, v)
	}
	return views
}
