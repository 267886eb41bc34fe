// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"math"
	"testing"
)

// processes are the writes of several processes on one host, one of which always writes, and
// another only from the incident on. With services each is its own service.
func processes(metric int, services bool, after float64) Input {
	const rows, onset = 200, 185
	in := Input{Onset: onset}
	column := func(value func(i int) float64) []float64 {
		x := make([]float64, rows)
		for i := range x {
			x[i] = value(i)
		}
		return x
	}
	from := func(v float64, i int) float64 {
		if i < onset {
			return 0
		}
		return v
	}
	in.KPI.Values = column(func(i int) float64 { return 60 + math.Sin(float64(3*i)) - from(58, i) })
	for _, values := range [][]float64{
		column(func(i int) float64 { return from(after, i) }),
		column(func(i int) float64 { return 26_000 + 2000*math.Sin(float64(2*i)) }),
		column(func(int) float64 { return 0 }),
		column(func(int) float64 { return 0 }),
	} {
		s := Series{Values: values, Metric: metric}
		if services {
			s.Service = len(in.Series)
		}
		in.Series = append(in.Series, s)
	}
	return in
}

// The move of a series that was always 0 is measured by other series of its metric and service;
// without them, by how long it was 0.
func TestScaleOfConstantSeriesComesFromPeers(t *testing.T) {
	for _, c := range []struct {
		name     string
		metric   int
		services bool
		after    float64
		sure     bool
	}{
		{"a few bytes beside kilobytes", 1, false, 13.7, false},
		{"as much as another swings by", 1, false, 1500, false},
		{"far more than any other swings by", 1, false, 5e6, true},
		{"errors where a neighbour has more", 1, true, 1500, true},
		{"a metric of its own", 0, false, 13.7, true},
	} {
		r := Rank(processes(c.metric, c.services, c.after), Options{})
		clean(t, r)
		if sure := r.Confidence() != Low; sure != c.sure {
			t.Errorf("%s: confidence %v, %v times its noise", c.name, r.Confidence(), r.Causes[0].Dev)
		}
	}
}
