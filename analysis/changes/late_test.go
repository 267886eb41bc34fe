// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"math"
	"math/rand/v2"
	"testing"
)

// moveOf is a KPI with a row a minute, for some hours before the onset and 15 minutes after it,
// with 2 % of noise.
func moveOf(hours int, level func(minute float64) float64) Move {
	rng := rand.New(rand.NewPCG(3, 4))
	m := Move{Usual: level(float64(-30 * hours)), Now: level(12), Seen: onset + 12*60}
	for i := -60 * hours; i <= 15; i++ {
		m.Times = append(m.Times, onset+60*float64(i))
		m.Values = append(m.Values, level(float64(i))*(1+.02*rng.NormFloat64()))
	}
	return m
}

func TestChangeAfterMostOfTheMoveIsLate(t *testing.T) {
	step := func(m float64) float64 { return 20 + 60*min(1, max(0, m+1)) }
	ramp := func(m float64) float64 { return 20 + 60*min(1, max(0, (m+30)/30)) }
	drift := func(m float64) float64 { return 200 + m/3 }
	morning := func(m float64) float64 { return 100 + 60*math.Sin(2*math.Pi*m/1440) }
	falls := func(m float64) float64 { return 100 - step(m) }
	hump := func(m float64) float64 { // it came back and departed again
		if m > -60 && m < -30 {
			return 80
		}
		return step(m)
	}
	spikes := func(m float64) float64 {
		if int(m+600)%25 < 6 {
			return 120
		}
		return step(m)
	}
	for _, c := range []struct {
		name  string
		level func(float64) float64
		ago   float64 // minutes before the onset
		want  bool
	}{
		{"a step, just before", step, 1, false},
		{"a step, noted a little late", step, -.5, false},
		{"a step, five minutes before", step, 5, false},
		{"a step, an hour before", step, 60, false},
		{"a fall, two minutes before", falls, 2, false},
		{"after a step", step, -3, true},
		{"after a fall", falls, -3, true},
		{"at the beginning of a ramp", ramp, 31, false},
		{"early on a ramp", ramp, 27, false},
		{"in the last third of a ramp", ramp, 8, true},
		{"on a drift of hours", drift, 5, true},
		{"long ago on a drift of hours", drift, 60, true},
		{"in the morning", morning, 5, true},
		{"long ago in the morning", morning, 45, true},
		{"after a first incident", hump, 2, false},
		{"in an earlier incident", hump, 35, false},
		{"in a spike", spikes, 20, false},
	} {
		if got := moveOf(4, c.level).course().without(onset - 60*c.ago); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (Move{}).course().without(onset) {
		t.Error("what has no samples tells nothing")
	}
}

// If the KPI had moved most of its way, no change is a cause, however close to the onset.
func TestALateChangeIsNotLikely(t *testing.T) {
	in := Incident{Onset: onset, Since: onset - 4*3600, Labels: map[string]string{"service": "cart"}}
	list := []Change{rollout("cart", 120)}
	if before := Rank(list, in).Causes[0]; !before.Likely || !before.Alone() {
		t.Fatalf("%+v", before)
	}
	in.Move = moveOf(4, func(m float64) float64 { return 20 + 60*min(1, max(0, (m+20)/20)) })
	if late := Rank(list, in).Causes[0]; late.Likely || late.Alone() || !late.Late {
		t.Errorf("%+v", late)
	}
}

// Noise doesn't make a change late.
func TestNoiseMakesNoChangeLate(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	late := 0
	for range 400 {
		m := moveOf(3, func(float64) float64 { return 0 })
		for i := range m.Values {
			m.Values[i] = 100 + 10*rng.NormFloat64()
			if m.Times[i] >= onset {
				m.Values[i] += 60
			}
		}
		m.Usual, m.Now = 100, 160
		if m.course().without(onset - 60*float64(1+rng.IntN(50))) {
			late++
		}
	}
	if late > 4 {
		t.Errorf("%d of 400 guilty changes are taken for late ones", late)
	}
}

// What ran since before the first sample, and went well, was not started badly.
func TestStartBeforeTheFirstSampleIsPartOfTheBaseline(t *testing.T) {
	step := func(m float64) float64 { return 20 + 60*min(1, max(0, m+1)) }
	young := func(known float64) Move { // the samples begin so many minutes before the onset
		m := moveOf(1, step)
		for i, at := range m.Times {
			if at < onset-60*known {
				m.Values[i] = math.NaN()
			}
		}
		return m
	}
	for _, c := range []struct {
		name       string
		known, ago float64 // minutes
		want       bool
	}{
		{"long before them", 20, 45, true},
		{"just before them", 20, 21, true},
		{"after the first of them", 20, 15, false},
		{"hardly anything is known", 5, 21, false},
	} {
		if got := young(c.known).course().preceded(onset-60*c.ago, onset); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
	if (Move{}).course().preceded(onset, onset) {
		t.Error("what has no samples tells nothing")
	}
}

// A restart that ended the first trouble did not begin the second.
func TestWhatEndedTheTroubleDidNotBeginIt(t *testing.T) {
	twice := func(gap float64) func(float64) float64 { // the first trouble ended so many minutes before the second
		return func(m float64) float64 {
			if m > -30-gap && m < -gap || m >= 0 {
				return 80
			}
			return 20
		}
	}
	once := func(m float64) float64 { return 20 + 60*min(1, max(0, m+1)) }
	for _, c := range []struct {
		name  string
		level func(float64) float64
		ago   float64 // minutes before the onset
		want  bool
	}{
		{"at the end of the first trouble", twice(15), 15.5, true},
		{"in the first trouble", twice(15), 25, true},
		{"between the two", twice(15), 5, false},
		{"before the first", twice(15), 55, false},
		{"just before the only one", once, 2, false},
		{"in the only one", once, -3, false},
	} {
		m := moveOf(4, c.level)
		m.Usual = 20
		if got := m.course().remedied(onset-60*c.ago, onset); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}

// A version that was rolled back before the KPI moved did not move it.
func TestWhatWasRevertedIsNotLikely(t *testing.T) {
	in := Incident{Onset: onset, Since: onset - 4*3600, Labels: map[string]string{"service": "cart"}}
	first := rollout("cart", 600)
	for back, want := range map[float64]bool{200: true, 30: false} { // seconds before the onset
		second := rollout("cart", back)
		second.From, second.To = first.To, first.From
		for _, c := range Rank([]Change{first, second}, in).Causes {
			if reverted := c.At == first.At; c.Late != (reverted && want) {
				t.Errorf("rolled back %v s before: %+v", back, c)
			}
		}
	}
}
