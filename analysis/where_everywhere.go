// SPDX-License-Identifier: Apache-2.0

package analysis

import "github.com/culprit-dev/culprit/analysis/localize"

// everywhere returns the reason for a verdict about all places at once, else "".
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
