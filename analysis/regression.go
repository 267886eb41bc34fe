package analysis

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/attribution"
	"github.com/culprit-dev/culprit/analysis/bmfs"
)

// regressionRows is how many rows before the onset a regression beside the
// ranking sees: far enough back to know the relation, near enough for it to
// still hold.
const regressionRows = 300

// regression is the KPI regressed on some candidates, and what each of them
// contributed to the change. A candidate may have several columns, one for
// each lag; its numbers are the sums over them.
type regression struct {
	model    bmfs.Result
	change   attribution.Result
	columns  map[int][]int // series → its columns
	seriesOf []int         // column → series
	first    int           // row of the frame at which the regression begins
}

// regress fits the KPI on the given candidates, over the rows from first to
// the end of the incident that begins at onset.
func (c *candidates) regress(series []int, first, onset int) *regression {
	r := &regression{columns: map[int][]int{}, first: first}
	y := c.target.Values[first:]
	var x [][]float64
	positive := len(series) > 0
	for _, s := range series {
		positive = positive && c.series[s].Positive
		for _, lag := range lags(c.series[s]) {
			r.columns[s] = append(r.columns[s], len(x))
			r.seriesOf = append(r.seriesOf, s)
			x = append(x, shift(c.series[s].Values, lag)[first:])
		}
	}
	opt := bmfs.Options{Positive: positive, Scale: c.scale(series)}
	if c.options.Series.Preset == "paper" {
		opt.Preset = bmfs.Paper
	}
	r.model = bmfs.Fit(x, y, opt)
	window := attribution.Window{Onset: onset - first, End: len(y)}
	r.change = attribution.Attribute(window.Change(r.model.Coefficient, x, y))
	return r
}

// lags are the shifts of a candidate's copies; without any it stands alone.
func lags(s Series) []int {
	if len(s.Lags) == 0 {
		return []int{0}
	}
	return s.Lags
}

// shift moves a series by some rows: a lag of 1 puts the sample of the row
// before into a row. Rows without a sample are missing.
func shift(values []float64, lag int) []float64 {
	if lag == 0 {
		return values
	}
	out := make([]float64, len(values))
	for i := range out {
		out[i] = math.NaN()
		if from := i - lag; from >= 0 && from < len(values) {
			out[i] = values[from]
		}
	}
	return out
}

// scale is common for candidates of one query, which share a unit, and each
// where there are several, unless the user has said it.
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

// share is the candidate's part of what pushed the KPI the way it went.
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

// weak says whether the regression explains too little of the KPI's change to
// support a confident finding.
func (r *regression) weak() bool { return r.change.Weak() }

// describe writes a candidate's arithmetic into its evidence.
func (r *regression) describe(series int, evidence map[string]any) {
	relevance := 0.0
	for _, column := range r.columns[series] {
		relevance = max(relevance, r.model.Relevance[column])
	}
	evidence["coefficient"] = finite(r.sum(r.model.Coefficient, series))
	evidence["phi"] = finite(r.sum(r.change.Phi, series))
	evidence["psi"] = finite(r.sum(r.change.Psi, series))
	evidence["relevance"] = finite(relevance)
	evidence["selected"] = r.selected(series)
	evidence["unexplained"] = finite(r.change.Unexplained)
}

// sets gives, for each selected candidate, the candidates that the data can't
// tell from it, itself included.
func (r *regression) sets() map[int][]int {
	sets := map[int][]int{}
	for _, set := range r.model.Sets {
		var members []int
		seen := map[int]bool{}
		for _, m := range set.Members {
			if s := r.seriesOf[m.Candidate]; !seen[s] {
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

// fit describes the regression; looked is the number of candidates that were
// looked at, of which only the leading ones may have been regressed on.
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

// warnings are the reservations about the whole fit, in words.
func (r *regression) warnings() []Warning {
	var list []Warning
	for _, w := range r.model.Warnings {
		if w.Candidate < 0 {
			list = append(list, Warning{Source: "regression", Text: w.String()})
		}
	}
	return list
}
