// SPDX-License-Identifier: Apache-2.0

package analysis

// Set is a label set: label name → value.
type Set = map[string]string

// Evidence is the arithmetic behind a cause. Fields that a method does not provide are left out
// of the JSON, so a number that may be 0 is a pointer.
//
// Fields are sorted by name, which is the order of the JSON. Amounts of a label set are at the
// level of the KPI, or of its numerator.
type Evidence struct {
	Actual        *float64           `json:"actual,omitempty"`   // of a label set
	After         *float64           `json:"after,omitempty"`    // of a series: its level in the incident
	Along         int                `json:"along,omitempty"`    // series (of OnlyOf) that moved, its own included
	Appeared      bool               `json:"appeared,omitempty"` // it did not exist before
	Association   *float64           `json:"association,omitempty"`
	Before        *float64           `json:"before,omitempty"` // of a series
	Coefficient   *float64           `json:"coefficient,omitempty"`
	Deviation     *float64           `json:"deviation,omitempty"` // from the baseline, in units of its own noise
	Earlier       int                `json:"earlier,omitempty"`   // of a change: how often the same was done there before
	Forecast      *float64           `json:"forecast,omitempty"`  // of a label set
	Gross         bool               `json:"gross,omitempty"`     // the total stood still: shares are of the gross movement
	Homogeneity   *float64           `json:"homogeneity,omitempty"`
	Gone          bool               `json:"gone,omitempty"`   // none of its series exists any more
	Inside        []string           `json:"inside,omitempty"` // labels within the set over which the change is spread evenly
	Kind          string             `json:"kind,omitempty"`   // of a series
	Lag           *float64           `json:"lag,omitempty"`    // of a change: seconds before the onset
	Leaves        int                `json:"leaves,omitempty"` // selected by the set
	Members       []string           `json:"members,omitzero"` // series that can't be told from it; nil: not a series
	MixEffect     *float64           `json:"mix_effect,omitempty"`
	Near          string             `json:"near,omitempty"`       // of a change: how close it is to what the alert is about
	Offsetting    []string           `json:"offsetting,omitempty"` // values that moved against the total
	OnlyOf        int                `json:"only_of,omitempty"`    // series that it was compared with, its own included: see Along
	PartialLeaves int                `json:"partial_leaves,omitempty"`
	Phi           *float64           `json:"phi,omitempty"`         // contribution according to the regression, in the KPI's unit
	Places        []Set              `json:"places,omitempty"`      // of a change: the label sets that it accounts for
	Probability   *float64           `json:"probability,omitempty"` // of a change: that it is the cause, among all changes and none
	Psi           *float64           `json:"psi,omitempty"`         // the same, as a share of the change
	Query         string             `json:"query,omitempty"`
	RateEffect    *float64           `json:"rate_effect,omitempty"` // of a ratio: share of the change due to changed rates
	Ratio         *float64           `json:"ratio,omitempty"`       // actual / forecast
	Relevance     *float64           `json:"relevance,omitempty"`
	Residual      *float64           `json:"residual,omitempty"` // deviation that its parents in the graph don't explain
	Rollover      bool               `json:"rollover,omitempty"` // one value replaced another
	Same          []Set              `json:"same,omitempty"`     // other sets that select the same leaves
	Scope         string             `json:"scope,omitempty"`    // selector that its query was narrowed to
	ScoreByChance *float64           `json:"score_by_chance,omitempty"`
	Selected      *bool              `json:"selected,omitempty"` // by the regression
	Service       string             `json:"service,omitempty"`
	Share         *float64           `json:"share,omitempty"`
	Shares        map[string]float64 `json:"shares,omitzero"` // in an incident: share of the change of each alert's KPI
	Since         *float64           `json:"since,omitempty"` // Unix seconds of its first move
	Surprise      *float64           `json:"surprise,omitempty"`
	Unexplained   *float64           `json:"unexplained,omitempty"` // share of the change that the regression leaves unexplained
	Vanished      bool               `json:"vanished,omitempty"`    // it does not exist now
}

// Moved returns the level before and in the incident, of a series or of a label set. ok is
// false unless both are known.
func (e Evidence) Moved() (before, after float64, ok bool) {
	for _, pair := range [][2]*float64{{e.Before, e.After}, {e.Forecast, e.Actual}} {
		if pair[0] != nil && pair[1] != nil {
			return *pair[0], *pair[1], true
		}
	}
	return 0, 0, false
}

// known returns a pointer to v with infinities and NaN replaced, which JSON can't represent.
func known(v float64) *float64 { return new(finite(v)) }
