// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"sync"

	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	mostTeams  = 50 // values of the label, whatever alerts bring
	otherTeams = "other"
)

// teams bounds the values of the team label of a metric: alerts bring them, so there may be any
// number. Those beyond the first mostTeams share one value.
type teams struct {
	mu    sync.Mutex
	known []string
}

// of returns the team of a report; empty if it has none.
func (t *teams) of(r report.Report) string {
	i := slices.IndexFunc(r.Context.Facts, func(f report.Fact) bool { return f.Name == "team" })
	if i < 0 {
		return ""
	}
	name := r.Context.Facts[i].Value
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case slices.Contains(t.known, name):
		return name
	case len(t.known) == mostTeams:
		return otherTeams
	}
	t.known = append(t.known, name)
	return name
}
