// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
)

// The windows, where the rule doesn't say.
const (
	longestIncident  = time.Hour // of an old alert the first hour: what began it lies there
	fewestSteps      = 3         // of an incident
	shortestBaseline = time.Hour
	baselineFactor   = 30 // incidents in a baseline: twenty calibrate, and an onset that is dated earlier takes some
	mostRows         = 1500
	rowLimit         = 10_000 // Prometheus refuses 11,000 points a series
)

// grid is the times of a plan.
type grid struct {
	start, onset, end time.Time // rows from start to end; the incident from onset
	before            time.Time // the end of what is known to be untouched by the incident
	settled           time.Time // the first row in which a range is nearly all of the incident, or of the last rows if there is none
	step              time.Duration
}

// timing is what the step and the windows of a plan are told from.
type timing struct {
	shortest, longest time.Duration // ranges of the targets' queries
	scrape            time.Duration // between two samples; 0: not known
	storm             bool          // whole minutes, so that the alerts of a storm ask the same
}

// newGrid decides on the times.
//
// With a chosen incident the onset stays, and the end follows; unless not that
// much time has passed, then the onset is earlier. Every time is a multiple of
// the step, so that queries of several alerts are the same, and VictoriaMetrics
// doesn't move them.
func newGrid(onset, now time.Time, w config.Window, t timing) (grid, []analysis.Warning) {
	if onset.IsZero() || onset.After(now) {
		onset = now
	}
	end := now
	switch incident := time.Duration(w.Incident); {
	case incident > 0 && now.Sub(onset) < incident:
		onset = now.Add(-incident)
	case incident > 0:
		end = onset.Add(incident)
	case now.Sub(onset) > longestIncident:
		end = onset.Add(longestIncident)
	}
	step, began := t.stepOf(end.Sub(onset)), onset
	if least := fewestSteps * step; end.Sub(onset) < least {
		onset = end.Add(-least)
	}
	baseline, chosen := time.Duration(w.Baseline), w.Baseline > 0
	if !chosen {
		baseline = max(shortestBaseline, baselineFactor*end.Sub(onset))
	}
	step = coarsen(step, end.Sub(onset), baseline)
	var warnings []analysis.Warning
	if most := rowLimit*step - end.Sub(onset); baseline > most {
		warnings = append(warnings, analysis.Warning{Source: "window", Text: fmt.Sprintf(
			"series are examined over the last %s of the baseline of %s only, at a step of %s: a longer incident would allow a larger step", most, baseline, step)})
		baseline = most
	}
	g := align(onset, end, step, baseline, t.longest)
	g.settle(began, t.longest)
	return g, append(warnings, t.gaps()...)
}

// settle dates what is told as the state of now, for a KPI that began to move at
// a time and whose ranges are at most that long. It is three rows at least.
func (g *grid) settle(began time.Time, longest time.Duration) {
	g.settled = floor(began.Add(longest/2+g.step-time.Nanosecond), g.step) // a condition holds from about the middle of the way on
	if last := g.end.Add(-(fewestSteps - 1) * g.step); g.settled.After(last) {
		g.settled = last
	}
	if g.settled.Before(g.onset) {
		g.settled = g.onset
	}
}

func align(onset, end time.Time, step, baseline, longest time.Duration) grid {
	g := grid{step: step, onset: floor(onset, step), end: floor(end, step)}
	g.start = floor(g.onset.Add(-baseline), step)
	g.before = g.onset.Add(-longest - step)
	g.before = floor(g.before, step)
	return g
}

// step is the distance of rows: that of the range, and not less than that of
// samples, between which nothing can be seen.
func (t timing) step() time.Duration {
	step := stepFor(t.shortest)
	if t.storm {
		step = max(step, time.Minute)
	}
	for _, s := range steps() {
		if step < t.scrape-t.scrape/10 && s > step {
			step = s
		}
	}
	return step
}

// stepOf is the step for an incident of that length. One that is younger than
// its steps gets smaller ones, down to the distance of samples: rows from before
// it, which would fill it up, show nothing of it and hide what there is.
func (t timing) stepOf(incident time.Duration) time.Duration {
	step := t.step()
	if t.storm || t.scrape == 0 {
		return step
	}
	finer := append([]time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second}, steps()...)
	for i := len(finer) - 1; i >= 0 && incident < fewestSteps*step; i-- {
		if finer[i] < step && finer[i] >= t.scrape-t.scrape/10 {
			step = finer[i]
		}
	}
	return step
}

// lookback is how old a sample may be to count as present, where the server
// isn't told otherwise.
const lookback = 5 * time.Minute

// gaps warns of samples so far apart that there is nothing in between.
func (t timing) gaps() []analysis.Warning {
	if t.scrape <= lookback {
		return nil
	}
	return []analysis.Warning{{Source: "window", Text: fmt.Sprintf(
		"there is a sample only every %s, and Prometheus looks back %s: values in between are missing", t.scrape, lookback)}}
}

// steps are what a step may be enlarged to.
func steps() []time.Duration {
	return []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute}
}

// stepFor is a step that a scrape interval is likely to be a divisor of: a
// range usually covers four scrapes.
func stepFor(shortest time.Duration) time.Duration {
	switch {
	case shortest >= 4*time.Minute:
		return time.Minute
	case shortest >= 2*time.Minute:
		return 30 * time.Second
	default:
		return 15 * time.Second
	}
}

// coarsen enlarges the step while there are too many rows and the incident
// keeps its steps.
func coarsen(step, incident, baseline time.Duration) time.Duration {
	for _, s := range steps() {
		if int((incident+baseline)/step) <= mostRows {
			break
		}
		if s > step && incident >= fewestSteps*s {
			step = s
		}
	}
	return step
}

// floor returns the last multiple of step, since 1970, that is not after t.
func floor(t time.Time, step time.Duration) time.Time {
	ns := t.UnixNano()
	return time.Unix(0, ns-ns%int64(step)).UTC()
}

// rows is the number of times on the grid.
func (g grid) rows() int { return int(g.end.Sub(g.start)/g.step) + 1 }

// times are the rows as Unix seconds.
func (g grid) times() []float64 {
	ts := make([]float64, g.rows())
	for i := range ts {
		ts[i] = seconds(g.start.Add(time.Duration(i) * g.step))
	}
	return ts
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
