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

// Case is what several incidents have in common, whatever Alertmanager's groups
// are: they began at one time and share a cause. Most are of one incident. A case
// is worked out from the incidents when it is read, and not kept.
type Case struct {
	ID         string            `json:"id"`
	Summary    string            `json:"summary"`
	Cause      *analysis.Finding `json:"cause,omitempty"` // that most of the alerts share
	Explained  int               `json:"explained"`       // alerts that it explains
	Alerts     int               `json:"alerts"`          // how many there are
	Firing     int               `json:"firing"`          // of which still fire
	Names      []Count           `json:"names"`           // of alerts, the most frequent first
	Services   []Count           `json:"services"`        // that hurt, the one with most alerts first
	Incidents  []string          `json:"incidents"`       // ids, oldest first
	Reports    []string          `json:"reports"`         // ids, oldest first; the first 1000
	Onset      time.Time         `json:"onset"`
	CreatedAt  time.Time         `json:"createdAt"`
	ResolvedAt *time.Time        `json:"resolvedAt,omitempty"` // nil while an alert fires
	URL        string            `json:"url,omitempty"`
}

// Count is a name and how many alerts have it.
type Count struct {
	Name   string `json:"name"`
	Alerts int    `json:"alerts"`
}

const (
	maxCaseReports = 1000
	maxCounts      = 50
)

// Member is an incident with all of its reports.
type Member struct {
	Incident Incident
	Reports  []Report
}

// OneOnset is how far apart incidents begin at the most that are one case.
const OneOnset = 15 * time.Minute

// JoinKeys are the keys of the causes by which an incident may be one case with
// others: those that at least half of its reports share. One alert of another
// fault in a large group does not make two faults one.
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

// NewCase makes a case of its incidents. It is named by the one that was first
// there, so that its name stays when others join.
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

// count fills in how many there are of what.
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

// serviceOf is what people call the thing that an alert is about.
func serviceOf(set model.LabelSet) string {
	labels := make(map[string]string, len(set))
	for name, v := range set {
		labels[string(name)] = string(v)
	}
	return changes.WorkloadOf(labels)
}

// shared is the confident cause that most of the reports have; of several the best.
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

// rankOf orders causes that as many alerts share: a change says more than a place,
// and a place more than a series.
func rankOf(f analysis.Finding) int {
	return 10*slices.Index([]string{analysis.KindChange, analysis.KindLabels, analysis.KindSeries}, f.Kind) + f.Confidence.Rank()
}

// say is the one line of a case.
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

// Open says whether an alert of the case still fires.
func (c Case) Open() bool { return c.ResolvedAt == nil }
