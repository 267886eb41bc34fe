// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress prints how far a long task is, how long it will take, and its cost: on one line of a
// terminal, or elsewhere on a new line after every tenth.
type progress struct {
	w        io.Writer
	total    int
	start    time.Time
	cost     func() string
	rewrites bool // w is a terminal

	mu    sync.Mutex
	count int
}

// done counts one more.
func (p *progress) done(name string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.count++
	tenth := max(1, p.total/10)
	if !p.rewrites && p.count%tenth != 0 && p.count != p.total {
		return
	}
	text := p.line(time.Since(p.start), name)
	if p.rewrites {
		// A wrapped line could not be overwritten.
		over(p.w)
		fmt.Fprint(p.w, (&dimensionsTable{}).cut(text, answerWidth-1))
		return
	}
	fmt.Fprintln(p.w, text)
}

// line is the text after a time.
func (p *progress) line(elapsed time.Duration, name string) string {
	const width = 20
	filled := width * p.count / max(1, p.total)
	left := "done in " + elapsed.Round(100*time.Millisecond).String()
	if p.count < p.total {
		rest := time.Duration(float64(elapsed) / float64(p.count) * float64(p.total-p.count))
		left = "about " + rest.Round(time.Second).String() + " left"
	}
	return fmt.Sprintf("[%s%s] %d/%d, %s, %s: %s", strings.Repeat("█", filled), strings.Repeat("·", width-filled),
		p.count, p.total, left, p.cost(), strings.Map(printable, name))
}

// end leaves the terminal's line.
func (p *progress) end() {
	if p.rewrites && p.count > 0 {
		fmt.Fprintln(p.w)
	}
}
