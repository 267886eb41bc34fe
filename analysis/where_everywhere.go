// SPDX-License-Identifier: Apache-2.0

package analysis

import "github.com/culprit-dev/culprit/analysis/localize"

// Everywhere says why a change is of no single place.
type Everywhere string

// The reasons.
const (
	MovedAlike Everywhere = "alike"  // every value of every label moved with the total
	MixShifted Everywhere = "mix"    // a ratio moved because its traffic did; no part of it changed
	AllStopped Everywhere = "outage" // there is nothing left anywhere
)

// everywhere is empty for a verdict that is not about all places at once.
func everywhere(v localize.Verdict) Everywhere {
	switch v {
	case localize.External:
		return MovedAlike
	case localize.TrafficMix:
		return MixShifted
	case localize.Outage:
		return AllStopped
	default:
		return ""
	}
}
