// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
)

// Case is one incident of a public data set: its files, what is known about their columns, and
// its true cause.
type Case struct {
	ID     string      `json:"id"`
	Files  []string    `json:"files"`         // beside the case; their rows belong together
	Target string      `json:"target"`        // column of the KPI
	Onset  float64     `json:"anomaly_start"` // Unix seconds
	End    float64     `json:"anomaly_end"`   // Unix seconds, inclusive; 0: the last row
	Graph  [][2]string `json:"graph"`         // caller, callee
	Series []struct {
		Column  string `json:"col"`
		Service string `json:"service"`
		Kind    string `json:"kind"`
	} `json:"series"`
	RootCause struct {
		Services []string `json:"services"`
		Metrics  []string `json:"metrics"` // columns; any of them is right
	} `json:"root_cause"`
	Step float64 `json:"step_s"`
}

// ReadCase reads the JSON of a case.
func ReadCase(r io.Reader) (Case, error) {
	var c Case
	if err := json.NewDecoder(r).Decode(&c); err != nil {
		return Case{}, fmt.Errorf("this is not a case: %w", err)
	}
	if c.Target == "" {
		return Case{}, errors.New(`this is not a case: it has no "target", the column of the KPI`)
	}
	return c, nil
}

// Roles returns the roles of the columns of the case.
func (c Case) Roles() Roles {
	r := Roles{
		Targets: []string{c.Target}, Onset: c.Onset, End: c.End, Topology: c.Graph,
		Services: map[string]string{}, Kinds: map[string]string{},
	}
	for _, s := range c.Series {
		r.Services[s.Column], r.Kinds[s.Column] = s.Service, s.Kind
	}
	return r
}
