// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"strings"

	"github.com/culprit-dev/culprit/receiver/report"
)

// handledView is in words what Alertmanager did with an alert.
type handledView struct{ When, What, By, Comment, More, Alert string }

func handled(r report.Report, now clock) (views []handledView) {
	for _, h := range r.Handled {
		v := handledView{When: now.stamp(h.First), What: string(h.What), By: h.By, Comment: h.Comment}
		var more []string
		if h.Times > 1 {
			more = append(more, counted(h.Times, "time", "times"))
		}
		if last := now.stamp(h.Last); last != v.When {
			more = append(more, "last at "+last)
		}
		if !h.Until.IsZero() {
			more = append(more, "set to last until "+now.stamp(h.Until))
		}
		v.More = strings.Join(more, "; ")
		switch h.What {
		case report.Notified:
			v.What = "sent to receiver"
		case report.Silenced:
			v.What, v.By = "silenced by", cmp.Or(h.By, "somebody")
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
