// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"unicode/utf8"
)

// scanner reads JSON from a stream, value by value, in bounded memory: encoding/json would hold a
// whole array or string, however long. It only tracks brackets and quotes; malformed values show
// when they are unmarshalled.
type scanner struct {
	r      *bufio.Reader
	escape [len(`\u0000`)]byte // the last one read
}

func newScanner(r io.Reader) *scanner { return &scanner{r: bufio.NewReaderSize(r, 64<<10)} }

var errNoJSON = errors.New("this is not JSON")

// maxKey bounds the name of an object's member, in bytes.
const maxKey = 4 << 10

// object reads an object. It calls member at each value, which must read it.
func (s *scanner) object(member func(name string) error) error {
	return s.list('{', '}', func() error {
		raw, fits, err := s.value(bounds{value: maxKey})
		if err != nil {
			return err
		}
		var name string
		if !fits || json.Unmarshal(raw, &name) != nil {
			return fmt.Errorf("%w: the name of a member can't be read", errNoJSON)
		}
		if err := s.expect(':'); err != nil {
			return err
		}
		return member(name)
	})
}

// array reads an array. It calls element at each value, which must read it. null counts as an empty
// array.
func (s *scanner) array(element func() error) error {
	if c, err := s.peek(); err == nil && c == 'n' {
		return s.skip()
	}
	return s.list('[', ']', element)
}

// list reads comma-separated values.
func (s *scanner) list(open, end byte, one func() error) error {
	if err := s.expect(open); err != nil {
		return err
	}
	c, err := s.peek()
	if err == nil && c == end {
		return s.expect(end)
	}
	for err == nil {
		if err = one(); err != nil {
			break
		}
		if c, err = s.next(); err != nil || c == end {
			break
		}
		if c != ',' {
			err = fmt.Errorf("%w: %q instead of a comma or %q", errNoJSON, c, end)
		}
	}
	return err
}

// end accepts only white space until the end of the stream.
func (s *scanner) end() error {
	c, err := s.peek()
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return nil
	}
	if err != nil {
		return err
	}
	return fmt.Errorf("%w: %q after the end", errNoJSON, c)
}

// peek returns the next byte that is not white space, without consuming it.
func (s *scanner) peek() (byte, error) {
	c, err := s.next()
	if err != nil {
		return 0, err
	}
	return c, s.r.UnreadByte()
}

// next returns the next byte that is not white space.
func (s *scanner) next() (byte, error) {
	for {
		c, err := s.byte()
		if err != nil || c != ' ' && c != '\t' && c != '\n' && c != '\r' {
			return c, err
		}
	}
}

// byte returns the next byte, or io.ErrUnexpectedEOF.
func (s *scanner) byte() (byte, error) {
	c, err := s.r.ReadByte()
	if errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF
	}
	return c, err
}

func (s *scanner) expect(want byte) error {
	c, err := s.next()
	if err == nil && c != want {
		err = fmt.Errorf("%w: %q instead of %q", errNoJSON, c, want)
	}
	return err
}

// bounds limit what is kept of a value, in bytes.
type bounds struct {
	value int // the whole value; a larger one does not fit
	text  int // each string; the rest is cut off and marked. 0: unlimited
}

// skip reads a value and discards it.
func (s *scanner) skip() error {
	_, _, err := s.value(bounds{})
	return err
}

// value reads a value, and returns its bytes if they fit.
func (s *scanner) value(b bounds) (raw []byte, fits bool, err error) {
	out := kept{bounds: b}
	depth := 0
	c, err := s.next()
	for err == nil {
		switch c {
		case '"':
			err = s.text(&out)
		case '{', '[':
			depth++
			out.add(c)
		case '}', ']':
			depth--
			out.add(c)
		default:
			out.add(c)
		}
		if err != nil || depth < 0 {
			break
		}
		if depth == 0 && (c == '"' || c == '}' || c == ']' || s.atDelimiter()) {
			return out.raw, !out.over, nil
		}
		c, err = s.byte()
	}
	if err == nil {
		err = fmt.Errorf("%w: %q without a beginning", errNoJSON, c)
	}
	return nil, false, err
}

// atDelimiter reports whether a number or literal ends here.
func (s *scanner) atDelimiter() bool {
	c, err := s.r.Peek(1)
	return err != nil || bytes.IndexByte([]byte(",:]} \t\r\n"), c[0]) >= 0
}

// text reads the rest of a string, after its opening quote.
func (s *scanner) text(out *kept) error {
	out.add('"')
	begin, size := len(out.raw), 0
	for {
		plain, err := s.plain()
		if err != nil {
			return err
		}
		if len(plain) > 0 {
			out.addText(plain, size)
			size += len(plain)
			_, _ = s.r.Discard(len(plain)) // it is buffered
			continue
		}
		piece, err := s.piece()
		if err != nil {
			return err
		}
		if len(piece) == 1 {
			out.close(begin, size)
			return nil
		}
		if size += len(piece); out.text == 0 || size <= out.text {
			out.add(piece...)
		}
	}
}

// plain returns the buffered part of a string up to a quote or an escape.
func (s *scanner) plain() ([]byte, error) {
	if _, err := s.byte(); err != nil {
		return nil, err
	}
	_ = s.r.UnreadByte() // just read
	ready, _ := s.r.Peek(s.r.Buffered())
	for i, c := range ready { // one pass for both: two searches would rescan the whole buffer for each escape
		if c == '"' || c == '\\' {
			return ready[:i], nil
		}
	}
	return ready, nil
}

// piece reads a quote or a complete escape. The result is valid until the next call.
func (s *scanner) piece() ([]byte, error) {
	piece := s.escape[:0]
	for len(piece) == 0 || len(piece) < escapeLen(piece) {
		c, err := s.byte()
		if err != nil {
			return nil, err
		}
		piece = append(piece, c)
	}
	return piece, nil
}

// escapeLen is the full length of a quote or escape that begins like this.
func escapeLen(piece []byte) int {
	switch {
	case piece[0] != '\\':
		return 1
	case len(piece) > 1 && piece[1] == 'u':
		return len(`\u0000`)
	default:
		return len(`\n`)
	}
}

// kept collects a value within bounds.
type kept struct {
	bounds
	raw  []byte
	over bool
}

func (k *kept) add(c ...byte) {
	if k.over = k.over || len(k.raw)+len(c) > k.value; !k.over {
		k.raw = append(k.raw, c...)
	}
}

// addText adds part of a string, at offset at, as far as the bound allows.
func (k *kept) addText(part []byte, at int) {
	if k.text > 0 {
		part = part[:max(0, min(len(part), k.text-at))]
	}
	k.add(part...)
}

// close ends a string of size bytes that began at begin. If it was cut, an incomplete character is
// dropped and a mark is added.
func (k *kept) close(begin, size int) {
	if k.text > 0 && size > k.text && !k.over {
		whole := len(k.raw)
		for whole > begin && whole > len(k.raw)-utf8.UTFMax && !utf8.Valid(k.raw[begin:whole]) {
			whole--
		}
		k.raw = k.raw[:whole]
		mark, _ := json.Marshal(cutMark(size))
		k.add(mark[1 : len(mark)-1]...)
	}
	k.add('"')
}

// cutMark ends a text that was cut.
func cutMark(size int) string { return fmt.Sprintf("… (cut by culprit: it has %d bytes)", size) }
