// SPDX-License-Identifier: Apache-2.0

package rank

import "math"

const (
	peerServices = 3    // services that a metric must have to be compared
	peerShare    = 3e-4 // of the largest level among the peers: the least scale
)

// peerFloors raises the floor of the scale of series whose metric other services
// have, too. They share a unit, so that one knows what a move is worth: where a
// neighbour has megabytes, the step from 150 bytes to a kilobyte is nothing,
// however still the series was before. It is what keeps an idle service from
// standing before one that works, and no series is held against its unit: all of
// one metric in another give the same answer.
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
