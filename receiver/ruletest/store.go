// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"

	"github.com/culprit-dev/culprit/receiver/find"
)

// store holds the series of one test in memory, sorted by labels.
type store []memorySeries

type memorySeries struct {
	labels  labels.Labels
	samples []chunks.Sample
}

var _ storage.Queryable = store(nil)

// newStore parses the series of a test. The first value is at the Unix epoch.
func newStore(series []InputSeries, interval time.Duration) (store, error) {
	var s store
	for i, in := range series {
		ls, samples, err := readSeries(in, interval)
		if err != nil {
			return nil, fmt.Errorf("input_series[%d]: %w", i, err)
		}
		s = append(s, memorySeries{ls, samples})
	}
	slices.SortStableFunc(s, func(a, b memorySeries) int { return labels.Compare(a.labels, b.labels) })
	for i := range s[:max(0, len(s)-1)] {
		if labels.Equal(s[i].labels, s[i+1].labels) {
			return nil, fmt.Errorf("input_series: %s is given twice", s[i].labels)
		}
	}
	return s, nil
}

func readSeries(in InputSeries, interval time.Duration) (labels.Labels, []chunks.Sample, error) {
	ls, values, err := find.QueryParser().ParseSeriesDesc(in.Series + " " + in.Values)
	if err != nil {
		return ls, nil, err
	}
	var samples []chunks.Sample
	for i, v := range values {
		if !v.Omitted {
			samples = append(samples, sample{t: int64(i) * interval.Milliseconds(), f: v.Value, fh: v.Histogram})
		}
	}
	return ls, samples, nil
}

// sample is a value at a time.
type sample struct {
	t  int64
	f  float64
	fh *histogram.FloatHistogram
}

var _ chunks.Sample = sample{}

func (s sample) T() int64                { return s.t }
func (s sample) ST() int64               { return 0 }
func (s sample) F() float64              { return s.f }
func (s sample) H() *histogram.Histogram { return nil }

// FH returns a copy: the engine adds histograms in place.
func (s sample) FH() *histogram.FloatHistogram {
	if s.fh == nil {
		return nil
	}
	return s.fh.Copy()
}

func (s sample) Type() chunkenc.ValueType {
	if s.fh != nil {
		return chunkenc.ValFloatHistogram
	}
	return chunkenc.ValFloat
}

func (s sample) Copy() chunks.Sample {
	if s.fh != nil {
		s.fh = s.fh.Copy()
	}
	return s
}

// Querier implements storage.Queryable.
func (s store) Querier(start, end int64) (storage.Querier, error) {
	return querier{store: s, start: start, end: end}, nil
}

// querier sees the series with a sample in a time range.
type querier struct {
	store      store
	start, end int64
}

// matching returns the series that match.
func (q querier) matching(ms []*labels.Matcher) []memorySeries {
	var found []memorySeries
	for _, s := range q.store {
		fits := !slices.ContainsFunc(ms, func(m *labels.Matcher) bool { return !m.Matches(s.labels.Get(m.Name)) })
		if fits && s.within(q.start, q.end) {
			found = append(found, s)
		}
	}
	return found
}

func (s memorySeries) within(start, end int64) bool {
	i, _ := slices.BinarySearchFunc(s.samples, start, func(c chunks.Sample, t int64) int {
		return int(min(1, max(-1, c.T()-t)))
	})
	return i < len(s.samples) && s.samples[i].T() <= end
}

// Select implements storage.Querier.
func (q querier) Select(_ context.Context, _ bool, _ *storage.SelectHints, ms ...*labels.Matcher) storage.SeriesSet {
	set := &seriesSet{}
	for _, s := range q.matching(ms) {
		set.series = append(set.series, storage.NewListSeries(s.labels, s.samples))
	}
	return set
}

// LabelValues implements storage.Querier.
func (q querier) LabelValues(_ context.Context, name string, _ *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	var values []string
	for _, s := range q.matching(ms) {
		if v := s.labels.Get(name); v != "" {
			values = append(values, v)
		}
	}
	slices.Sort(values)
	return slices.Compact(values), nil, nil
}

// LabelNames implements storage.Querier.
func (q querier) LabelNames(_ context.Context, _ *storage.LabelHints, ms ...*labels.Matcher) ([]string, annotations.Annotations, error) {
	var names []string
	for _, s := range q.matching(ms) {
		s.labels.Range(func(l labels.Label) { names = append(names, l.Name) })
	}
	slices.Sort(names)
	return slices.Compact(names), nil, nil
}

// Close implements storage.Querier.
func (q querier) Close() error { return nil }

// seriesSet iterates over series.
type seriesSet struct {
	series []storage.Series
	next   int
}

func (s *seriesSet) Next() bool {
	s.next++
	return s.next <= len(s.series)
}

func (s *seriesSet) At() storage.Series                { return s.series[s.next-1] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }
