// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	logSpread = 0.05  // smallest standard deviation of a logarithm: 5 %
	logZero   = 0.001 // of the largest value: added before taking the logarithm
)

// plain fills in the two simple scores of every candidate, which assume less than [weigh] and
// err elsewhere: how far it left the whole baseline in its own standard deviations, and how far
// as a ratio. The latter separates a service that tripled from one whose large and steady
// series fluctuated. Neither uses the KPI.
func plain(t *table, p period, ev []Evidence) {
	from := p.onset - p.still
	var buf, logs []float64
	for j := range t.cand {
		s := &t.cand[j]
		centre, scale := s.scaleOf(from, p.onset, 1, &buf)
		buf = s.appendPresent(buf[:0], s.x, p.onset, t.rows)
		ev[j].Plain = math.Log1p(min(lasting(buf, centre)/scale, maxZ))
		logs = s.appendLogs(logs[:0], from)
		ev[j].Relative = math.Log1p(s.relative(logs, from, p.onset, &buf))
	}
}

// relative returns how far the logarithm of the series left its baseline, in its own standard
// deviations.
func (s *series) relative(logs []float64, from, onset int, buf *[]float64) float64 {
	calm := s.appendPresent((*buf)[:0], logs, 0, from)
	if len(calm) == 0 {
		return 0
	}
	_, sd := moments(calm)
	centre := order.MedianInPlace(calm)
	*buf = s.appendPresent(calm[:0], logs, onset, len(logs))
	return lasting(*buf, centre) / max(sd, logSpread)
}

// appendLogs appends the logarithms of all absolute values to dst. The added constant is small
// relative to the baseline, but no smaller than what counts as a move.
func (s *series) appendLogs(dst []float64, from int) []float64 {
	least := logZero * maxAbs(s.x[:from])
	if least == 0 {
		least = maxAbs(s.x) / 100
	}
	if least = max(least, s.floor); least == 0 {
		least = 1
	}
	for _, v := range s.x {
		dst = append(dst, math.Log(math.Abs(v)+least))
	}
	return dst
}
