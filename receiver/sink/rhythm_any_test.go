// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// changing is a program that sends an alert at an interval, then is silent for a while, and then
// sends at another interval.
type changing struct {
	url                          string
	first, every, silence, later time.Duration
	late                         int // milliseconds, at most, as on a busy machine
}

func (c changing) sends(r *rand.Rand, half, length time.Duration) (all []send) {
	every := c.every
	for at := c.first; at < length; at += every {
		if at >= half && every == c.every {
			at, every = at+c.silence, c.later
		}
		all = append(all, send{at + time.Duration(r.IntN(c.late+1))*time.Millisecond, c.url})
	}
	return all
}

func drawChanging(t *rapid.T, url string) changing {
	seconds := func(least, most int, name string) time.Duration {
		return time.Duration(rapid.IntRange(least, most).Draw(t, name)) * time.Second
	}
	return changing{
		url: url, first: time.Duration(rapid.IntRange(0, 30_000).Draw(t, "first")) * time.Millisecond,
		every: seconds(5, 60, "every"), silence: seconds(0, 60, "silence"), later: seconds(5, 60, "later"),
		late: rapid.IntRange(0, 150).Draw(t, "late"),
	}
}

// Whatever senders do, an alert is neither long nor often without its causes, at a bounded cost.
// While all have been regular for a while, each send costs a moment.
func TestEveryRhythmIsLearned(t *testing.T) {
	const half, length = 20 * time.Minute, 40 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var all []send
		var settles time.Duration
		perMinute := 0.0
		for i := range rapid.IntRange(1, 2).Draw(t, "senders") {
			c := drawChanging(t, fmt.Sprintf("http://prometheus-%d:9090", i))
			all = append(all, c.sends(r, half, length)...)
			settles = max(settles, c.silence+10*max(c.every, c.later))
			perMinute += time.Minute.Seconds() / min(c.every, c.later).Seconds()
		}
		settled := func(at time.Duration) bool { return at > settles && at < half || at > half+settles }
		whole := play(&rhythm{}, inOrder(all), length, nil)
		later := play(&rhythm{}, all, length, settled)
		n := 0
		for _, s := range all {
			if settled(s.at) {
				n++
			}
		}
		looks, share := float64(whole.looks)/length.Minutes(), whole.without.Seconds()/length.Seconds()
		if most := 60 + 8*perMinute; whole.longest > 16*time.Second || share > 0.15 || looks > most {
			t.Errorf("%.1f %% of the time without causes, longest %s, %.0f looks a minute, want at most %.0f", 100*share, whole.longest, looks, most)
		}
		if later.without > time.Duration(n)*400*time.Millisecond {
			t.Errorf("%d sends cost %s, at the longest %s", n, later.without, later.longest)
		}
	})
}

// Without regular senders alerts are looked at calmly, and often enough.
func TestWithoutARhythmAlertsAreLookedAtCalmly(t *testing.T) {
	const length = 30 * time.Minute
	rapid.Check(t, func(t *rapid.T) {
		r := rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "seed"), 0))
		var all []send
		for at := time.Duration(0); at < length; at += time.Duration(3_000+r.IntN(57_000)) * time.Millisecond {
			all = append(all, send{at, "http://prometheus:9090"})
		}
		got := play(&rhythm{}, all, length, nil)
		if looks := float64(got.looks) / length.Minutes(); got.longest > 16*time.Second || looks > 60 {
			t.Errorf("at the longest %s without causes, %.0f looks a minute", got.longest, looks)
		}
	})
}
