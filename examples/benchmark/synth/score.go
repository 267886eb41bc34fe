// SPDX-License-Identifier: Apache-2.0

package synth

// Score is how well a set of candidates was found.
type Score struct{ Precision, Recall, F1 float64 }

// Features scores the selected candidates against the active ones.
func Features(active, selected []bool) Score {
	var hit, found, want int
	for j := range active {
		if selected[j] {
			found++
		}
		if active[j] {
			want++
		}
		if active[j] && selected[j] {
			hit++
		}
	}
	return score(hit, found, want)
}

// Groups scores the blocks of the selected candidates: a block counts as found
// whichever of its members was selected.
func Groups(group []int, active, selected []bool) Score {
	want, found := map[int]bool{}, map[int]bool{}
	for j, g := range group {
		if active[j] {
			want[g] = true
		}
		if selected[j] {
			found[g] = true
		}
	}
	hit := 0
	for g := range found {
		if want[g] {
			hit++
		}
	}
	return score(hit, len(found), len(want))
}

func score(hit, found, want int) Score {
	var s Score
	if found > 0 {
		s.Precision = float64(hit) / float64(found)
	}
	if want > 0 {
		s.Recall = float64(hit) / float64(want)
	}
	if hit > 0 {
		s.F1 = 2 * s.Precision * s.Recall / (s.Precision + s.Recall)
	}
	return s
}
