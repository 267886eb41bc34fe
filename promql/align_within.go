// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"math"
	"slices"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// on returns the labels of a series, extended by those that the region fixes.
func (r region) on(metric model.Metric) model.Metric {
	metric = metric.Clone()
	for _, m := range r {
		if _, ok := metric[model.LabelName(m.Name)]; !ok && m.Type == labels.MatchEqual && m.Value != "" {
			metric[model.LabelName(m.Name)] = model.LabelValue(m.Value)
		}
	}
	return metric
}

// relatives finds the series that narrowed ones are part of, so that a narrowed series equal to
// its whole is not listed again.
type relatives map[relation][]relative

// relation is the unnarrowed candidate, and the labels of a series in its answer.
type relation struct {
	query  string
	labels model.Fingerprint
}

type relative struct {
	name     string
	narrowed bool
	stream   *model.SampleStream
}

func (c Candidate) relation(s *model.SampleStream) relation {
	return relation{c.unscoped().key(), s.Metric.Fingerprint()}
}

// fresh drops the series of a narrowed candidate that exist already.
func (r relatives) fresh(c Candidate, m model.Matrix) model.Matrix {
	if c.scope == nil {
		return m
	}
	return slices.DeleteFunc(slices.Clone(m), func(s *model.SampleStream) bool {
		return slices.ContainsFunc(r[c.relation(s)], func(other relative) bool { return sameSamples(s, other.stream) })
	})
}

// sameSamples compares two series up to rounding: a sum with a single nonzero term may differ
// in its last bits.
func sameSamples(a, b *model.SampleStream) bool {
	return slices.EqualFunc(a.Values, b.Values, func(x, y model.SamplePair) bool {
		v, w := float64(x.Value), float64(y.Value)
		return x.Timestamp == y.Timestamp && (math.Abs(v-w) <= 1e-9*math.Abs(w) || v == w || math.IsNaN(v) && math.IsNaN(w))
	})
}

// add records a series under its name, and returns the name of its whole; empty: none.
func (r relatives) add(c Candidate, s *model.SampleStream, name string) (whole string) {
	key := c.relation(s)
	if c.scope != nil && len(r[key]) > 0 && !r[key][0].narrowed {
		whole = r[key][0].name
	}
	r[key] = append(r[key], relative{name, c.scope != nil, s})
	return whole
}
