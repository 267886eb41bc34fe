// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// unclear says why the first candidate is only a guess, to follow "the KPI moved, but …".
func (c *candidates) unclear(r rank.Result) string {
	why, other := r.Unclear()
	switch {
	case why == rank.AllQuiet:
		return "no series moved more than it does when nothing is wrong"
	case why == rank.Follows:
		return "what stands out moved after it"
	case why == rank.TooClose && other >= 0:
		return fmt.Sprintf("%s stands out as much as the first", c.services[other])
	case why == rank.TooFew:
		return fmt.Sprintf("%d samples before it are too few to know what is usual", r.Core)
	}
	return ""
}
