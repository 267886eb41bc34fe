// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"slices"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// said is what the series of each service say of it, without its changes.
func (c *candidates) said(r rank.Result) []changes.Service {
	odds := c.expected
	if odds == nil {
		return nil
	}
	shown := c.shown(r)
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

// incident is what is known of it before anything is analysed.
func (f Frame) incident() changes.Incident {
	return changes.Incident{Onset: f.Onset, Since: f.ChangesSince, Labels: f.Labels, Calls: f.Topology}
}

// showing is what the series of a service that moved have in common.
type showing struct {
	since  float64 // when the best of them was on its way for certain; 0: it did not move
	moved  bool
	beyond bool // one of them is no resource: no mere start of a process moves it
	rose   bool
}

func (c *candidates) shown(r rank.Result) map[int]showing {
	shown := map[int]showing{}
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

// changesBefore are the changes with what their times and places say of the services.
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
