// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Open begins the incident of an alert group whose first alert started at start. It has no causes
// before the first [Incident.Merge].
func Open(groupKey string, start time.Time, base string) Incident {
	i := Incident{
		ID: IncidentID(groupKey, start), GroupKey: groupKey,
		Reports: []string{}, Alerts: []string{}, Causes: []analysis.Finding{},
		Onset: start,
	}
	i.URL = URL(base, "incidents", i.ID)
	return i
}

// Open reports whether an alert of the incident still fires.
func (i Incident) Open() bool { return i.ResolvedAt == nil }

// Merge updates the incident from its reports: one ranked list of causes over the KPIs of all open
// reports. If none is open the incident closes and keeps its causes. The order of the reports does
// not matter; a single open report keeps its causes unchanged.
func (i Incident) Merge(reports []Report, now time.Time) Incident {
	open := openReports(reports)
	if i.CreatedAt.IsZero() {
		i.CreatedAt = now
	}
	i.UpdatedAt = now
	if len(open) == 0 {
		i.ResolvedAt = lastResolved(reports, now)
		return i
	}
	i.ResolvedAt = nil
	i.Reports, i.Alerts = make([]string, len(open)), make([]string, len(open))
	i.Onset = open[0].Onset
	i.Grafana = Place{}
	for k, r := range open {
		i.Reports[k], i.Alerts[k] = r.ID, r.Name()
		if r.Onset.Before(i.Onset) {
			i.Onset = r.Onset
		}
		if i.Grafana == (Place{}) {
			i.Grafana = r.Grafana
		}
	}
	i.Unit = commonUnit(open)
	i.Causes = mergeCauses(open)
	i.Summary = summarize(open, i.Causes)
	return i
}

// commonUnit is the unit of the parts, if all reports have the same; else empty.
func commonUnit(reports []Report) words.Unit {
	unit := reports[0].PartUnit()
	for _, r := range reports[1:] {
		if r.PartUnit() != unit {
			return ""
		}
	}
	return unit
}

// openReports returns the open reports, oldest first.
func openReports(reports []Report) []Report {
	var open []Report
	for _, r := range reports {
		if r.Open() {
			open = append(open, r)
		}
	}
	slices.SortFunc(open, func(a, b Report) int {
		return cmp.Or(a.Alert.StartsAt.Compare(b.Alert.StartsAt), cmp.Compare(a.ID, b.ID))
	})
	return open
}

func lastResolved(reports []Report, now time.Time) *time.Time {
	var last time.Time
	for _, r := range reports {
		if r.ResolvedAt != nil && r.ResolvedAt.After(last) {
			last = *r.ResolvedAt
		}
	}
	if last.IsZero() {
		last = now
	}
	return &last
}

// kpiNames returns distinct names of the reports' KPIs: the alertname, plus the labels that differ
// among alerts of that name.
func kpiNames(reports []Report) func(int) string {
	differs := map[string]map[model.LabelName]bool{} // name of alerts → labels
	first := map[string]model.LabelSet{}
	for _, r := range reports {
		name := r.Name()
		labels, ok := first[name]
		if !ok {
			first[name], differs[name] = r.Alert.Labels, map[model.LabelName]bool{}
			continue
		}
		markDiffering(differs[name], labels, r.Alert.Labels)
	}
	return func(k int) string {
		r := reports[k]
		return r.Name() + selector(r.Alert.Labels, differs[r.Name()])
	}
}

// markDiffering marks the labels in which two alerts differ. A missing label equals an empty one.
func markDiffering(differs map[model.LabelName]bool, a, b model.LabelSet) {
	for name, v := range a {
		if b[name] != v {
			differs[name] = true
		}
	}
	for name, v := range b {
		if a[name] != v {
			differs[name] = true
		}
	}
}

// selector formats some of the labels as in PromQL.
func selector(labels model.LabelSet, names map[model.LabelName]bool) string {
	var pairs []string
	for name, v := range labels {
		if names[name] {
			pairs = append(pairs, clean(string(name))+"="+value(string(v)))
		}
	}
	if len(pairs) == 0 {
		return ""
	}
	slices.Sort(pairs)
	return "{" + strings.Join(pairs, ", ") + "}"
}

// summarize is the one-line answer for all reports.
func summarize(reports []Report, causes []analysis.Finding) string {
	if len(reports) == 1 {
		return reports[0].Line()
	}
	head := fmt.Sprintf("%d alerts: ", len(reports))
	parts := causeParts(causes, "the change", "")
	if len(parts) == 0 {
		return join(head+"no cause found that explains them", "; the first: "+reports[0].Line())
	}
	parts[0] = head + parts[0]
	if f := firstConfident(causes); f.Common {
		parts = append(parts, "; the first explains all of them")
	} else if n := f.NumExplained(); n > 0 && n < len(reports) {
		parts = append(parts, fmt.Sprintf("; the first explains %d of them", n))
	}
	return join(parts...)
}

func join(parts ...string) string { return strings.Join(fit(parts...), "") }

func firstConfident(causes []analysis.Finding) analysis.Finding {
	for _, f := range causes {
		if Confident(f) {
			return f
		}
	}
	return analysis.Finding{}
}

// Line is the one-line answer for a phone, see [Report.Line].
func (i Incident) Line() string { return i.Summary }

// CauseLines returns the confident causes as at most limit lines, or one guess, see
// [Report.CauseLines], with the number of alerts that each explains. It guesses only if Line does.
// The units of series are unknown here, so their changes are given as factors.
func (i Incident) CauseLines(limit int) []string {
	causes := confident(i.Causes)
	if len(causes) == 0 && strings.Contains(i.Summary, aGuess) {
		causes = i.Causes[:min(1, len(i.Causes))]
	}
	return causeLines(causes, limit, func(f analysis.Finding) string {
		moved := moves(f, i.Unit)
		if before, after, ok := f.Evidence.Moved(); ok && !f.OfLabels() {
			moved = "it " + words.Move(before, after)
		}
		line := describe(f, "the change", moved)
		switch n := len(i.Reports); {
		case n < 2 || len(f.Explains) == 0:
			return line
		case f.Common:
			return line + ", explains all alerts"
		default:
			return fmt.Sprintf("%s, explains %d of %d alerts", line, f.NumExplained(), n)
		}
	})
}
