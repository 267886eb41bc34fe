// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"regexp"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// truth is what a good first line names.
type truth struct {
	labels  map[string]string // of the place; a value "/x" matches all values that end in it
	implied map[string]string // labels that may stand beside them and say nothing
	series  string            // matches the names of correct candidates
}

// anything is an implied label's value that differs from run to run.
const anything = "*"

// The verdicts.
const (
	isTrue  = "true"    // it names the place or a correct series, and nothing else
	useless = "useless" // it names nothing, and nothing false
	isFalse = "false"   // it confidently names something else
)

// line is a first line with its verdict.
type line struct {
	fault  fault
	time   int // first or second
	at     time.Time
	rule   string // which culprit
	text   string
	judged string
}

// read takes over a culprit's report.
func (l *line) read(r report.Report, err error) {
	if err != nil {
		l.text, l.judged = err.Error(), useless
		return
	}
	l.text, l.judged = r.Summary, l.fault.truth.judge(r)
}

// judge rates a report's first line. Each confident cause that it names must be right; a line
// without any is true if it names the place.
func (t truth) judge(r report.Report) string {
	worth := useless
	switch {
	case r.Result.Verdict != analysis.NoConfidentCause && t.named(r.Summary):
		worth = isTrue
	case r.Result.Verdict == analysis.External, r.Result.Verdict == analysis.NoChange:
		worth = isFalse // every fault is in one place and moves something
	}
	for _, c := range r.Result.Causes {
		if !report.Confident(c) || !said(r.Summary, c) {
			continue
		}
		switch t.judgeCause(c) {
		case isFalse:
			return isFalse
		case isTrue:
			worth = isTrue
		}
	}
	return worth
}

// said reports whether the first line names a cause.
func said(summary string, c analysis.Finding) bool {
	if c.Kind == analysis.KindSeries {
		name, _, _ := strings.Cut(c.Series, "{")
		return strings.Contains(summary, name)
	}
	for _, set := range c.Labels {
		for name, value := range set {
			if strings.Contains(summary, name+"="+value) {
				return true
			}
		}
	}
	return false
}

// judgeCause rates naming a cause.
func (t truth) judgeCause(c analysis.Finding) string {
	if c.Kind == analysis.KindSeries {
		if regexp.MustCompile(t.series).MatchString(c.Series + " " + c.Metric) {
			return isTrue
		}
		return isFalse
	}
	worth := useless
	for _, set := range c.Labels {
		for name, value := range set {
			switch {
			case t.has(name, value):
				worth = isTrue
			case t.implied[name] != value && t.implied[name] != anything:
				return isFalse
			}
		}
	}
	return worth
}

func (t truth) has(name, value string) bool {
	want, known := t.labels[name]
	return known && (value == want || strings.HasPrefix(want, "/") && strings.HasSuffix(value, want))
}

// named reports whether a text has a label of the place.
func (t truth) named(text string) bool {
	for name, value := range t.labels {
		if regexp.MustCompile(regexp.QuoteMeta(name) + `="?[^ ,"]*` + regexp.QuoteMeta(value)).MatchString(text) {
			return true
		}
	}
	return false
}

// printLines prints every first line, and how many have each verdict.
func printLines(w io.Writer, lines []line) {
	count := map[string]map[string]int{}
	for _, l := range lines {
		fmt.Fprintf(w, "%-17s %d  %s  %-9s %-7s  %s\n", l.fault.name, l.time, l.at.Format(time.TimeOnly), l.rule, l.judged, l.text)
		if count[l.rule] == nil {
			count[l.rule] = map[string]int{}
		}
		count[l.rule][l.judged]++
	}
	for rule, n := range count {
		fmt.Fprintf(w, "%s: %d true, %d useless, %d false of %d\n", rule, n[isTrue], n[useless], n[isFalse], n[isTrue]+n[useless]+n[isFalse])
	}
}
