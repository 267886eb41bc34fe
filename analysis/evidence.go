// SPDX-License-Identifier: Apache-2.0

package analysis

// Set is a value for each of some labels.
type Set = map[string]string

// Evidence is the arithmetic behind a cause. What a method does not tell is left
// out, so that a number that may be 0 is a pointer.
//
// The fields stand in the order of their names, which is that of the JSON. Of a
// set of labels, amounts are at the level of the KPI, or of its numerator.
type Evidence struct {
	Actual        *float64           `json:"actual,omitempty"`   // of a set of labels
	After         *float64           `json:"after,omitempty"`    // of a series: its level in the incident
	Along         int                `json:"along,omitempty"`    // of so many series (see OnlyOf) that moved, its own among them
	Appeared      bool               `json:"appeared,omitempty"` // there was nothing of it before
	Association   *float64           `json:"association,omitempty"`
	Before        *float64           `json:"before,omitempty"` // of a series
	Coefficient   *float64           `json:"coefficient,omitempty"`
	Deviation     *float64           `json:"deviation,omitempty"` // from the usual, in units of its own noise
	Earlier       int                `json:"earlier,omitempty"`   // of a change: how often the like was done there before
	Forecast      *float64           `json:"forecast,omitempty"`  // of a set of labels
	Gross         bool               `json:"gross,omitempty"`     // the total stood still: shares are of what moved in it
	Homogeneity   *float64           `json:"homogeneity,omitempty"`
	Gone          bool               `json:"gone,omitempty"`   // none of its series exists any more
	Inside        []string           `json:"inside,omitempty"` // labels over which the change is spread alike inside of the set
	Kind          string             `json:"kind,omitempty"`   // of a series
	Lag           *float64           `json:"lag,omitempty"`    // of a change: seconds from it to the onset
	Leaves        int                `json:"leaves,omitempty"` // that the set selects
	Members       []string           `json:"members,omitzero"` // series that can't be told from it; nil: it is none
	MixEffect     *float64           `json:"mix_effect,omitempty"`
	Near          string             `json:"near,omitempty"`       // of a change: how near it is to what the alert is about
	Offsetting    []string           `json:"offsetting,omitempty"` // values that moved against the total
	OnlyOf        int                `json:"only_of,omitempty"`    // series that it is compared with, its own among them: see Along
	PartialLeaves int                `json:"partial_leaves,omitempty"`
	Phi           *float64           `json:"phi,omitempty"`         // contribution by the regression, in the KPI's unit
	Places        []Set              `json:"places,omitempty"`      // of a change: the label sets that are the same thing
	Probability   *float64           `json:"probability,omitempty"` // of a change: that it did it, of all changes and none
	Psi           *float64           `json:"psi,omitempty"`         // the same, as a share of the change
	Query         string             `json:"query,omitempty"`
	RateEffect    *float64           `json:"rate_effect,omitempty"` // of a ratio: share of the change by changed rates
	Ratio         *float64           `json:"ratio,omitempty"`       // actual by forecast
	Relevance     *float64           `json:"relevance,omitempty"`
	Residual      *float64           `json:"residual,omitempty"` // deviation that its parents don't explain
	Rollover      bool               `json:"rollover,omitempty"` // one value took the place of another
	Same          []Set              `json:"same,omitempty"`     // other sets that select the same as this one
	Scope         string             `json:"scope,omitempty"`    // what its query was narrowed to, as a selector
	ScoreByChance *float64           `json:"score_by_chance,omitempty"`
	Selected      *bool              `json:"selected,omitempty"` // by the regression
	Service       string             `json:"service,omitempty"`
	Share         *float64           `json:"share,omitempty"`
	Shares        map[string]float64 `json:"shares,omitzero"` // in an incident: of the change of each alert's KPI
	Since         *float64           `json:"since,omitempty"` // Unix seconds at which it first moved
	Surprise      *float64           `json:"surprise,omitempty"`
	Unexplained   *float64           `json:"unexplained,omitempty"` // share of the change that the regression leaves
	Vanished      bool               `json:"vanished,omitempty"`    // there is nothing of it now
}

// Moved is the level before and in the incident, if both are known: of a series,
// or of a set of labels.
func (e Evidence) Moved() (before, after float64, ok bool) {
	for _, pair := range [][2]*float64{{e.Before, e.After}, {e.Forecast, e.Actual}} {
		if pair[0] != nil && pair[1] != nil {
			return *pair[0], *pair[1], true
		}
	}
	return 0, 0, false
}

// known is a figure of the evidence, without infinities and NaN, which JSON can't write.
func known(v float64) *float64 { return new(finite(v)) }
