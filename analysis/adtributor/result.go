// SPDX-License-Identifier: Apache-2.0

package adtributor

// Ids of elements that stand for no single value. They count in totals and are never
// candidates.
const (
	Other   int32 = -1 // elements beyond Options.Fold
	Missing int32 = -2 // what the dimension's elements lack of the total
)

// Result is the answer of [Explain].
type Result struct {
	Forecast, Actual float64 // of the total; for a ratio, the ratio
	Sets             []Set   // accepted sets, best first
	Tables           []Table // one per dimension, in input order

	NoChange   bool // the total equals its forecast, and so does every element
	Gross      bool // the total did not move: EP is a share of Σ|A−F|
	NoBaseline bool // the forecast total is 0
	Outage     bool // everything stopped: no label explains it, and Sets is empty
	External   bool // the best set is uniform: everything moved alike
	TrafficMix bool // a ratio moved although no element of some dimension changed its own
}

// Set is a set of elements of one dimension.
type Set struct {
	Dimension int
	Elements  []int32 // by surprise, the greatest first
	Core      int     // length of the prefix that explains enough: the published answer
	Accepted  bool    // it explains more than Options.SetShare

	EP            float64 // share of the change
	Surprise      float64 // bits
	Adjusted      float64 // bits, minus the surprise expected by chance for such small counts
	ForecastShare float64 // of the total
	Rollover      bool    // one value replaced another
	Uniform       bool    // not selective: the rest moved alike, or chance explains it
}

// Table is the measure split by one dimension.
type Table struct {
	Elements   []Element // by surprise, the greatest first
	Set        Set       // the dimension's candidate, accepted or not
	Surprise   float64   // bits, of the whole dimension
	Offsetting []int32   // elements that moved against the total, by surprise
	Masking    float64   // Σ|Δ| / |ΣΔ|; 1 if nothing moves against the total; 0 if ΣΔ is 0
	Churn      float64   // share of the values that exist in only one window
	Volatile   bool      // most values come and go, like names of pods
	Rollover   bool      // one value vanished and another appeared
	Folded     int       // elements in Other
	Excess     float64   // by which the elements exceed the total, relative to it
	AliasOf    int       // an equivalent earlier dimension; -1: none
	Exact      bool      // for a ratio: EP is the exact split, because equation 8 has no stable sum
}

// Element is one value of a dimension.
type Element struct {
	ID               int32 // index in the dimension, or Other, or Missing
	Forecast, Actual float64
	ForecastDen      float64 // of a ratio
	ActualDen        float64
	EP               float64 // share of the change
	Surprise         float64 // bits
	Rate, Mix        float64 // for a ratio: shares of the change due to its own ratio, and to its traffic
	Appeared         bool    // it has no forecast
	Vanished         bool    // it has no actual value
}
