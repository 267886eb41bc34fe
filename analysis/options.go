// SPDX-License-Identifier: Apache-2.0

package analysis

// Options are the settings of all methods, as the key `analysis:` of the
// configuration or of a rule. The zero value is the documented default.
type Options struct {
	Labels LabelOptions  `yaml:"labels,omitempty"`
	Series SeriesOptions `yaml:"series,omitempty"`
	Graph  GraphOptions  `yaml:"graph,omitempty"`

	Changes ChangeOptions `yaml:"-"`
}

// ChangeOptions are the settings of the ranking of changes.
type ChangeOptions struct {
	Top int // how many changes at the most; 0 means those of at least 1 % probability, and 5
}

// LabelOptions are the settings of the attribution to label values.
type LabelOptions struct {
	Mode      string  `yaml:"mode,omitempty"`       // auto (default), nsdi, complete or grescan
	Deep      bool    `yaml:"deep,omitempty"`       // look for causes that are invisible in the total, too
	Count     bool    `yaml:"count,omitempty"`      // the measure is a count of events
	MinChange float64 `yaml:"min_change,omitempty"` // smallest relative move of the total that is a change; 0 means 0.02
	Top       int     `yaml:"top,omitempty"`        // how many causes at the most; 0 means 8
	TEP       float64 `yaml:"t_ep,omitempty"`       // share of the change that a set of one label must explain; 0 means 0.67
	TEEP      float64 `yaml:"t_eep,omitempty"`      // share that a value must explain to be in such a set; 0 means 0.1
}

// SeriesOptions are the settings of the ranking of candidate series.
type SeriesOptions struct {
	Method      string `yaml:"method,omitempty"`       // rank (default) or balance
	Preset      string `yaml:"preset,omitempty"`       // of the regression: robust (default) or paper
	CandidateAD string `yaml:"candidate_ad,omitempty"` // report (default), pre or off: where series that did not move are left out
	Transform   string `yaml:"transform,omitempty"`    // none (default), ranks or hinge: for relations that are not linear
	Top         int    `yaml:"top,omitempty"`          // how many series at the most; 0 means 5
}

// GraphOptions are the settings of the causal graph.
type GraphOptions struct {
	Off   bool    `yaml:"off,omitempty"`
	Alpha float64 `yaml:"alpha,omitempty"` // level of the independence tests; 0 means 0.05
	MaxK  int     `yaml:"max_k,omitempty"` // largest separating set; 0 means 3
}

// Merge returns o with every setting that o leaves at zero taken from base.
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
