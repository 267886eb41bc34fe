// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"sync"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/prometheus/common/model"
)

// one reads one series, and keeps it once it is complete.
func (s *stream) one() error {
	var metric model.Metric
	histogram := false
	s.points = s.points[:0]
	err := s.object(func(name string) (err error) {
		switch name {
		case "metric":
			metric, err = s.metric()
		case "value":
			s.shape = "vector"
			err = s.point()
		case "values":
			s.shape = "matrix"
			err = s.list(s.point)
		case "histogram", "histograms":
			histogram = true
			err = s.dec.SkipValue()
		default:
			err = s.dec.SkipValue()
		}
		return err
	})
	if err != nil {
		return err
	}
	if histogram && len(s.points) == 0 {
		s.histograms++
		return nil
	}
	s.series = append(s.series, &model.SampleStream{Metric: metric, Values: slices.Clone(s.points)})
	return nil
}

func (s *stream) metric() (model.Metric, error) {
	raw, err := s.dec.ReadValue()
	if err != nil {
		return nil, err
	}
	return s.metrics.of(raw)
}

// point reads [seconds, "value"].
func (s *stream) point() error {
	raw, err := s.dec.ReadValue()
	if err != nil {
		return err
	}
	p, err := pairOf(raw)
	if err != nil {
		return err
	}
	if s.samples++; s.most.Samples > 0 && s.samples > s.most.Samples {
		s.cut = &Cut{What: fmt.Sprintf("it has more than %d samples, which is the most of one answer; hint: aggregate more in the query", s.most.Samples)}
		return errStop
	}
	s.points = append(s.points, p)
	return nil
}

// pairOf parses a sample from well-formed JSON.
func pairOf(raw jsontext.Value) (p model.SamplePair, err error) {
	bad := func() (model.SamplePair, error) {
		return p, &badAnswer{fmt.Sprintf("%.100q is not a sample, which is [seconds, \"value\"]", []byte(raw))}
	}
	if raw.Kind() != '[' {
		return bad()
	}
	at, value, _ := bytes.Cut(raw[1:len(raw)-1], []byte(","))
	if p.Timestamp, err = timeOf(bytes.TrimSpace(at)); err != nil {
		return bad()
	}
	if p.Value, err = valueOf(bytes.TrimSpace(value)); err != nil {
		return bad()
	}
	return p, nil
}

// timeOf parses seconds, to the millisecond.
func timeOf(text []byte) (model.Time, error) {
	seconds, err := strconv.ParseFloat(string(text), 64)
	ms := math.Round(seconds * 1e3)
	if err != nil || math.Abs(ms) > 1<<53 {
		return 0, strconv.ErrRange
	}
	return model.Time(ms), nil
}

// valueOf parses a quoted number, including NaN and infinities.
func valueOf(text []byte) (model.SampleValue, error) {
	if len(text) < 2 || text[0] != '"' {
		return 0, strconv.ErrSyntax
	}
	inner := text[1 : len(text)-1]
	if bytes.ContainsAny(inner, `\",`) {
		var err error
		if inner, err = jsontext.AppendUnquote(nil, text); err != nil {
			return 0, err
		}
	}
	v, err := strconv.ParseFloat(string(inner), 64)
	return model.SampleValue(v), err
}

// result returns the value that was read.
func (s *stream) result() (model.Value, error) {
	if s.kind == "" && s.cut != nil { // the type would have followed the series
		s.kind = s.shape
	}
	switch s.kind {
	case "matrix":
		return model.Matrix(s.series), nil
	case "vector":
		return s.vector()
	case "scalar":
		return s.scalar()
	case "string": // nobody queries strings
		return &model.String{}, nil // nobody asks for one
	default:
		return nil, malformed(&badAnswer{fmt.Sprintf("a result of the type %.40q", s.kind)})
	}
}

func (s *stream) vector() (model.Value, error) {
	v := make(model.Vector, 0, len(s.series))
	for _, one := range s.series {
		if len(one.Values) != 1 {
			return nil, malformed(&badAnswer{fmt.Sprintf("%d values of one series at one instant", len(one.Values))})
		}
		v = append(v, &model.Sample{Metric: one.Metric, Value: one.Values[0].Value, Timestamp: one.Values[0].Timestamp})
	}
	return v, nil
}

func (s *stream) scalar() (model.Value, error) {
	if len(s.parts) != 2 {
		return nil, malformed(&badAnswer{"a scalar without a time and a value"})
	}
	at, err := timeOf(s.parts[0])
	if err != nil {
		return nil, malformed(&badAnswer{"a scalar without a time"})
	}
	value, err := valueOf(s.parts[1])
	if err != nil {
		return nil, malformed(&badAnswer{"a scalar without a value"})
	}
	return &model.Scalar{Timestamp: at, Value: value}, nil
}

// mostMetrics bounds the JSON of each of the two generations of label sets.
const mostMetrics = 4 << 20 // bytes; as maps they take about four times that

// metrics shares label sets between responses: the pieces of a breakdown have the same series,
// and labels are most of the memory of an instant query. They are read-only. It is safe for
// concurrent use.
type metrics struct {
	mu       sync.Mutex
	now, old map[string]model.Metric // by JSON
	size     int                     // bytes of the keys of now
}

func newMetrics() *metrics { return &metrics{now: map[string]model.Metric{}} }

// of returns the label set of a JSON object.
func (m *metrics) of(raw []byte) (model.Metric, error) {
	if known, ok := m.known(raw); ok {
		return known, nil
	}
	var metric model.Metric
	if err := json.Unmarshal(raw, &metric); err != nil {
		return nil, &badAnswer{fmt.Sprintf("%.100q is not a label set", raw)}
	}
	m.keep(string(raw), metric)
	return metric, nil
}

func (m *metrics) known(raw []byte) (model.Metric, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if known, ok := m.now[string(raw)]; ok {
		return known, true
	}
	known, ok := m.old[string(raw)]
	return known, ok
}

// keep remembers a label set. When it is full, it drops the older generation.
func (m *metrics) keep(key string, metric model.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.size > mostMetrics {
		m.now, m.old, m.size = map[string]model.Metric{}, m.now, 0
	}
	m.now[key] = metric
	m.size += len(key)
}
