// SPDX-License-Identifier: Apache-2.0

package bmfs

import (
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

// confuse collects, for each selected candidate, those that could replace it within the limit
// of loss, or that moved with it in the only event, weighs them by likelihood, and divides the
// coefficient among them.
func (e *ebic) confuse(s []int) selection {
	sel := newSelection(e.candidates)
	base := e.score.loss(e.d.basisOf(s).rss())
	ev := e.plain.event()
	moved := e.assign(ev.moved(e.d), s)
	for i, j := range s {
		rest := e.d.basisOf(without(s, i))
		if b, whole := e.blockOf(j); whole {
			e.together(&sel, b, j, rest, base)
			continue
		}
		near := e.near(j)
		var found []substitute
		for k := range e.candidates {
			if k != j && (slices.Contains(s, k) || !near[k] && moved[k] != j) {
				continue
			}
			c, ok := e.substitute(rest, k, base)
			if k == j || ok && (c.loss <= e.confusion || moved[k] == j) {
				found = append(found, c)
			}
		}
		sel.collect(j, found, ev.evidence(e.d.n))
	}
	return sel
}

// substitute is a candidate in place of a selected one.
type substitute struct {
	candidate int
	loss      float64 // of fit relative to the selection
	beta      float64 // partial regression coefficient there
}

func (e *ebic) substitute(rest *basis, k int, base float64) (substitute, bool) {
	r := slices.Clone(e.d.column(k))
	rest.project(r)
	g := gain(r, rest.resid, e.norm[k])
	c := substitute{candidate: k, loss: e.score.loss(rest.rss()-math.Max(g, 0)) - base}
	if g < 0 {
		return c, false
	}
	c.beta = floats.Dot(r, rest.resid) / floats.Dot(r, r)
	return c, true
}

// collect turns the substitutes of seed j into its set. Evidence is the share of the likelihood
// that distinguishes them.
func (s *selection) collect(j int, found []substitute, evidence float64) {
	least, total := math.Inf(1), 0.0
	for _, c := range found {
		least = math.Min(least, c.loss)
	}
	out := Set{Seed: firstOf(j, found)}
	for _, c := range found {
		w := math.Exp(-evidence * (c.loss - least) / 2)
		total += w
		out.Members = append(out.Members, Member{Candidate: c.candidate, Weight: w, Loss: c.loss})
	}
	for i := range out.Members {
		m := &out.Members[i]
		m.Weight /= total
		s.beta[m.Candidate] += m.Weight * found[i].beta
		s.selected[m.Candidate] = true
	}
	s.sets = append(s.sets, out)
}

// firstOf returns the first of the substitutes that are as good as j: rounding must not decide
// among exact copies.
func firstOf(j int, found []substitute) int {
	own := 0.0
	for _, c := range found {
		if c.candidate == j {
			own = c.loss
		}
	}
	for _, c := range found {
		if math.Abs(c.loss-own) < 1e-8 {
			return c.candidate
		}
	}
	return j
}

const (
	eventRows  = 3   // largest number of rows of an event,
	eventSpan  = 20  // and one row in so many
	eventShare = 0.9 // of the target's variance, that they carry
)

// event is the rows that carry the target's variance, if they are so few that every candidate
// that moved in them explains the target. The likelihood of all rows then compares how noisy
// the candidates are at other times, which is no evidence about the event.
type event struct{ rows []int }

// event returns the event, without rows if there is none.
func (d *design) event() event {
	t := d.t
	order := make([]int, len(t))
	dist := make([]float64, len(t))
	center := middle(t)
	for i, v := range t {
		order[i], dist[i] = i, (v-center)*(v-center)
	}
	slices.SortStableFunc(order, func(a, b int) int { return descending(dist[a], dist[b]) })
	total, carried := floats.Sum(dist), 0.0
	for m := 1; m <= min(eventRows, max(1, len(t)/eventSpan)); m++ {
		if carried += dist[order[m-1]]; carried >= eventShare*total {
			return event{rows: order[:m]}
		}
	}
	return event{}
}

// evidence returns the share of n rows that can distinguish candidates.
func (ev event) evidence(n int) float64 {
	if len(ev.rows) == 0 {
		return 1
	}
	return float64(len(ev.rows)) / float64(n)
}

// moved marks candidates that follow the target and were, in every row of the event, further
// from their median than in any other row.
func (ev event) moved(d *design) []bool {
	out := make([]bool, d.p)
	if len(ev.rows) == 0 {
		return out
	}
	tt := math.Sqrt(floats.Dot(d.t, d.t))
	for j := range out {
		c := d.column(j)
		follows := math.Abs(floats.Dot(c, d.t)) >= related*tt*floats.Norm(c, 2)
		out[j] = follows && ev.standsOut(c, d.missing[j])
	}
	return out
}

// standsOut says whether a column was observed in the event and further out than ever.
func (ev event) standsOut(c []float64, missing []int) bool {
	center := middle(c)
	inside, outside := math.Inf(1), 0.0
	for i, v := range c {
		switch a := math.Abs(v - center); {
		case !slices.Contains(ev.rows, i):
			outside = math.Max(outside, a)
		case slices.Contains(missing, i):
			return false
		default:
			inside = math.Min(inside, a)
		}
	}
	return inside > outside
}

// assign assigns each moved candidate to the selected one most correlated with it, and -1 to
// the others.
func (e *ebic) assign(moved []bool, s []int) []int {
	owner := make([]int, e.d.p)
	for k := range owner {
		owner[k] = -1
		best := 0.0
		if !moved[k] {
			continue
		}
		for _, j := range s {
			if r := math.Abs(floats.Dot(e.d.column(j), e.d.column(k))) / e.norm[j]; r > best {
				best, owner[k] = r, j
			}
		}
	}
	return owner
}

// middle returns the median.
func middle(v []float64) float64 {
	s := slices.Clone(v)
	slices.Sort(s)
	h := len(s) / 2
	if len(s)%2 == 1 {
		return s[h]
	}
	return (s[h-1] + s[h]) / 2
}
