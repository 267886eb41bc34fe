// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/attribution"
)

// mergeCauses merges the causes of several reports, each a KPI of weight 1. A cause explains the
// union of its shares (see [attribution.Union]), and is common if it explains every report.
func mergeCauses(reports []Report) []analysis.Finding {
	if len(reports) == 1 {
		return slices.Clone(reports[0].Result.Causes)
	}
	all := gather(reports)
	for _, m := range all {
		m.sum(len(reports))
	}
	slices.SortFunc(all, compareMerges)
	kpis := kpiNames(reports)
	shown := analysis.ShowKinds(all, func(m *merge) analysis.Finding { return m.best })
	shown = shown[:min(len(shown), maxCauses)]
	causes := make([]analysis.Finding, len(shown))
	for j, m := range shown {
		causes[j] = m.finding(j+1, kpis)
	}
	return causes
}

// Limits for an incident in a storm, so that its cost does not grow with the square of the number
// of alerts.
const (
	maxCauses   = 50  // in the list; later ones are of no interest
	maxExplains = 100 // alerts that a cause names; [analysis.Finding.Explained] counts all
)

// sum computes the union of a cause's shares over all reports. A report that the cause does not
// explain is left out of the union, and keeps the cause from being common.
func (m *merge) sum(reports int) {
	column := make([][]float64, 0, len(m.shares))
	for _, k := range slices.Sorted(maps.Keys(m.shares)) { // a deterministic order, and so sum
		column = append(column, []float64{m.shares[k]})
	}
	if len(column) > 0 {
		m.union = attribution.Union(column, nil)[0]
		m.common = reports > 1 && len(m.explains()) == reports
	}
}

// explains returns the reports with this cause. Those with it as a guess count only if it is a
// guess everywhere.
func (m *merge) explains() []int {
	return slices.DeleteFunc(slices.Sorted(maps.Keys(m.shares)), func(k int) bool {
		return m.shares[k] == 0 || Confident(m.best) && !m.sure[k]
	})
}

// merge is one cause over all reports.
type merge struct {
	key    string
	best   analysis.Finding // its most confident finding
	shares map[int]float64  // report → share in its change; only those that it explains
	sure   map[int]bool     // report → whether it is confident there
	union  float64
	common bool
}

// gather finds causes common to reports, ordered by identity.
func gather(reports []Report) []*merge {
	merged := map[string]*merge{}
	for k, r := range reports {
		for _, f := range r.Result.Causes {
			key := r.ofServer(identity(f))
			m := merged[key]
			if m == nil {
				m = &merge{key: key, best: f, shares: map[int]float64{}, sure: map[int]bool{}}
				merged[key] = m
			}
			m.add(f, k)
		}
	}
	all := make([]*merge, 0, len(merged))
	for _, key := range slices.Sorted(maps.Keys(merged)) {
		all = append(all, merged[key])
	}
	return all
}

// unknownShare is the share of a confident cause without a figure: more than nothing.
const unknownShare = 1e-6

func (m *merge) add(f analysis.Finding, report int) {
	if better(f, m.best) {
		m.best = f
	}
	m.sure[report] = m.sure[report] || Confident(f)
	share := min(max(f.Share, 0), 1)
	if share == 0 && Confident(f) {
		share = unknownShare
	}
	if share > m.shares[report] {
		m.shares[report] = share
	}
}

// better compares two findings of the same cause.
func better(a, b analysis.Finding) bool {
	return cmp.Or(cmp.Compare(a.Confidence.Rank(), b.Confidence.Rank()), cmp.Compare(b.Share, a.Share)) < 0
}

// finding returns the merged cause with its rank.
func (m *merge) finding(rank int, kpis func(int) string) analysis.Finding {
	f := m.best
	f.Rank, f.Common, f.Share = rank, m.common, m.union
	if f.Share < 2*unknownShare*float64(len(m.shares)) {
		f.Share = 0
	}
	explains := m.explains()
	f.Explains, f.Explained = make([]string, 0, min(len(explains), maxExplains)), 0
	shares := map[string]float64{}
	for _, k := range explains {
		if len(f.Explains) == maxExplains {
			f.Explained = len(explains)
			break
		}
		f.Explains = append(f.Explains, kpis(k))
		shares[kpis(k)] = m.shares[k]
	}
	f.Evidence.Shares = shares
	return f
}

// compareMerges orders by confidence, then by the explained share, then where before why, then
// arbitrarily but deterministically.
func compareMerges(a, b *merge) int {
	return cmp.Or(
		cmp.Compare(a.best.Confidence.Rank(), b.best.Confidence.Rank()),
		cmp.Compare(b.union, a.union),
		cmp.Compare(len(b.shares), len(a.shares)),
		cmp.Compare(a.best.Kind, b.best.Kind), // changes before labels before series
		cmp.Compare(a.key, b.key),
	)
}

// identity is equal for the same cause in two reports: the same label sets in any order, the same
// series, or the same change at the same time.
func identity(f analysis.Finding) string {
	if f.Kind == analysis.KindChange && f.Change != nil {
		return fmt.Sprintf("%s\x00%s\x00%.0f", f.Kind, f.Name, f.Change.At)
	}
	if f.Kind != analysis.KindLabels || len(f.Labels) == 0 {
		return f.Kind + "\x00" + cmp.Or(f.Series, f.Name)
	}
	sets := make([]string, len(f.Labels))
	for i, set := range f.Labels {
		sets[i] = fmt.Sprintf("%q", set) // fmt prints maps in key order
	}
	slices.Sort(sets)
	return f.Kind + "\x00" + strings.Join(sets, "\x00")
}
