// SPDX-License-Identifier: Apache-2.0

package rank

import "math"

const (
	peerServices = 3    // services that must have a metric for a comparison
	peerNoise    = 3    // of the largest scale among the peers: counts as noise
	peerSeries   = 3    // series of it in one service, for the floor of one that stood still
	peerShare    = 3e-4 // of the largest level among the peers: smallest scale
)

// peerFloors raises the floor of the scale of series whose metric other services also have.
// They share a unit, so the size of a move can be compared: if a neighbour has megabytes, a
// step from 150 bytes to a kilobyte is nothing, however still the series was. This keeps an
// idle service from ranking before a busy one, and is independent of the unit.
func (t *table) peerFloors() {
	level, services := map[int]float64{}, map[int]map[int]bool{}
	var buf []float64
	for j := range t.cand {
		s := &t.cand[j]
		if s.metric == 0 {
			continue
		}
		if services[s.metric] == nil {
			services[s.metric] = map[int]bool{}
		}
		services[s.metric][s.service] = true
		buf = s.appendPresent(buf[:0], s.x, 0, t.core)
		if len(buf) > 0 {
			level[s.metric] = max(level[s.metric], medianAbsInPlace(buf))
		}
	}
	for j := range t.cand {
		if s := &t.cand[j]; len(services[s.metric]) >= peerServices {
			s.floor = math.Max(s.floor, peerShare*level[s.metric])
		}
	}
}

// stillFloors raises the floor of the scale of series that were 0 throughout, and moved no
// further than the noise of their peers in the same service, to the largest scale among these.
// Such a series shows only that it seldom moves, not how much a move is worth; its peers do.
// The first 14 bytes per second of one process are nothing beside the kilobytes by which
// another one on the host fluctuates. Peers in other services don't count: if one service
// always has some errors, the first ones of another are news.
func (t *table) stillFloors() {
	type place struct{ metric, service int }
	most, count := map[place]float64{}, map[place]int{}
	still := make([]bool, len(t.cand))
	var buf []float64
	for j := range t.cand {
		s := &t.cand[j]
		at := place{s.metric, s.service}
		count[at]++
		if still[j] = s.still(t.core); !still[j] {
			_, scale := s.scaleOf(t.core, t.onset, spikes, &buf)
			most[at] = max(most[at], scale)
		}
	}
	for j := range t.cand {
		s := &t.cand[j]
		at := place{s.metric, s.service}
		if still[j] && s.metric != 0 && count[at] >= peerSeries && maxAbs(s.x[t.onset:]) < peerNoise*most[at] {
			s.floor = max(s.floor, most[at])
		}
	}
}

// still says whether the series is 0 or missing in all core rows.
func (s *series) still(core int) bool { return maxAbs(s.x[:core]) == 0 }
