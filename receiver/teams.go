// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"slices"
	"sync"

	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	mostTeams  = 50 // names that a metric may have, whatever alerts say
	otherTeams = "other"
)

// teams names the team of a report for a metric. Alerts bring these names, so that
// there may be any number of them: those beyond the first are one.
type teams struct {
	mu    sync.Mutex
	known []string
}

// of is empty if a report knows no team.
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
