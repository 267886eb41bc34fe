// SPDX-License-Identifier: Apache-2.0

package changes

// Change is one event that may have caused an incident.
type Change struct {
	At     float64           `json:"at"`              // Unix seconds of its beginning
	Until  float64           `json:"until,omitempty"` // Unix seconds of its completion; 0: unknown
	Title  string            `json:"title"`           // what was done, in a few words
	Labels map[string]string `json:"labels"`          // where: labels of what was changed
	From   string            `json:"from,omitempty"`  // version, value or state before it
	To     string            `json:"to,omitempty"`    // and after it
	Source string            `json:"source"`          // who reports it: a series, api, grafana, alert
	URL    string            `json:"url,omitempty"`   // a page about it

	Extent Extent `json:"extent,omitzero"` // progress during the incident

	Undone   bool `json:"-"` // no part of the thing had it any more at the onset
	Symptom  bool `json:"-"` // a fault leaves the same trace, such as a lost target: listed, but never a cause
	Reaction bool `json:"-"` // a controller's reaction to load, such as more replicas: listed, but never a cause, nor are changes merged with it
	Guessed  bool `json:"-"` // recognised by the shape of a column alone, not by its name

	Series string `json:"-"` // candidate of the KPI in which it was found; empty: none
}

// symptom says that a fault may cause the same, so that it is no cause by itself.
func (c Change) symptom() bool { return c.Symptom || c.Reaction || c.Source == FromAlert }

// Extent is the progress of a change: 3 of 6 pods. Zero means unknown.
type Extent struct {
	Changed int    `json:"changed"`
	Of      int    `json:"of"`
	Parts   string `json:"parts"` // unit: pods, instances
}

// Partial says that only some of the parts were changed.
func (e Extent) Partial() bool { return 0 < e.Changed && e.Changed < e.Of }
