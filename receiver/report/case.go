// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// Case groups incidents that began at the same time and share a cause, regardless of Alertmanager's
// groups. Most have one incident. A case is computed when it is read, and not stored.
type Case struct {
	ID         string            `json:"id"`
	Summary    string            `json:"summary"`
	Cause      *analysis.Finding `json:"cause,omitempty"` // the cause of most alerts
	Explained  int               `json:"explained"`       // number of alerts that it explains
	Alerts     int               `json:"alerts"`          // number of alerts
	Firing     int               `json:"firing"`          // number that still fire
	Names      []Count           `json:"names"`           // of alerts, most frequent first
	Services   []Count           `json:"services"`        // affected, the one with most alerts first
	Incidents  []string          `json:"incidents"`       // IDs, oldest first
	Reports    []string          `json:"reports"`         // IDs, oldest first; at most 1000
	Onset      time.Time         `json:"onset"`
	CreatedAt  time.Time         `json:"createdAt"`
	ResolvedAt *time.Time        `json:"resolvedAt,omitempty"` // nil while an alert fires
	URL        string            `json:"url,omitempty"`
}

// Count is a name with its number of alerts.
type Count struct {
	Name   string `json:"name"`
	Alerts int    `json:"alerts"`
}

const (
	maxCaseReports = 1000
	maxCounts      = 50
)

// Member is an incident with all its reports.
type Member struct {
	Incident Incident
	Reports  []Report
}

// OneOnset is the maximum gap between the onsets of incidents of one case.
const OneOnset = 15 * time.Minute

// JoinKeys returns the keys of the causes that may join an incident with others: those of at least
// half of its reports. So one alert of another fault in a large group does not join the two faults.
func JoinKeys(reports []Keys) []string {
	count := map[string]int{}
	for _, r := range reports {
		for _, key := range slices.Compact(slices.Sorted(slices.Values(r.Causes))) {
			count[key]++
		}
	}
	maps.DeleteFunc(count, func(_ string, n int) bool { return 2*n < len(reports) })
	return slices.Sorted(maps.Keys(count))
}

// NewCase makes a case of its incidents. Its ID comes from the oldest, so that it stays when others
// join.
func NewCase(members []Member, base string) Case {
	members = slices.Clone(members)
	slices.SortFunc(members, func(a, b Member) int {
		return cmp.Or(a.Incident.CreatedAt.Compare(b.Incident.CreatedAt), cmp.Compare(a.Incident.ID, b.Incident.ID))
	})
	first := members[0].Incident
	c := Case{ID: CaseID(first.ID), Onset: first.Onset, CreatedAt: first.CreatedAt}
	c.URL = URL(base, "cases", c.ID)
	var reports []Report
	for _, m := range members {
		c.Incidents = append(c.Incidents, m.Incident.ID)
		reports = append(reports, m.Reports...)
		if m.Incident.Onset.Before(c.Onset) {
			c.Onset = m.Incident.Onset
		}
	}
	c.count(reports)
	c.Cause, c.Explained = shared(reports)
	c.Summary = c.say(first)
	return c
}

// count fills in the counts.
func (c *Case) count(reports []Report) {
	slices.SortFunc(reports, func(a, b Report) int {
		return cmp.Or(a.Alert.StartsAt.Compare(b.Alert.StartsAt), cmp.Compare(a.ID, b.ID))
	})
	names, services := map[string]int{}, map[string]int{}
	var last time.Time
	for _, r := range reports {
		names[r.Name()]++
		if s := serviceOf(r.Alert.Labels); s != "" {
			services[s]++
		}
		if r.Open() {
			c.Firing++
		} else if r.ResolvedAt.After(last) {
			last = *r.ResolvedAt
		}
		if len(c.Reports) < maxCaseReports {
			c.Reports = append(c.Reports, r.ID)
		}
	}
	c.Alerts, c.Names, c.Services = len(reports), counts(names), counts(services)
	if c.Firing == 0 && !last.IsZero() {
		c.ResolvedAt = &last
	}
}

func counts(of map[string]int) []Count {
	list := make([]Count, 0, len(of))
	for name, n := range of {
		list = append(list, Count{name, n})
	}
	slices.SortFunc(list, func(a, b Count) int { return cmp.Or(cmp.Compare(b.Alerts, a.Alerts), cmp.Compare(a.Name, b.Name)) })
	return list[:min(len(list), maxCounts)]
}

// serviceOf is the workload that an alert is about, as people call it.
func serviceOf(set model.LabelSet) string {
	labels := make(map[string]string, len(set))
	for name, v := range set {
		labels[string(name)] = string(v)
	}
	return changes.WorkloadOf(labels)
}

// shared returns the confident cause of most reports, the best if there are several, and their
// number.
func shared(reports []Report) (*analysis.Finding, int) {
	type one struct {
		best analysis.Finding
		n    int
	}
	all := map[string]*one{}
	for _, r := range reports {
		seen := map[string]bool{}
		for _, f := range r.Result.Causes {
			key := CauseKey(r, f)
			if !Confident(f) || seen[key] {
				continue
			}
			seen[key] = true
			if all[key] == nil {
				all[key] = &one{best: f}
			}
			if all[key].n++; better(f, all[key].best) {
				all[key].best = f
			}
		}
	}
	var top *one
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if o := all[key]; top == nil || o.n > top.n || o.n == top.n && rankOf(o.best) < rankOf(top.best) {
			top = o
		}
	}
	if top == nil {
		return nil, 0
	}
	return &top.best, top.n
}

// rankOf orders causes shared by equally many alerts: a change says more than a place, and a place
// more than a series.
func rankOf(f analysis.Finding) int {
	return 10*slices.Index([]string{analysis.KindChange, analysis.KindLabels, analysis.KindSeries}, f.Kind) + f.Confidence.Rank()
}

// say is the one-line summary.
func (c Case) say(first Incident) string {
	if c.Alerts < 2 || c.Cause == nil {
		return first.Line()
	}
	line := fmt.Sprintf("%d alerts, one cause: %s", c.Alerts, Title(*c.Cause))
	if c.Explained < c.Alerts {
		line = fmt.Sprintf("%d alerts; %d have one cause: %s", c.Alerts, c.Explained, Title(*c.Cause))
	}
	return join(line)
}

// Open reports whether an alert of the case still fires.
func (c Case) Open() bool { return c.ResolvedAt == nil }
