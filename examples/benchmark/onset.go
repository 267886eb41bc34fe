// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"sort"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// onsetErrors is a line of how far the onset that is found is from the true one,
// by how late the alert is.
func onsetErrors(name string, incidents []incident) string {
	line := "| " + name + " |"
	for _, late := range []float64{0, incidents[0].Step, 60} {
		var off []float64
		near := 0
		for _, c := range incidents {
			rows := c.onsetError(late)
			off = append(off, float64(rows))
			if math.Abs(float64(rows)) <= 2 {
				near++
			}
		}
		line += fmt.Sprintf(" %+.0f, %.0f %% |", order.MedianInPlace(off), 100*float64(near)/float64(len(incidents)))
	}
	return line
}

// onsetError is by how many rows the incident is dated after its true onset.
func (c incident) onsetError(late float64) int {
	in, _ := c.input(late)
	return rank.Rank(in, rank.Options{NoResidual: true}).Onset - sort.SearchFloat64s(c.samples.Times, c.Onset)
}
