// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"context"
	"errors"
	"fmt"
	"io"
)

const (
	smallAnswer = 4 << 20 // bytes from which on an answer is a large one
	mostText    = 1 << 20 // bytes of one label set, number or text
)

var (
	errBytes = errors.New("too many bytes")
	errText  = &badAnswer{"a label set or a text of over a megabyte"}
)

// Cut is the error of an answer that was larger than what is read of one.
type Cut struct {
	Series int    // that were read whole, and are kept
	What   string // there was more of, and the key to raise
}

// Error says what was cut.
func (e *Cut) Error() string { return "the answer was cut: " + e.What }

// meter counts what is read, and ends it at the bound. Before it reads more of a
// large answer it waits for its turn.
type meter struct {
	r     io.Reader
	ctx   context.Context
	most  int64
	large chan struct{}

	read    int64
	decoded func() int64 // bytes of which nothing is kept back any more; nil: not known
	turn    bool         // large is held
	failed  error        // of the reader, other than its end
}

func (c *Client) meter(ctx context.Context, r io.Reader, most int64) *meter {
	return &meter{r: r, ctx: ctx, most: most, large: c.large}
}

// Read is part of io.Reader.
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

// close lets the next one read a large answer.
func (m *meter) close() {
	if m.turn {
		<-m.large
		m.turn = false
	}
}

func (m *meter) said() string {
	return fmt.Sprintf("it has over %d bytes; hint: ask for less, or raise prometheus.max_bytes", m.most)
}
