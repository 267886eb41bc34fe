// SPDX-License-Identifier: Apache-2.0

package forecast

import (
	"fmt"
	"math"
	"testing"
)

// handedOver gives its value to leaf 0 until some minutes before the onset, and from then on,
// times a factor, to leaf 1.
func handedOver(ago, times float64) func(leaf int, minute float64) float64 {
	return func(leaf int, minute float64) float64 {
		switch {
		case (leaf == 0) != (minute < -ago):
			return 0
		case leaf == 0:
			return 1
		}
		return times / 3 // leaf 1 is three times as large
	}
}

// A pod that a rollout renamed isn't forecast at zero, nor its predecessor to continue, however
// long ago that was.
func TestSuccessorIsForecastAtItsOwnLevel(t *testing.T) {
	for _, ago := range []float64{10, 25, 50, 180, 20 * 60, 30 * 60, 3 * 1440} {
		t.Run(fmt.Sprint(ago), func(t *testing.T) {
			s, span := eightDays(handedOver(ago, 1))
			p, aside := SetAside(Cut(s, span), nil, Steps{Length: 300})
			if aside != nil {
				t.Errorf("set aside %v", aside)
			}
			f, err := Additive(p, 0)
			if err != nil {
				t.Fatal(err)
			}
			if math.Abs(f.Expected[0]) > 20 || math.Abs(f.Expected[1]-300) > 20 {
				t.Errorf("%v is expected, want 0 and 300", f.Expected)
			}
		})
	}
}

// A leaf that has four times as much is no successor.
func TestLargerLeafIsNoSuccessor(t *testing.T) {
	s, span := eightDays(handedOver(15, 4))
	p, _ := SetAside(Cut(s, span), nil, Steps{Length: 300})
	f, err := Additive(p, 0)
	if err != nil {
		t.Fatal(err)
	}
	if f.Expected[1] > 20 {
		t.Errorf("%v is expected, want nothing of the second", f.Expected)
	}
}

// A small leaf that exists only at times isn't a new one.
func TestRareLeafHasMedianOfAllDays(t *testing.T) {
	p := Pieces{Actual: []float64{0, 0}, Hour: []float64{100, 1}}
	for _, seldom := range []float64{1, 0, 0, 1, 0, 0} {
		p.Profile = append(p.Profile, []float64{100, seldom})
		p.Level = append(p.Level, []float64{100, seldom})
	}
	if f := additive(t, p, 1); f.Expected[1] != 0 {
		t.Errorf("%v is expected", f.Expected)
	}
}
