// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// What a fresh machine has to download and compile.
const (
	downloadNote = "Go downloads the modules that Prometheus and Alertmanager are made of: about 165, with 190 MB. It does so once."
	compileNote  = "Go compiles them, which takes minutes the first time. Downloaded and compiled they take 1.8 GB of its caches."
)

// between is the least time between two lines that can't be overwritten.
const between = time.Second

// progress shows a person what the go command downloads and compiles: on one line of a terminal, or
// else a line once a second. Other output passes through.
type progress struct {
	w        io.Writer
	start    time.Time
	rewrites bool // w is a terminal
	total    int  // packages

	rest                 []byte // of an unfinished line
	downloaded, compiled int
	last                 time.Time // of the last line
	open                 bool      // the terminal line is unfinished
}

// Write takes the output of the go command.
func (p *progress) Write(text []byte) (int, error) {
	p.rest = append(p.rest, text...)
	for {
		i := bytes.IndexByte(p.rest, '\n')
		if i < 0 {
			return len(text), nil
		}
		p.line(string(p.rest[:i]))
		p.rest = p.rest[i+1:]
	}
}

func (p *progress) line(text string) {
	module, downloading := strings.CutPrefix(text, "go: downloading ")
	switch {
	case downloading:
		if p.downloaded++; p.downloaded == 1 {
			p.say("%s", downloadNote)
		}
		p.step(fmt.Sprintf("downloading, %d: %s", p.downloaded, module))
	case text != "" && !strings.ContainsAny(text, " :#"):
		if p.compiled++; p.compiled == 1 {
			p.say("%s", compileNote)
		}
		p.step(fmt.Sprintf("compiling, %d of at most %d packages: %s", p.compiled, p.total, text))
	default:
		p.end()
		fmt.Fprintln(p.w, text)
	}
}

// step shows the progress so far.
func (p *progress) step(text string) {
	switch {
	case p.rewrites:
		const width = 79 // a line that the terminal breaks could not be written over
		fmt.Fprintf(p.w, "\r\x1b[K%.*s", width, p.stamp()+text)
		p.open = true
	case time.Since(p.last) >= between:
		p.last = time.Now()
		fmt.Fprintln(p.w, p.stamp()+text)
	}
}

func (p *progress) say(format string, args ...any) {
	p.end()
	fmt.Fprintln(p.w, p.stamp()+fmt.Sprintf(format, args...))
}

func (p *progress) stamp() string { return fmt.Sprintf("%5.1fs  ", time.Since(p.start).Seconds()) }

// end finishes the line of a terminal.
func (p *progress) end() {
	if p.open {
		fmt.Fprintln(p.w)
		p.open = false
	}
}
