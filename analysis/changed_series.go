// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// serviceEvidence returns what the series of each service show of it, apart from its changes.
func (c *candidates) serviceEvidence(r rank.Result) []changes.Service {
	odds := c.changeOdds
	if odds == nil {
		return nil
	}
	shown := c.serviceMoves(r)
	top, list := slices.Max(odds), []changes.Service{}
	for _, s := range r.Services {
		show := shown[s.Service]
		list = append(list, changes.Service{
			Name: c.services[s.Service], Evidence: rank.OddsOfScore * rank.Raise(s.Score, top/odds[s.Service]),
			Since: show.since, Sure: s.Confidence != rank.Low, Certain: s.Confidence == rank.High,
			Trace: show.moved && !show.beyond && c.released <= fewReleased, Freed: show.moved && !show.beyond && !show.rose,
		})
	}
	return list
}

// incident returns what is known before any analysis.
func (f Frame) incident() changes.Incident {
	return changes.Incident{Onset: f.Onset, Since: f.ChangesSince, Labels: f.Labels, Calls: f.Topology}
}

// serviceMove summarises the series of a service that moved.
type serviceMove struct {
	since  float64 // when the best of them had certainly begun to move; 0: it did not
	moved  bool
	beyond bool // one of them is no resource, so a mere process start does not explain it
	rose   bool
}

func (c *candidates) serviceMoves(r rank.Result) map[int]serviceMove {
	shown := map[int]serviceMove{}
	for _, cause := range r.Causes { // the best first
		show, known := shown[cause.Service]
		if cause.Moved() {
			if !known {
				show.since = c.times[cause.Began.Latest]
			}
			show.moved = true
			show.beyond = show.beyond || !c.series[cause.Series].kind().Resource()
			show.rose = show.rose || cause.After > cause.Before
		}
		shown[cause.Service] = show
	}
	return shown
}

// changesBefore ranks the changes by what their times and places say about the services.
func (c *candidates) changesBefore(f Frame) changes.Ranking {
	if len(f.Changes) == 0 || !c.dated {
		return changes.Ranking{}
	}
	in := f.incident()
	for _, name := range c.services {
		in.Series = append(in.Series, changes.Service{Name: name})
	}
	return changes.Rank(f.Changes, in)
}
