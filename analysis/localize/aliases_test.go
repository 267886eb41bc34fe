// SPDX-License-Identifier: Apache-2.0

package localize

import "testing"

// checkout is a shop with few leaves in which POST is used on /pay only, so that method=POST
// and path=/pay select the same leaves. Errors of /pay rise fourfold on v2. Labels: method
// (GET, POST), path (/, /cart, /pay), version (v1, v2). payV1 is the forecast of errors of /pay
// on v1, and rise its factor.
func checkout(payV1, rise float64) Input {
	in := Input{Cards: []int{2, 3, 2}, Codes: make([][]int32, 3)}
	for _, leaf := range []struct {
		codes            [3]int32
		forecast, actual float64
	}{
		{[3]int32{0, 0, 0}, 100, 102},
		{[3]int32{0, 0, 1}, 90, 89},
		{[3]int32{0, 1, 0}, 80, 79},
		{[3]int32{0, 1, 1}, 70, 71},
		{[3]int32{1, 2, 0}, payV1, payV1 * rise},
		{[3]int32{1, 2, 1}, 60, 240},
	} {
		for d, c := range leaf.codes {
			in.Codes[d] = append(in.Codes[d], c)
		}
		in.Forecast, in.Actual = append(in.Forecast, leaf.forecast), append(in.Actual, leaf.actual)
	}
	return in
}

// The wider of two sets is refuted by a part that didn't move, once that part is more than a
// few percent of the set.
func TestSpecificNameWinsIfTheRestDidNotMove(t *testing.T) {
	for _, payV1 := range []float64{3, 6, 20, 60} {
		r := run(t, checkout(payV1, 1), Options{})
		if len(r.Causes) != 1 || len(r.Causes[0].Combinations[0].Labels) != 2 || r.Causes[0].Leaves != 1 {
			t.Errorf("%g errors on v1 stood still: %+v, want a path or method on v2", payV1, r.Causes)
		}
		if c := r.Causes[0]; c.Share < 0.97 || c.R2 < 0.95 {
			t.Errorf("%g errors on v1: share %v, homogeneity %v", payV1, c.Share, c.R2)
		}
	}
}

// If all of the wider set moved, another label adds nothing, and the shorter name wins.
func TestShorterNameWinsIfItExplainsAsMuch(t *testing.T) {
	for name, in := range map[string]Input{
		"both versions moved":     checkout(20, 4),
		"nothing at all on v1":    checkout(0, 1),
		"v1 moved, and is little": checkout(2, 4),
	} {
		t.Run(name, func(t *testing.T) {
			r := run(t, in, Options{Count: true})
			if len(r.Causes) != 1 || len(r.Causes[0].Combinations) != 1 || len(r.Causes[0].Combinations[0].Labels) != 1 {
				t.Fatalf("causes %+v, want one label", r.Causes)
			}
			if c := r.Causes[0]; c.Share < 0.97 {
				t.Errorf("share %v", c.Share)
			}
		})
	}
}

// 1 error in 61 doesn't show whether v1 is healthy, so no name of the place is confident.
func TestNoNameIsConfidentIfTheRestIsTiny(t *testing.T) {
	r := run(t, checkout(1, 1), Options{Count: true})
	if r.Verdict != NoConfident || len(r.Causes) != 1 || r.Causes[0].Share < 0.97 {
		t.Errorf("verdict %d, causes %+v", r.Verdict, r.Causes)
	}
}
