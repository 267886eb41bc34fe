// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"

	"github.com/culprit-dev/culprit/analysis/order"
)

const (
	logSpread = 0.05  // least standard deviation of a logarithm: 5 %
	logZero   = 0.001 // of the largest value: what is added before the logarithm is taken
)

// plain fills in the two simple scores of every candidate, which ask less than
// [weigh] does and err elsewhere: how far it left the whole baseline in units of
// its own standard deviation, and how far as a ratio. The second one is what
// tells a service that tripled from one whose large and steady series wavered.
// Neither knows the KPI.
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

// relative is how far the logarithm of the series left its usual, in its own
// standard deviations.
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

// appendLogs appends the logarithms of the sizes of all values to dst. What is added
// to these is small beside the baseline, and no smaller than what counts as a move.
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
