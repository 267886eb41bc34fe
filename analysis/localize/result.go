// SPDX-License-Identifier: Apache-2.0

package localize

import (
	"github.com/culprit-dev/culprit/analysis/adtributor"
	"github.com/culprit-dev/culprit/analysis/confidence"
)

// Verdict is the answer in one word.
type Verdict int

// The verdicts.
const (
	Explained   Verdict = iota // there are causes
	NoConfident                // the total moved, but nothing stands out beyond chance
	External                   // everything moved alike: the cause is not in the labels
	TrafficMix                 // a ratio moved because its traffic did; no part degraded
	Outage                     // everything stopped: no label explains it
	NoChange                   // neither the total nor anything below it moved
)

// Confidence says how far a cause can be trusted.
type Confidence = confidence.Level

// The levels of confidence.
const (
	High   = confidence.High
	Medium = confidence.Medium // the total did not move, samples are missing, it is a single label, or another choice of values fits as well
	Low    = confidence.Low    // chance could explain it
)

// Result is the answer of [Run].
type Result struct {
	Verdict    Verdict
	Causes     []Cause     // best first
	Dimensions []Dimension // every label, the most surprising first

	Forecast, Actual float64 // totals; for a ratio, its expected and actual numerator
	// For a ratio: the ratio of its parts before and now.
	RatioBefore, RatioNow float64

	Gross      bool    // the total did not move: shares are of the gross movement
	NoBaseline bool    // there was nothing before
	Phi, Kappa float64 // noise of the leaves, see grescan.Noise
}

// Combination is a value for each of some labels.
type Combination struct {
	Labels []int // ascending
	Values []int32
}

// Cause is a set of combinations that act together.
type Cause struct {
	Combinations []Combination
	Method       string // adtributor or grescan
	Confidence   Confidence

	Share            float64 // of the change of the total; 0 if that did not move
	Forecast, Actual float64
	Ratio            float64 // actual / forecast; 0 without a forecast
	Leaves           int     // 0 if only marginals are known
	Partial          int     // leaves with missing samples

	Score     float64 // of its method
	Bar       float64 // score that chance hardly reaches; 0: the method has none
	R2        float64 // homogeneity: share of its deviance that one common ratio explains
	Surprise  float64 // bits; for a set of one label
	Rate, Mix float64 // for a ratio: shares of its change by worse parts, and by traffic
	Appeared  bool    // it did not exist before
	Vanished  bool    // it does not exist now
	Rollover  bool    // one value replaced another
}

// Reason says why a label gives no causes.
type Reason int

// The reasons.
const (
	None      Reason = iota // it may give causes
	Constant                // it has one value
	Alias                   // equivalent to an earlier label
	Volatile                // most of its values come and go
	OnlyShown               // the caller wants only its table
	Surplus                 // there are enough more surprising labels
)

// Dimension is the measure by one label.
type Dimension struct {
	Label int
	adtributor.Table
	Reason Reason
}
