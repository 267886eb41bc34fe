// SPDX-License-Identifier: Apache-2.0

package expressions

import "slices"

// Corpus returns all alerts, by what is special about their expressions.
func Corpus() []Alert {
	return slices.Concat(
		oneOfMany(), extremes(), compared(), recorded(), native(), madeLabels(), guards(), distinct(), vanished(),
		late(), levels(), units(), candidates(), incidents(), odd(),
	)
}
