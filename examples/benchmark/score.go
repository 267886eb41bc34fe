// SPDX-License-Identifier: Apache-2.0

package main

import "fmt"

// missed is the rank of what is not in a list.
const missed = 1 << 30

// places are the ranks at which the true causes of some cases were found, from 1.
type places []int

// at returns AC@k: the share of the cases whose cause is among the first k.
func (p places) at(k int) float64 {
	if len(p) == 0 {
		return 0
	}
	n := 0
	for _, place := range p {
		if place <= k {
			n++
		}
	}
	return float64(n) / float64(len(p))
}

// average returns Avg@5, the mean of AC@1 to AC@5.
func (p places) average() float64 {
	var sum float64
	for k := 1; k <= 5; k++ {
		sum += p.at(k)
	}
	return sum / 5
}

// cells formats AC@1, AC@3, AC@5 and Avg@5 as table cells.
func (p places) cells() string {
	if len(p) == 0 {
		return "– | – | – | –"
	}
	return fmt.Sprintf("%.2f | %.2f | %.2f | %.3f", p.at(1), p.at(3), p.at(5), p.average())
}
