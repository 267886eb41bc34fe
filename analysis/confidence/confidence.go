// SPDX-License-Identifier: Apache-2.0

// Package confidence is how far a finding can be trusted, in three words that all
// methods share.
package confidence

// Level is one of the three.
type Level string

// The levels.
const (
	High   Level = "high"
	Medium Level = "medium"
	Low    Level = "low"
)

// Rank orders levels: 0 is the best.
func (l Level) Rank() int {
	switch l {
	case High:
		return 0
	case Medium:
		return 1
	default:
		return 2
	}
}
