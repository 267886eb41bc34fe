// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/tabular"
)

// quietStart is the first row of a baseline that may pose as an incident: before it there is too
// little to compare with.
const quietStart = 60

// quiet analyses stretches of the baselines as if they were incidents, as long as the real ones,
// and counts how sure the answers are. There is nothing to find in them. Cases may share a
// baseline; no stretch is used twice.
func quiet(incidents []incident) string {
	var all, high, medium int
	seen := map[string]bool{}
	for _, c := range incidents {
		for _, window := range c.quietWindows(seen) {
			level := window.confidence()
			all++
			switch level {
			case analysis.High:
				high++
			case analysis.Medium:
				medium++
			}
		}
	}
	if all == 0 {
		return " 0 | – | – |"
	}
	percent := func(n int) float64 { return 100 * float64(n) / float64(all) }
	return fmt.Sprintf(" %d | %.1f %% | %.1f %% |", all, percent(high), percent(medium))
}

// quietWindow is a stretch without an incident.
type quietWindow struct{ incident }

// confidence returns the confidence of the first cause.
func (w quietWindow) confidence() analysis.Confidence {
	frame, err := w.frame(0)
	if err != nil {
		panic(err) // the case names a KPI that it doesn't have
	}
	causes := analysis.Run(frame, analysis.Options{Graph: analysis.GraphOptions{Off: true}}).Causes
	if len(causes) == 0 {
		return analysis.Low
	}
	return causes[0].Confidence
}

// quietWindows cuts the baseline into windows. seen holds the used rows, by KPI and values.
func (c incident) quietWindows(seen map[string]bool) []quietWindow {
	baseline, _ := slices.BinarySearch(c.samples.Times, c.Onset)
	length := len(c.samples.Times) - baseline
	var windows []quietWindow
	for start := quietStart; start+length <= baseline; start += length {
		keys := make([]string, length)
		for i := range keys {
			keys[i] = c.key(start + i)
		}
		if slices.ContainsFunc(keys, func(k string) bool { return seen[k] }) {
			continue
		}
		for _, k := range keys {
			seen[k] = true
		}
		windows = append(windows, quietWindow{c.until(start, start+length)})
	}
	return windows
}

// key identifies a row by its values.
func (c incident) key(row int) string {
	key := c.Target
	for _, column := range c.samples.Columns {
		key += fmt.Sprint(",", column.Values[row])
	}
	return key
}

// until returns the case cut off before a row, with another onset.
func (c incident) until(onset, end int) incident {
	cut := &tabular.Series{Times: c.samples.Times[:end]}
	for _, column := range c.samples.Columns {
		cut.Columns = append(cut.Columns, tabular.Column{Name: column.Name, Values: column.Values[:end]})
	}
	c.samples = cut
	c.Onset, c.End = cut.Times[onset], 0
	return c
}
