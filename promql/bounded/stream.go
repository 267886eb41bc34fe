// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"errors"
	"fmt"
	"io"

	"github.com/go-json-experiment/json/jsontext"
	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// stream decodes a response while it arrives.
type stream struct {
	dec     *jsontext.Decoder
	in      *meter
	metrics *metrics
	most    Question

	status        string
	kind, shape   string // type of the result, by its name and by its series
	failure, text string // errorType and error
	warnings      []string

	series     []*model.SampleStream
	points     []model.SamplePair // of the current series
	samples    int                // of all series
	histograms int                // series with histograms only
	parts      []jsontext.Value   // of a scalar or a string
	cut        *Cut
}

// errStop ends the reading of a response at a limit.
var errStop = errors.New("cut")

func newStream(in *meter, metrics *metrics, q Question) *stream {
	s := &stream{in: in, metrics: metrics, most: q}
	s.dec = jsontext.NewDecoder(in, jsontext.AllowInvalidUTF8(true))
	in.decoded = s.dec.InputOffset
	return s
}

// value reads the response.
func (s *stream) value() (model.Value, []string, error) {
	err := s.object(s.envelope)
	if err == nil {
		err = s.end()
	}
	if errors.Is(err, errBytes) && len(s.series) > 0 {
		s.cut = &Cut{What: s.in.said()}
	}
	switch {
	case s.cut != nil:
	case errors.Is(err, errBytes):
		return nil, nil, &Cut{What: s.in.said()}
	case err != nil && s.in.failed != nil && !errors.Is(err, errText):
		return nil, nil, s.in.failed // the connection
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return nil, nil, fmt.Errorf("the answer has no end: %w", io.ErrUnexpectedEOF)
	case err != nil:
		return nil, nil, malformed(err)
	}
	if s.status == "error" {
		return nil, nil, Refused(v1.ErrorType(s.failure), s.text)
	}
	v, err := s.result()
	if s.histograms > 0 {
		s.warnings = append(s.warnings, "native histograms were left out; hint: take histogram_quantile, histogram_count or histogram_sum of them")
	}
	if err == nil && s.cut != nil {
		s.cut.Series = len(s.series)
		err = s.cut
	}
	return v, s.warnings, err
}

// object reads an object; field reads the value of each name.
func (s *stream) object(field func(name string) error) error {
	if err := s.open('{'); err != nil {
		return err
	}
	for {
		name, err := s.dec.ReadToken()
		if err != nil {
			return err
		}
		if name.Kind() == '}' {
			return nil
		}
		if err := field(name.String()); err != nil {
			return err
		}
	}
}

// end checks that nothing follows the response.
func (s *stream) end() error {
	t, err := s.dec.ReadToken()
	switch {
	case errors.Is(err, io.EOF):
		return nil
	case err != nil:
		return err
	}
	return &badAnswer{fmt.Sprintf("%s follows the answer", t.Kind())}
}

// list reads a list; element reads each of its values.
func (s *stream) list(element func() error) error {
	if err := s.open('['); err != nil {
		return err
	}
	for s.dec.PeekKind() != ']' {
		if err := element(); err != nil {
			return err
		}
	}
	_, err := s.dec.ReadToken()
	return err
}

func (s *stream) open(kind jsontext.Kind) error {
	t, err := s.dec.ReadToken()
	if err == nil && t.Kind() != kind {
		return &badAnswer{fmt.Sprintf("%s stands where there should be %s", t.Kind(), kind)}
	}
	return err
}

func (s *stream) envelope(name string) error {
	switch name {
	case "status":
		return s.string(&s.status)
	case "errorType":
		return s.string(&s.failure)
	case "error":
		return s.string(&s.text)
	case "warnings":
		return s.said()
	case "isPartial":
		return s.partial()
	case "data":
		if s.dec.PeekKind() == 'n' { // of an error
			return s.dec.SkipValue()
		}
		return s.object(s.data)
	default:
		return s.dec.SkipValue()
	}
}

// mostWarnings bounds the kept warnings of a server.
const mostWarnings = 20

func (s *stream) said() error {
	if s.dec.PeekKind() == 'n' {
		return s.dec.SkipValue()
	}
	return s.list(func() error {
		var w string
		err := s.string(&w)
		if len(s.warnings) < mostWarnings {
			s.warnings = append(s.warnings, short(w))
		}
		return err
	})
}

func (s *stream) partial() error {
	t, err := s.dec.ReadToken()
	if err == nil && t.Kind() == 't' {
		s.warnings = append(s.warnings, isPartial)
	}
	return err
}

func (s *stream) string(into *string) error {
	t, err := s.dec.ReadToken()
	if err != nil {
		return err
	}
	if t.Kind() != '"' {
		return &badAnswer{fmt.Sprintf("%s stands where there should be a text", t.Kind())}
	}
	*into = t.String()
	return nil
}

func (s *stream) data(name string) error {
	switch name {
	case "resultType":
		return s.string(&s.kind)
	case "result":
		if s.dec.PeekKind() == 'n' {
			return s.dec.SkipValue()
		}
		return s.list(s.element)
	default:
		return s.dec.SkipValue()
	}
}

// element reads a series, or a part of a scalar.
func (s *stream) element() error {
	if s.dec.PeekKind() != '{' {
		v, err := s.dec.ReadValue()
		if err == nil && len(s.parts) >= 2 {
			err = &badAnswer{"a scalar of more than a time and a value"}
		}
		s.parts = append(s.parts, v.Clone())
		return err
	}
	if s.most.Series == 0 || len(s.series) < s.most.Series {
		return s.one()
	}
	if s.cut != nil { // beyond the extra one that was requested
		return errStop
	}
	s.cut = &Cut{What: fmt.Sprintf("it has more than %d series; hint: aggregate more in the query, or raise prometheus.max_series", s.most.Series)}
	return s.dec.SkipValue()
}
