// SPDX-License-Identifier: Apache-2.0

package promapi

import (
	"encoding/json"
	"strconv"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
)

// encodeValue encodes the result of a query as JSON. Points are written by hand: a range query
// has hundreds of thousands of them, and reflection would take longer than the query.
func encodeValue(v parser.Value) []byte {
	b := append([]byte(`{"resultType":"`), v.Type()...)
	b = append(b, `","result":`...)
	switch v := v.(type) {
	case promql.Matrix:
		b = appendList(b, len(v), func(b []byte, i int) []byte { return appendSeries(b, v[i]) })
	case promql.Vector:
		b = appendList(b, len(v), func(b []byte, i int) []byte { return appendSample(b, v[i]) })
	default: // a scalar or a string
		b = appendJSON(b, v)
	}
	return append(b, '}')
}

// appendList appends n elements as an array.
func appendList(b []byte, n int, element func([]byte, int) []byte) []byte {
	b = append(b, '[')
	for i := range n {
		if i > 0 {
			b = append(b, ',')
		}
		b = element(b, i)
	}
	return append(b, ']')
}

// appendSeries appends one series of a range query.
func appendSeries(b []byte, s promql.Series) []byte {
	b = appendJSON(append(b, `{"metric":`...), s.Metric)
	if len(s.Floats) > 0 {
		b = append(b, `,"values":`...)
		b = appendList(b, len(s.Floats), func(b []byte, i int) []byte {
			return appendPoint(b, s.Floats[i].T, s.Floats[i].F)
		})
	}
	if len(s.Histograms) > 0 {
		b = appendJSON(append(b, `,"histograms":`...), s.Histograms)
	}
	return append(b, '}')
}

// appendSample appends one series of an instant query.
func appendSample(b []byte, s promql.Sample) []byte {
	if s.H != nil {
		return appendJSON(b, s)
	}
	b = appendJSON(append(b, `{"metric":`...), s.Metric)
	b = appendPoint(append(b, `,"value":`...), s.T, s.F)
	return append(b, '}')
}

// appendPoint appends [seconds,"value"].
func appendPoint(b []byte, ms int64, value float64) []byte {
	b = append(b, '[')
	b = strconv.AppendFloat(b, float64(ms)/1000, 'f', -1, 64)
	b = append(b, `,"`...)
	b = strconv.AppendFloat(b, value, 'f', -1, 64)
	return append(b, `"]`...)
}

// appendJSON appends v as the standard encoder does. The types of the engine always encode.
func appendJSON(b []byte, v any) []byte {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return append(b, text...)
}
