package analysis

import (
	"errors"
	"fmt"
	"math"
	"slices"

	"github.com/culprit-dev/culprit/analysis/order"
)

// check looks for what no analysis can work with. It is a defect of the caller
// and not of the data.
func (f Frame) check() error {
	if len(f.Targets) == 0 {
		return errors.New("there is no KPI to explain: the query of the target has returned nothing")
	}
	if !slices.IsSorted(f.Times) {
		return errors.New("the samples are not in the order of time")
	}
	for _, t := range f.Targets {
		if t.Values != nil && len(t.Values) != len(f.Times) {
			return fmt.Errorf("the target %q has %d samples on an axis of %d", t.Name, len(t.Values), len(f.Times))
		}
		for _, s := range t.Candidates {
			if len(s.Values) != len(f.Times) {
				return fmt.Errorf("the candidate %q has %d samples on an axis of %d", s.Name, len(s.Values), len(f.Times))
			}
		}
	}
	return nil
}

// fewSamples are too few for a median to be what set an alert off: the incident
// may have been stretched into the time before it to have that many.
const fewSamples = 4

// levels returns the level of a series before the incident, a median, and now,
// the median of the last samples, or the last of a few; and whether there are
// any. What rises while the alert waits is told as high as it has come.
func (f Frame) levels(values []float64) (before, after float64, ok bool) {
	var calm, incident []float64
	for i, v := range values {
		switch {
		case math.IsNaN(v) || math.IsInf(v, 0):
		case f.Times[i] < f.Onset:
			calm = append(calm, v)
		case f.End == 0 || f.Times[i] <= f.End:
			incident = append(incident, v)
		}
	}
	if len(calm) == 0 || len(incident) == 0 {
		return 0, 0, false
	}
	after = incident[len(incident)-1]
	if len(incident) > fewSamples {
		after = order.Median(incident[len(incident)-3:])
	}
	return order.MedianInPlace(calm), after, true
}
