// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"math"
	"sort"

	"github.com/culprit-dev/culprit/analysis/order"
	"github.com/culprit-dev/culprit/analysis/rank"
)

// onsetErrors formats the error of the detected onset, by how late the alert is.
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

// onsetError returns by how many rows the detected onset is after the true one.
func (c incident) onsetError(late float64) int {
	in, _ := c.input(late)
	return rank.Rank(in, rank.Options{NoResidual: true}).Onset - sort.SearchFloat64s(c.samples.Times, c.Onset)
}
