package report

import (
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
)

// Open begins the incident of an alert group whose first alert started at
// start. It has no causes before the first [Incident.Merge].
func Open(groupKey string, start time.Time, base string) Incident {
	i := Incident{
		ID: IncidentID(groupKey, start), GroupKey: groupKey,
		Reports: []string{}, Alerts: []string{}, Causes: []analysis.Finding{},
		Onset: start,
	}
	i.URL = URL(base, "incidents", i.ID)
	return i
}

// Open says whether an alert of the incident still fires.
func (i Incident) Open() bool { return i.ResolvedAt == nil }

// Merge returns the incident as its reports tell it now: one ranked list of
// causes over all KPIs of the reports that are open. When none is open any more
// the incident closes and keeps what it last said. The order of the reports
// does not matter, and a single open report gives its own causes unchanged.
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
	i.Causes = mergeCauses(open)
	i.Summary = summarize(open, i.Causes)
	return i
}

// openReports returns the open ones in one fixed order: oldest first.
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

// mergeCauses makes one list of the causes of several reports. The share of a
// cause that several name is the union of theirs, 1 − Π(1 − A): what explains
// two KPIs partly counts for more than what explains one of them so. A cause
// is common when each report that has causes names it.
func mergeCauses(reports []Report) []analysis.Finding {
	if len(reports) == 1 {
		return slices.Clone(reports[0].Result.Causes)
	}
	kpis := kpiNames(reports)
	merged := map[string]*merge{}
	withCauses := 0
	for k, r := range reports {
		if len(r.Result.Causes) > 0 {
			withCauses++
		}
		for _, f := range r.Result.Causes {
			key := identity(f)
			if merged[key] == nil {
				merged[key] = &merge{key: key, shares: map[string]float64{}}
			}
			merged[key].add(f, kpis[k], k)
		}
	}
	all := make([]*merge, 0, len(merged))
	for _, m := range merged {
		all = append(all, m)
	}
	slices.SortFunc(all, compareMerges)
	all = showBothKinds(all)
	causes := make([]analysis.Finding, len(all))
	for k, m := range all {
		causes[k] = m.finding(k+1, withCauses)
	}
	return causes
}

// merge gathers one cause over the reports.
type merge struct {
	key     string
	best    analysis.Finding   // the most confident telling of it
	left    float64            // Π(1 − A): what the reports together leave unexplained
	reports []int              // which name it, ascending
	shares  map[string]float64 // KPI → share
}

func (m *merge) add(f analysis.Finding, kpi string, report int) {
	share := min(max(f.Share, 0), 1)
	if m.best.Kind == "" {
		m.best, m.left = f, 1
	} else if better(f, m.best) {
		m.best = f
	}
	m.left *= 1 - share
	if share == 0 && !Confident(f) {
		return // listed there, but it explains nothing
	}
	if !slices.Contains(m.reports, report) {
		m.reports = append(m.reports, report)
	}
	m.shares[kpi] = share
}

// better compares two tellings of the same cause.
func better(a, b analysis.Finding) bool {
	return cmp.Or(cmp.Compare(a.Confidence.Rank(), b.Confidence.Rank()), cmp.Compare(b.Share, a.Share)) < 0
}

func (m *merge) share() float64 { return 1 - m.left }

// finding returns the merged cause at its place in the list.
func (m *merge) finding(rank, withCauses int) analysis.Finding {
	f := m.best
	f.Rank, f.Share = rank, m.share()
	f.Explains = make([]string, 0, len(m.shares))
	evidence := map[string]any{"shares": m.shares}
	for kpi := range m.shares {
		f.Explains = append(f.Explains, kpi)
	}
	slices.Sort(f.Explains)
	for k, v := range m.best.Evidence {
		evidence[k] = v
	}
	f.Evidence = evidence
	f.Common = withCauses > 1 && len(m.reports) == withCauses
	return f
}

