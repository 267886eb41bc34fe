// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	smallAnswer = 4 << 20 // bytes from which on a response counts as large
	mostText    = 1 << 20 // bytes of one label set, number or text
)

var (
	errBytes = errors.New("too many bytes")
	errText  = &badAnswer{"a label set or a text of over a megabyte"}
)

// Cut is the error of a response that exceeded a limit.
type Cut struct {
	Series int    // number read completely, and kept
	What   string // which limit, and the key to raise
}

// Error says what was cut.
func (e *Cut) Error() string { return "the answer was cut: " + e.What }

// meter counts the bytes read and stops at the limit. It waits for its turn before it reads on
// in a large response.
type meter struct {
	r     io.Reader
	ctx   context.Context
	most  int64
	large chan struct{}

	read    int64
	decoded func() int64 // bytes that the decoder has consumed; nil: unknown
	turn    bool         // large is held
	failed  error        // error of the reader, except EOF
}

func (c *Client) meter(ctx context.Context, r io.Reader, most int64) *meter {
	return &meter{r: r, ctx: ctx, most: most, large: c.large}
}

// Read implements io.Reader.
func (m *meter) Read(p []byte) (int, error) {
	if err := m.allow(); err != nil {
		m.failed = err
		return 0, err
	}
	n, err := m.r.Read(p)
	m.read += int64(n)
	if err != nil && !errors.Is(err, io.EOF) {
		m.failed = err
		if cause := m.ctx.Err(); cause != nil {
			m.failed = cause
		}
	}
	return n, err
}

func (m *meter) allow() error {
	switch {
	case m.read > m.most:
		return errBytes
	case m.decoded != nil && m.read-m.decoded() > mostText:
		return errText
	case m.read > smallAnswer && !m.turn:
		select {
		case m.large <- struct{}{}:
			m.turn = true
		case <-m.ctx.Done():
			return m.ctx.Err()
		}
	}
	return nil
}

// close lets the next large response be read.
func (m *meter) close() {
	if m.turn {
		<-m.large
		m.turn = false
	}
}

func (m *meter) said() string {
	return fmt.Sprintf("it has over %d bytes; hint: ask for less, or raise prometheus.max_bytes", m.most)
}
