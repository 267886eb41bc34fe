// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"
)

// progress tells a person how far a long piece of work has come, how long it
// will take, and what it costs: on one line of a terminal, or elsewhere on a line
// each time that another tenth is done.
type progress struct {
	w        io.Writer
	total    int
	start    time.Time
	cost     func() string
	rewrites bool // w is a terminal

	mu    sync.Mutex
	count int
}

// done says that one more is done.
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
		// A line that the terminal breaks could not be written over.
		over(p.w)
		fmt.Fprint(p.w, (&dimensionsTable{}).cut(text, answerWidth-1))
		return
	}
	fmt.Fprintln(p.w, text)
}

// line is what is shown after a time.
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

// end leaves the line of a terminal.
func (p *progress) end() {
	if p.rewrites && p.count > 0 {
		fmt.Fprintln(p.w)
	}
}
