// SPDX-License-Identifier: Apache-2.0

package report

import (
	"iter"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// OtherAlert is another alert that began around the onset, with the first line of
// its own report. It is worked out when a report is read, and not kept.
type OtherAlert struct {
	Alert   string    `json:"alert"`
	At      time.Time `json:"at"` // when its condition began to hold
	Report  string    `json:"report"`
	Summary string    `json:"summary"`
	URL     string    `json:"url,omitempty"`
}

// alertSlack is by how much two servers' clocks may differ, and one rule's
// evaluation from the next.
const alertSlack = time.Minute

// OtherAlerts finds the reports of the alerts that are among the changes of a report,
// in the order in which these are told: the causes, then what came later. An alert of
// which there is no report, or that its labels don't tell for sure, is left out.
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

// alertsAmong are the changes of a result that are beginnings of other alerts.
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

// tellsOf says whether another report is about the alert whose beginning is a change
// of r: it has the name and all labels, and began to fire after the condition began
// to hold, before r's look ended. A label that the change doesn't have, such as an
// external one of Prometheus, must be as in r's own alert where that has it.
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

// sooner says which of two reports is of the alert that fired first.
func sooner(a, b *Report) bool {
	if c := a.Alert.StartsAt.Compare(b.Alert.StartsAt); c != 0 {
		return c < 0
	}
	return a.ID < b.ID
}

func timeAt(s float64) time.Time { return time.UnixMilli(int64(s * 1000)).UTC() }
