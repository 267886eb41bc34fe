// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// methodLoad is the method of the finding that names the traffic of a common load.
const methodLoad = "load"

// commonLoad returns the load, if it is the answer. A service that stands out beyond it is a
// cause all the same.
func (c *candidates) commonLoad(r rank.Result) *Load {
	if r.Load == nil {
		return nil
	}
	first := r.Causes[0]
	if r.Services[0].Confidence != rank.Low && !slices.Contains(r.Load.Series, first.Series) {
		return nil
	}
	l := &Load{Factor: r.Load.Factor, Moved: len(r.Load.Series), Of: len(c.series)}
	if r.Load.Demand >= 0 {
		l.Series = c.series[r.Load.Demand].Name
	}
	return l
}

// underLoad orders the causes under a common load: the traffic, then what moved otherwise, then
// what the load explains.
func underLoad(r rank.Result) []rank.Cause {
	place := func(c rank.Cause) int {
		switch {
		case c.Series == r.Load.Demand:
			return 0
		case !slices.Contains(r.Load.Series, c.Series) && c.Moved():
			return 1
		}
		return 2
	}
	causes := slices.Clone(r.Causes)
	slices.SortStableFunc(causes, func(a, b rank.Cause) int { return place(a) - place(b) })
	return causes
}

// ofLoad marks a finding as part of a common load: only the traffic that carries it is reported
// with confidence.
func (f *Finding) ofLoad(l *Load) {
	f.Confidence = Low
	if f.Series == l.Series {
		f.Confidence, f.Method = Medium, methodLoad
	}
}
