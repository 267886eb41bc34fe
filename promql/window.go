// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
)

// The windows, unless the rule sets them.
const (
	longestIncident  = time.Hour // of an old alert the first hour, which contains the cause
	fewestSteps      = 3         // of an incident
	shortestBaseline = time.Hour
	baselineFactor   = 30 // baseline / incident: twenty incidents calibrate, and an earlier onset uses up some
	mostRows         = 1500
	rowLimit         = 10_000 // Prometheus refuses more than 11,000 points per series
)

// grid is the time grid of a plan.
type grid struct {
	start, onset, end time.Time // rows from start to end; the incident begins at onset
	before            time.Time // end of the time that is certainly unaffected by the incident
	settled           time.Time // first row whose range lies mostly in the incident; see settle
	step              time.Duration
}

// timing determines the step and the windows of a plan.
type timing struct {
	shortest, longest time.Duration // ranges of the targets' queries
	scrape            time.Duration // time between samples; 0: unknown
	storm             bool          // use whole minutes, so that the alerts of a storm share queries
}

// newGrid chooses the times.
//
// With a configured incident length, the onset is fixed and the end follows; if not enough time
// has passed, the onset moves back instead. Every time is a multiple of the step, so that
// alerts share queries and VictoriaMetrics doesn't shift them.
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

// settle sets when the current value of a KPI may be read: after it began to move and its
// longest range has mostly filled. Three rows remain, unless they are from before it began.
func (g *grid) settle(began time.Time, longest time.Duration) {
	g.settled = floor(began.Add(longest/2+g.step-time.Nanosecond), g.step) // a condition holds from about halfway on
	last := g.end.Add(-(fewestSteps - 1) * g.step)
	for last.Before(began) && last.Before(g.end) {
		last = last.Add(g.step)
	}
	if g.settled.After(last) {
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

// step returns the distance of rows: from the shortest range, but not less than the scrape
// interval, within which nothing is visible.
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

// stepOf returns the step for an incident of that length. A young incident gets smaller steps,
// down to the scrape interval: padding it with rows from before would hide it.
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

// lookback is how old a sample may be and still count as present, by Prometheus' default.
const lookback = 5 * time.Minute

// gaps warns if samples are further apart than the lookback.
func (t timing) gaps() []analysis.Warning {
	if t.scrape <= lookback {
		return nil
	}
	return []analysis.Warning{{Source: "window", Text: fmt.Sprintf(
		"there is a sample only every %s, and Prometheus looks back %s: values in between are missing", t.scrape, lookback)}}
}

// steps are the values that a step may be raised to.
func steps() []time.Duration {
	return []time.Duration{30 * time.Second, time.Minute, 2 * time.Minute, 5 * time.Minute, 10 * time.Minute, 30 * time.Minute}
}

// stepFor guesses a step that is a multiple of the scrape interval: a range usually covers four
// scrapes.
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

// coarsen raises the step while there are too many rows, as long as the incident keeps enough
// steps.
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

// rows returns the number of rows.
func (g grid) rows() int { return int(g.end.Sub(g.start)/g.step) + 1 }

// times returns the rows as Unix seconds.
func (g grid) times() []float64 {
	ts := make([]float64, g.rows())
	for i := range ts {
		ts[i] = seconds(g.start.Add(time.Duration(i) * g.step))
	}
	return ts
}

func seconds(t time.Time) float64 { return float64(t.UnixNano()) / 1e9 }
