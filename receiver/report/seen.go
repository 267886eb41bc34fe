// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"time"
)

// Seen is what earlier reports say about a report. It is computed when the report is read, and not
// stored.
type Seen struct {
	Days   int    `json:"days"`             // searched: the retention of reports, or a month
	Alert  *Times `json:"alert,omitempty"`  // with the same alert
	Causes *Times `json:"causes,omitempty"` // with the same causes, of any alert
	Change *Times `json:"change,omitempty"` // with a change of the same kind in the same place
}

// Times is how often something has occurred, and when last.
type Times struct {
	Times int    `json:"times"` // occurrences: alerts that began within half an hour count once
	Right int    `json:"right"` // of which feedback said that the report was right
	Wrong int    `json:"wrong"` // or wrong, or something else
	Last  Before `json:"last"`
}

// Before is an earlier report in short.
type Before struct {
	Report   string    `json:"report"`
	Alert    string    `json:"alert"`
	At       time.Time `json:"at"`      // when it began
	Seconds  float64   `json:"seconds"` // duration; 0: still firing
	Summary  string    `json:"summary"`
	Feedback *Feedback `json:"feedback,omitempty"`
}

// occasion is the maximum gap between alerts that count as one occurrence.
const occasion = 30 * time.Minute

// SeenBefore counts the earlier reports, all of which began before r, by occurrence, except that of
// r itself. It returns nil if there are none. Their order does not matter.
func SeenBefore(r Report, earlier []*Report) *Times {
	slices.SortFunc(earlier, func(a, b *Report) int { return b.Alert.StartsAt.Compare(a.Alert.StartsAt) })
	t := &Times{}
	last := r.Alert.StartsAt
	own, right, wrong := true, false, false
	for _, e := range earlier {
		if last.Sub(e.Alert.StartsAt) > occasion || e.Alert.Fingerprint == r.Alert.Fingerprint && own {
			own, right, wrong = false, false, false
			if t.Times++; t.Times == 1 {
				t.Last = before(*e)
			}
		}
		last = e.Alert.StartsAt
		if f, ok := e.Judged(); ok && !own {
			if f.Says == Right && !right {
				right = true
				t.Right++
			} else if f.Says != Right && !wrong {
				wrong = true
				t.Wrong++
			}
			if t.Times == 1 && t.Last.Feedback == nil {
				t.Last.Feedback = &f
			}
		}
	}
	if t.Times == 0 {
		return nil
	}
	return t
}

func before(r Report) Before {
	b := Before{Report: r.ID, Alert: r.Name(), At: r.Alert.StartsAt, Summary: r.Summary}
	if r.ResolvedAt != nil {
		b.Seconds = r.ResolvedAt.Sub(r.Alert.StartsAt).Seconds()
	}
	return b
}
