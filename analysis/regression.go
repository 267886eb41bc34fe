// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/attribution"
	"github.com/culprit-dev/culprit/analysis/bmfs"
)

// regressionRows is how many rows before the onset a regression sees: enough to learn the
// relation, recent enough for it to still hold.
const regressionRows = 300

// regression is the KPI regressed on some candidates, and what each contributed to the change.
// A candidate has several columns if it has lags or a hinge; its numbers are sums over them.
type regression struct {
	x        [][]float64
	y        []float64
	options  bmfs.Options
	window   attribution.Window
	model    bmfs.Result
	change   attribution.Result
	columns  map[int][]int // series → its columns
	seriesOf []int         // column → series
}

// regress fits the KPI on the given candidates, over the rows from first to the end of the
// incident that begins at onset.
func (c *candidates) regress(series []int, first, onset int) *regression {
	r := &regression{columns: map[int][]int{}, y: c.target.Values[first:], options: c.modelOptions(series)}
	for _, s := range series {
		for _, column := range c.shapes(s, first) {
			r.columns[s] = append(r.columns[s], len(r.x))
			r.seriesOf = append(r.seriesOf, s)
			r.x = append(r.x, column)
		}
	}
	r.model = bmfs.Fit(r.x, r.y, r.options)
	r.window = attribution.Window{Onset: onset - first, End: len(r.y)}
	r.change = attribution.Attribute(r.window.Change(r.model.Coefficient, r.x, r.y))
	return r
}

func (c *candidates) modelOptions(series []int) bmfs.Options {
	opt := bmfs.Options{Scale: c.scale(series), Monotone: c.options.Series.Transform == "ranks", Positive: len(series) > 0}
	if c.options.Series.Preset == "paper" {
		opt.Preset = bmfs.Paper
	}
	for _, s := range series {
		opt.Positive = opt.Positive && c.series[s].Positive
	}
	return opt
}

// shapes returns the columns of a series: one for each lag, each with its hinge if the user
// asked for that.
func (c *candidates) shapes(series, first int) [][]float64 {
	columns := bmfs.Lagged([][]float64{c.series[series].Values}, c.series[series].Lags...).X
	if c.options.Series.Transform == "hinge" {
		columns = bmfs.Hinged(columns).X
	}
	for i := range columns {
		columns[i] = columns[i][first:]
	}
	return columns
}

// scale is as configured, else common for candidates of a single query, which share a unit,
// else each.
func (c *candidates) scale(series []int) bmfs.Scale {
	for _, s := range series {
		switch c.series[s].Scale {
		case "common":
			return bmfs.Common
		case "each":
			return bmfs.Each
		}
	}
	if c.single && len(c.series) > 0 && c.series[0].Query != "" {
		return bmfs.Common
	}
	return bmfs.Each
}

// sum adds a candidate's numbers over its columns.
func (r *regression) sum(values []float64, series int) float64 {
	total := 0.0
	for _, column := range r.columns[series] {
		total += values[column]
	}
	return total
}

// share returns the candidate's part of what moved the KPI in its direction.
func (r *regression) share(series int) float64 { return r.sum(r.change.Share, series) }

// selected says whether the regression needs the candidate.
func (r *regression) selected(series int) bool {
	for _, column := range r.columns[series] {
		if r.model.Selected[column] {
			return true
		}
	}
	return false
}

// weak says whether the regression explains too little of the KPI's change for a confident
// finding.
func (r *regression) weak() bool { return r.change.Weak() }

// describe writes a candidate's arithmetic into its evidence.
func (r *regression) describe(series int, e *Evidence) {
	relevance := 0.0
	for _, column := range r.columns[series] {
		relevance = max(relevance, r.model.Relevance[column])
	}
	e.Coefficient = known(r.sum(r.model.Coefficient, series))
	e.Phi, e.Psi = known(r.sum(r.change.Phi, series)), known(r.sum(r.change.Psi, series))
	e.Relevance, e.Selected = known(relevance), new(r.selected(series))
	e.Unexplained = known(r.change.Unexplained)
}

// indistinguishable is by how much worse, in −2 log-likelihood, a candidate may fit in place of a
// selected one and still be indistinguishable: odds of 20 to 1.
const indistinguishable = 5.991

// alike returns sets whose members fit about equally well.
func (r *regression) alike() map[int][]int { return r.setsWithin(indistinguishable) }

// sets maps each selected candidate to those that the data can't tell from it, itself and what
// moved with it in this one incident included.
func (r *regression) sets() map[int][]int { return r.setsWithin(math.Inf(1)) }

func (r *regression) setsWithin(loss float64) map[int][]int {
	sets := map[int][]int{}
	for _, set := range r.model.Sets {
		var members []int
		seen := map[int]bool{}
		for _, m := range set.Members {
			if s := r.seriesOf[m.Candidate]; m.Loss <= loss && !seen[s] {
				seen[s] = true
				members = append(members, s)
			}
		}
		for _, s := range members {
			if len(sets[s]) < len(members) {
				sets[s] = members
			}
		}
	}
	return sets
}

// fit describes the regression. looked is the number of all candidates, of which only the
// leading ones may have been regressed on.
func (r *regression) fit(looked int) *Fit {
	selected := map[int]bool{}
	for column, yes := range r.model.Selected {
		if yes {
			selected[r.seriesOf[column]] = true
		}
	}
	return &Fit{
		Explained: finite(r.model.Explained), Series: looked,
		Selected: len(selected), Converged: r.model.Converged,
	}
}

// warnings returns the reservations about the whole fit.
func (r *regression) warnings() []Warning {
	var list []Warning
	for _, w := range r.model.Warnings {
		if w.Candidate < 0 {
			list = append(list, Warning{Source: "regression", Text: w.String()})
		}
	}
	return list
}

// opinion returns the attribution by a ridge regression on the same columns: a second opinion
// for a KPI that is the sum of many small parts.
func (r *regression) opinion() attribution.Result {
	ridge := bmfs.Ridge(r.x, r.y, r.options)
	return attribution.Attribute(r.window.Change(ridge.Coefficient, r.x, r.y))
}

// deviation returns how far a candidate moved, in robust standard deviations of its samples
// before the incident, for the column that moved most.
func (r *regression) deviation(series int) float64 {
	far := 0.0
	for _, column := range r.columns[series] {
		if z := r.window.Deviation(r.x[column]); math.Abs(z) > math.Abs(far) {
			far = z
		}
	}
	return far
}