// compareMerges orders by confidence, then by the share explained, then where
// before why; the rest makes the order the same every time.
func compareMerges(a, b *merge) int {
	return cmp.Or(
		cmp.Compare(a.best.Confidence.Rank(), b.best.Confidence.Rank()),
		cmp.Compare(b.share(), a.share()),
		cmp.Compare(len(b.reports), len(a.reports)),
		cmp.Compare(a.best.Kind, b.best.Kind), // labels before series
		cmp.Compare(a.key, b.key),
	)
}

// firstScreen is how many causes people read: a kind that is confident must
// not be hidden below them by the other.
const firstScreen = 5

func showBothKinds(all []*merge) []*merge {
	for _, kind := range []string{analysis.KindLabels, analysis.KindSeries} {
		at := slices.IndexFunc(all, func(m *merge) bool { return m.best.Kind == kind && Confident(m.best) })
		if at >= firstScreen {
			m := all[at]
			all = slices.Insert(slices.Delete(all, at, at+1), firstScreen-1, m)
		}
	}
	return all
}

// identity is the same for the same cause in two reports: the same label sets
// in any order, or the same series.
func identity(f analysis.Finding) string {
	if f.Kind != analysis.KindLabels || len(f.Labels) == 0 {
		return f.Kind + "\x00" + cmp.Or(f.Series, f.Name)
	}
	sets := make([]string, len(f.Labels))
	for i, set := range f.Labels {
		text, err := json.Marshal(set) // keys sorted
		if err != nil {
			panic("report: a map of strings can't be encoded: " + err.Error()) // it always can
		}
		sets[i] = string(text)
	}
	slices.Sort(sets)
	return f.Kind + "\x00" + strings.Join(sets, "\x00")
}

// kpiNames names the KPI of each report so that two are told apart: by the
// alert's name, and by the labels that differ among alerts of one name.
func kpiNames(reports []Report) []string {
	names := make([]string, len(reports))
	for k, r := range reports {
		names[k] = r.Name()
		if differing := differingLabels(r, reports); len(differing) > 0 {
			names[k] += "{" + strings.Join(differing, ", ") + "}"
		}
	}
	return names
}

func differingLabels(r Report, reports []Report) []string {
	var differing []string
	for name, v := range r.Alert.Labels {
		if slices.ContainsFunc(reports, func(o Report) bool {
			return o.Name() == r.Name() && o.Alert.Labels[name] != v
		}) {
			differing = append(differing, clean(string(name))+"="+value(string(v)))
		}
	}
	slices.Sort(differing)
	return differing
}

// summarize says the answer for all reports on one line.
func summarize(reports []Report, causes []analysis.Finding) string {
	if len(reports) == 1 {
		return reports[0].Line()
	}
	head := fmt.Sprintf("%d alerts: ", len(reports))
	parts := causeParts(causes, "the change")
	if len(parts) == 0 {
		return fit(head+"no cause found that explains them", "; "+reports[0].Line())
	}
	parts[0] = head + parts[0]
	if f := firstConfident(causes); f.Common {
		parts = append(parts, "; it explains all of them")
	} else if n := len(f.Explains); n > 0 && n < len(reports) {
		parts = append(parts, fmt.Sprintf("; it explains %d of them", n))
	}
	return fit(parts...)
}

func firstConfident(causes []analysis.Finding) analysis.Finding {
	for _, f := range causes {
		if Confident(f) {
			return f
		}
	}
	return analysis.Finding{}
}

// Line says the answer on one line for a phone, as [Report.Line] does.
func (i Incident) Line() string { return i.Summary }

// CauseLines returns the causes as at most limit lines, as
// [Report.CauseLines] does, each with the number of alerts that it explains.
func (i Incident) CauseLines(limit int) []string {
	return causeLines(i.Causes, limit, func(f analysis.Finding) string {
		line := describe(f, "the change", "")
		switch n := len(i.Reports); {
		case n < 2 || len(f.Explains) == 0:
			return line
		case f.Common:
			return line + ", explains all alerts"
		default:
			return fmt.Sprintf("%s, explains %d of %d alerts", line, len(f.Explains), n)
		}
	})
}
