// SPDX-License-Identifier: Apache-2.0

package report

import (
	"iter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// OtherAlert is another alert that began around the onset, with the summary of its report. It is
// computed when a report is read, and not stored.
type OtherAlert struct {
	Alert   string    `json:"alert"`
	At      time.Time `json:"at"` // when its condition began to hold
	Report  string    `json:"report"`
	Summary string    `json:"summary"`
	URL     string    `json:"url,omitempty"`
}

// alertSlack allows for differences between clocks and between evaluations of a rule.
const alertSlack = time.Minute

// OtherAlerts finds the reports of alerts that are among the changes of a report, in the order in
// which these are listed: causes, then later changes. Alerts without a report, or without a certain
// match, are left out.
func OtherAlerts(r Report, all iter.Seq[*Report]) (others []OtherAlert) {
	began := alertsAmong(r.Result)
	if len(began) == 0 {
		return nil
	}
	found := make([]*Report, len(began))
	for other := range all {
		for i, c := range began {
			if other.ID != r.ID && other.Prometheus == r.Prometheus && r.tellsOf(*other, c) && (found[i] == nil || sooner(other, found[i])) {
				found[i] = other
			}
		}
	}
	for i, f := range found {
		if f != nil {
			others = append(others, OtherAlert{Alert: f.Name(), At: timeAt(began[i].At), Report: f.ID, Summary: f.Summary, URL: f.URL})
		}
	}
	return others
}

// alertsAmong returns the changes that are starts of other alerts.
func alertsAmong(res analysis.Result) (began []changes.Change) {
	for _, f := range res.Causes {
		if f.Kind == analysis.KindChange && f.Change != nil && f.Change.Source == changes.FromAlert {
			began = append(began, *f.Change)
		}
	}
	if res.Changes != nil {
		for _, c := range res.Changes.Later {
			if c.Source == changes.FromAlert {
				began = append(began, c)
			}
		}
	}
	return began
}

// tellsOf reports whether another report belongs to the alert of a change: same name and labels,
// firing since after the change, but before r's look ended. Labels that the change lacks, such as
// Prometheus' external ones, must equal r's if r has them.
func (r Report) tellsOf(other Report, c changes.Change) bool {
	start := other.Alert.StartsAt
	if start.Before(timeAt(c.At).Add(-alertSlack)) || !r.Plan.End.IsZero() && start.After(r.Plan.End.Add(alertSlack)) {
		return false
	}
	if c.Title != changes.AlertBegan(string(other.Alert.Labels[model.AlertNameLabel])) {
		return false
	}
	for name, v := range c.Labels {
		if string(other.Alert.Labels[model.LabelName(name)]) != v {
			return false
		}
	}
	for name, v := range other.Alert.Labels {
		own, has := r.Alert.Labels[name]
		if _, told := c.Labels[string(name)]; !told && has && own != v && name != model.AlertNameLabel && name != "severity" {
			return false
		}
	}
	return true
}

// sooner reports whether a's alert fired before b's.
func sooner(a, b *Report) bool {
	if c := a.Alert.StartsAt.Compare(b.Alert.StartsAt); c != 0 {
		return c < 0
	}
	return a.ID < b.ID
}

func timeAt(s float64) time.Time { return time.UnixMilli(int64(s * 1000)).UTC() }
