// SPDX-License-Identifier: Apache-2.0

package analysis

// Options are the settings of all methods, as in the key `analysis` of the configuration or of
// a rule. The zero value is the default.
type Options struct {
	Labels LabelOptions  `yaml:"labels,omitempty"` // attribution to label values: where
	Series SeriesOptions `yaml:"series,omitempty"` // ranking of candidate series: why
	Graph  GraphOptions  `yaml:"graph,omitempty"`  // causal graph

	Changes ChangeOptions `yaml:"-"`
}

// ChangeOptions are the settings of the ranking of changes.
type ChangeOptions struct {
	Top int // largest number of changes; 0 means 5, each with a probability of at least 1 %
}

// LabelOptions are the settings of the attribution to label values.
type LabelOptions struct {
	Mode      string  `yaml:"mode,omitempty"`       // method; default auto
	Deep      bool    `yaml:"deep,omitempty"`       // also look for causes that the total does not show; slower; default false
	Count     bool    `yaml:"count,omitempty"`      // treat the KPI as a count of events, whose noise is at least Poisson; default inferred from the expression
	MinChange float64 `yaml:"min_change,omitempty"` // smallest relative change of the total that counts as a change; default 0.02
	Top       int     `yaml:"top,omitempty"`        // largest number of causes; default 8
	TEP       float64 `yaml:"t_ep,omitempty"`       // share of the change that a set of values of one label must explain; default 0.67
	TEEP      float64 `yaml:"t_eep,omitempty"`      // share that a value must explain to belong to such a set; default 0.1
}

// SeriesOptions are the settings of the ranking of candidate series.
type SeriesOptions struct {
	Method      string `yaml:"method,omitempty"`       // method; default rank
	Preset      string `yaml:"preset,omitempty"`       // preset of the regression; `paper` is as published; default robust
	CandidateAD string `yaml:"candidate_ad,omitempty"` // series that did not move are left out of the report, out of the regression (`pre`) or not at all (`off`); method `balance` only; default report
	Transform   string `yaml:"transform,omitempty"`    // transform of the series in the regression, for relations that are not linear; default none
	Top         int    `yaml:"top,omitempty"`          // largest number of series; default 5
}

// GraphOptions are the settings of the causal graph.
type GraphOptions struct {
	Off   bool    `yaml:"off,omitempty"`   // do not learn the graph; default false
	Alpha float64 `yaml:"alpha,omitempty"` // significance level of the independence tests; default 0.05
	MaxK  int     `yaml:"max_k,omitempty"` // largest separating set, at most 4; default 3
}

// Merge returns o with each zero setting taken from base.
func (o Options) Merge(base Options) Options {
	o.Labels.Mode = first(o.Labels.Mode, base.Labels.Mode)
	o.Labels.Deep = o.Labels.Deep || base.Labels.Deep
	o.Labels.Count = o.Labels.Count || base.Labels.Count
	o.Labels.MinChange = first(o.Labels.MinChange, base.Labels.MinChange)
	o.Labels.Top = first(o.Labels.Top, base.Labels.Top)
	o.Labels.TEP = first(o.Labels.TEP, base.Labels.TEP)
	o.Labels.TEEP = first(o.Labels.TEEP, base.Labels.TEEP)
	o.Series.Method = first(o.Series.Method, base.Series.Method)
	o.Series.Preset = first(o.Series.Preset, base.Series.Preset)
	o.Series.CandidateAD = first(o.Series.CandidateAD, base.Series.CandidateAD)
	o.Series.Transform = first(o.Series.Transform, base.Series.Transform)
	o.Series.Top = first(o.Series.Top, base.Series.Top)
	o.Graph.Off = o.Graph.Off || base.Graph.Off
	o.Graph.Alpha = first(o.Graph.Alpha, base.Graph.Alpha)
	o.Graph.MaxK = first(o.Graph.MaxK, base.Graph.MaxK)
	o.Changes.Top = first(o.Changes.Top, base.Changes.Top)
	return o
}

// first returns a, or b if a is the zero value.
func first[T comparable](a, b T) T {
	var zero T
	if a != zero {
		return a
	}
	return b
}
