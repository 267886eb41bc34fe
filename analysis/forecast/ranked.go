// SPDX-License-Identifier: Apache-2.0

package forecast

// ranked are the sorted values of each leaf over some days. The median without one day depends
// only on that day's rank, so each leaf is sorted once.
type ranked struct {
	days   [][]float64
	sorted []float64 // leaf by leaf: values, ascending
	rank   []uint16  // leaf by leaf: index of each day in sorted
}

func rankDays(days [][]float64) ranked {
	r := ranked{days: days}
	n := len(days)
	r.sorted, r.rank = make([]float64, n*r.leaves()), make([]uint16, n*r.leaves())
	day := make([]uint16, n)
	for e := range r.leaves() {
		sorted := r.sorted[e*n : (e+1)*n]
		for j := range days {
			x, k := days[j][e], j
			for ; k > 0 && sorted[k-1] > x; k-- {
				sorted[k], day[k] = sorted[k-1], day[k-1]
			}
			sorted[k], day[k] = x, uint16(j)
		}
		for k, j := range day {
			r.rank[e*n+int(j)] = uint16(k)
		}
	}
	return r
}

func (r ranked) leaves() int { return len(r.days[0]) }

// medians returns the medians over all days.
func (r ranked) medians() []float64 {
	n, out := len(r.days), make([]float64, r.leaves())
	for e := range out {
		out[e] = middle(r.sorted[e*n : (e+1)*n])
	}
	return out
}

// without puts the medians over all days but one into out.
func (r ranked) without(day int, out []float64) {
	n := len(r.days)
	h, odd := (n-1)/2, (n-1)%2 == 1
	for e := range out {
		sorted, rank := r.sorted[e*n:(e+1)*n], int(r.rank[e*n+day])
		upper := sorted[h]
		if h >= rank {
			upper = sorted[h+1]
		}
		switch {
		case odd:
			out[e] = upper
		case h-1 >= rank:
			out[e] = sorted[h]/2 + upper/2
		default:
			out[e] = sorted[h-1]/2 + upper/2
		}
	}
}

// middle returns the median of sorted values.
func middle(sorted []float64) float64 {
	h := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[h]
	}
	return sorted[h-1]/2 + sorted[h]/2
}
