// SPDX-License-Identifier: Apache-2.0

package judge

// In a large table, only sets close to the judged one are rivals: wider choices with one label
// less, the values of each single label, and narrower choices with one label more.

// closeRivals returns the gain of the best of them.
func (t *Table) closeRivals(s *Set, f fit) float64 {
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
		parts := t.byValue(d, s.leaves, f.noise)
		top = max(top, best(parts, nil, len(s.leaves)))         // parts of the set
		top = max(top, best(parts, f.values[d], len(s.leaves))) // single values
	}
	return top
}

// wider returns the gain of a set without its k-th label.
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

// byValue sums some leaves by the values of a label.
func (t *Table) byValue(d int, leaves []int32, n *noise) []sums {
	parts := make([]sums, t.cards[d])
	for _, i := range leaves {
		parts[t.codes[d][i]].add(n.w[i], t.d[i])
	}
	return parts
}

// best returns the gain of the best value of a label, among the leaves of a set of the given
// size and others, if it shares leaves with the set and is not the same.
func best(parts, others []sums, size int) float64 {
	var top float64
	for j, p := range parts {
		own := p.n
		if others != nil {
			p.join(others[j])
		}
		if own > 0 && (own < p.n || own < size) {
			top = max(top, p.gain())
		}
	}
	return top
}

// without returns a copy of x without x[k].
func without[T any](x []T, k int) []T {
	out := append([]T{}, x[:k]...)
	return append(out, x[k+1:]...)
}
