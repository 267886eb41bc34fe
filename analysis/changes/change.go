// SPDX-License-Identifier: Apache-2.0

package changes

// Change is one event that may have caused an incident.
type Change struct {
	At     float64           `json:"at"`              // Unix seconds; when it began
	Until  float64           `json:"until,omitempty"` // Unix seconds; when it was complete, 0 if that is not known
	Title  string            `json:"title"`           // what was done, in a few words
	Labels map[string]string `json:"labels"`          // where: the labels of what was changed
	From   string            `json:"from,omitempty"`  // version, value or state before it
	To     string            `json:"to,omitempty"`    // and after it
	Source string            `json:"source"`          // who says so: a series, api, grafana, alert
	URL    string            `json:"url,omitempty"`   // a page about it

	Extent Extent `json:"extent,omitzero"` // how far it had got when something was wrong

	Symptom bool `json:"-"` // a fault does the same, such as to take a target away: it is listed, and causes nothing
	Guessed bool `json:"-"` // it was taken for a change by the shape of a column, whose name says nothing

	Series string `json:"-"` // the candidate of the KPI that it was found in; empty: none
}

// symptom says that the change is what a fault does as well, and by itself no cause.
func (c Change) symptom() bool { return c.Symptom || c.Source == FromAlert }

// Extent is how far a change had got: 3 of 6 pods. The zero one is not known.
type Extent struct {
	Changed int    `json:"changed"`
	Of      int    `json:"of"`
	Parts   string `json:"parts"` // what is counted: pods, instances
}

// Partial says that only some of the parts were changed.
func (e Extent) Partial() bool { return 0 < e.Changed && e.Changed < e.Of }
