// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"
	"hash/fnv"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/receiver/ruletest"
)

// Times of a world, in samples. Samples are a minute apart, unless the world needs days.
const (
	onset  = 301 // the first sample of the fault
	asked  = 312 // when the alert is explained
	length = 320
)

// World is a set of series.
type World struct {
	series []ruletest.InputSeries
	length int
	rng    *rand.Rand
}

// newWorld seeds the noise from a name.
func newWorld(name string) *World {
	h := fnv.New64a()
	h.Write([]byte(name))
	return &World{length: length, rng: rand.New(rand.NewPCG(h.Sum64(), 1))}
}

// Level is the value of a series at a sample, without noise.
type Level func(sample int) float64

// Always is a constant level.
func Always(v float64) Level { return func(int) float64 { return v } }

// Step is a level that changes at the onset.
func Step(before, after float64) Level { return StepAt(onset, before, after) }

// StepAt is a level that changes at a sample.
func StepAt(at int, before, after float64) Level {
	return func(i int) float64 {
		if i < at {
			return before
		}
		return after
	}
}

// Ramp is a level that moves from one value to another, from the onset on.
func Ramp(before, after float64, samples int) Level {
	return func(i int) float64 {
		return before + (after-before)*min(1, max(0, float64(i-onset+1)/float64(samples)))
	}
}

// Until is the level of a series that ends at the onset.
func Until(before float64) Level { return Step(before, math.NaN()) }

// Since is the level of a series that begins at the onset.
func Since(after float64) Level { return Step(math.NaN(), after) }

// Gauge adds a series with 2 % of noise.
func (w *World) Gauge(selector string, level Level) {
	w.add(selector, func(i int) float64 { return level(i) * (1 + .02*w.rng.NormFloat64()) })
}

// Exact adds a series without noise, such as a state or a limit.
func (w *World) Exact(selector string, level Level) { w.add(selector, level) }

// Counter adds a counter of events; the level is the number of events in a sample.
func (w *World) Counter(selector string, level Level) {
	total := 0.0
	w.add(selector, func(i int) float64 {
		events := level(i)
		if math.IsNaN(events) {
			return events
		}
		total += max(0, math.Round(events+math.Sqrt(max(events, 0))*w.rng.NormFloat64()))
		return total
	})
}

func (w *World) add(selector string, value Level) {
	var b strings.Builder
	last := math.NaN()
	for i := range w.length {
		v := value(i)
		switch {
		case math.IsNaN(v) && !math.IsNaN(last):
			b.WriteString("stale ")
		case math.IsNaN(v):
			b.WriteString("_ ")
		default:
			b.WriteString(strconv.FormatFloat(v, 'g', 7, 64) + " ")
		}
		last = v
	}
	w.Raw(selector, b.String())
}

// Raw adds a series in the notation of promtool.
func (w *World) Raw(selector, values string) {
	w.series = append(w.series, ruletest.InputSeries{Series: selector, Values: strings.TrimSpace(values)})
}

// Histogram adds the buckets, the sum and the count of a classic histogram with the bounds 0.1, 0.5
// and +Inf; the level is how many of 300 requests in a sample are slower than 0.1.
func (w *World) Histogram(metric, labels string, slow Level) {
	fast := make([]float64, w.length)
	for i := range fast {
		fast[i] = max(0, math.Round(300-slow(i)+math.Sqrt(slow(i))*w.rng.NormFloat64()))
	}
	grow := func(each func(i int) float64) Level {
		total := 0.0
		return func(i int) float64 {
			total += each(i)
			return total
		}
	}
	half := func(i int) float64 { return math.Floor((300 - min(fast[i], 300)) / 2) }
	bucket := func(le string) string { return fmt.Sprintf(`%s_bucket{%s,le="%s"}`, metric, labels, le) }
	w.add(bucket("0.1"), grow(func(i int) float64 { return min(fast[i], 300) }))
	w.add(bucket("0.5"), grow(func(i int) float64 { return 300 - half(i) }))
	w.add(bucket("+Inf"), grow(Always(300)))
	w.add(metric+"_count{"+labels+"}", grow(Always(300)))
	w.add(metric+"_sum{"+labels+"}", grow(func(i int) float64 { return .05*300 + 2*half(i) }))
}
