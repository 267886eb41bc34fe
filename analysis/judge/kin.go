// SPDX-License-Identifier: Apache-2.0

package judge

// In a large table not every set is a rival: only those that are near to the set
// that is judged. They are the wider choices with one label less, the values of
// each single label, and the narrower choices with one label more.

// kin is the gain of the best of them.
func (t *Table) kin(s *Set, f fit) float64 {
	var top float64
	for k := range s.Dims {
		if len(s.Dims) > 1 {
			top = max(top, t.wider(s, k, f))
		}
	}
	for d := range t.codes {
		if len(s.Dims) == 1 && s.Dims[0] == d {
			continue
		}
		top = max(top, t.byValue(d, s, f, f.rest)) // single values
		top = max(top, t.byValue(d, s, f, nil))    // parts of the set
	}
	return top
}

// wider is the gain of a set without its k-th label.
func (t *Table) wider(s *Set, k int, f fit) float64 {
	w := Set{Dims: without(s.Dims, k), Codes: without(s.Codes, k)}
	all := t.sums(f.noise, s.leaves)
	more := 0
	for _, i := range f.rest {
		if t.under(&w, int(i)) {
			all.add(f.noise.w[i], t.d[i])
			more++
		}
	}
	if more == 0 { // it is the same set
		return 0
	}
	return all.gain()
}

// byValue is the gain of the best value of a label among the leaves of a set and
// others, if it shares leaves with the set and is another.
func (t *Table) byValue(d int, s *Set, f fit, others []int32) float64 {
	parts := make([]sums, t.cards[d])
	for _, i := range s.leaves {
		p := &parts[t.codes[d][i]]
		p.add(f.noise.w[i], t.d[i])
		p.own++
	}
	for _, i := range others {
		if p := &parts[t.codes[d][i]]; p.own > 0 {
			p.add(f.noise.w[i], t.d[i])
		}
	}
	var top float64
	for j := range parts {
		if p := &parts[j]; p.own > 0 && (p.own < p.n || p.own < len(s.leaves)) {
			top = max(top, p.gain())
		}
	}
	return top
}

// without is a copy of x that lacks x[k].
func without[T any](x []T, k int) []T {
	out := append([]T{}, x[:k]...)
	return append(out, x[k+1:]...)
}
