// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// plot says what is broken, or will be.
func (w *world) plot() string {
	what, when := "", "The shop breaks: "
	if in := time.Until(w.fault.Start); in > time.Second {
		when = fmt.Sprintf("In %s the shop breaks: ", in.Round(time.Second))
	}
	truth := w.fault.Truth()
	switch w.fault.Kind {
	case lab.Drop:
		what = fmt.Sprintf("the banks of %s decline, and its orders fall", w.fault.Region)
	case lab.Spike:
		what = fmt.Sprintf("%s of %s %s fails, after the connections of payment's database ran out",
			truth.Labels["path"], truth.Implied["service"], truth.Labels["version"])
	}
	return when + what
}

// show writes the result: one JSON value, or everything that a person got.
func show(out io.Writer, format string, s *seen) error {
	if format == "json" {
		raw := s.raw
		if len(raw) == 0 {
			raw = []byte("null")
		}
		var b bytes.Buffer
		if err := json.Indent(&b, raw, "", "  "); err != nil {
			return err
		}
		_, err := fmt.Fprintln(out, b.String())
		return err
	}
	_, err := io.WriteString(out, text(s))
	return err
}

// text is everything that a person got, in the order in which it came.
func text(s *seen) string {
	var b strings.Builder
	if s.message.Data != nil {
		a := s.message.Alerts[0]
		section(&b, fmt.Sprintf("The first message to people, %.1fs after the alert fired",
			s.message.At.Sub(a.StartsAt).Seconds()))
		for _, name := range []string{"alertname", "service"} {
			if value, ok := a.Labels[name]; ok {
				line(&b, name, value)
			}
		}
		for _, name := range []string{"summary", annotationSummary, annotationCauses, annotationReport} {
			line(&b, name, a.Annotations[name])
		}
	}
	if s.silence.ID != "" {
		section(&b, "The silence of "+s.silence.CreatedBy+", under the same id")
		line(&b, "comment", s.silence.Comment)
	}
	if s.note.ID != "" {
		section(&b, "The note of "+s.note.CreatedBy+", a silence that mutes nothing")
		line(&b, "comment", s.note.Comment)
	}
	if s.region.Method != "" {
		section(&b, "The call to Grafana")
		line(&b, s.region.Method, s.region.Path)
		line(&b, "body", s.region.Body)
	}
	if len(s.hook.body) > 0 {
		section(&b, "The recovery webhook, signed")
		line(&b, "incident", s.hook.payload.Incident.ID)
		line(&b, "summary", s.hook.payload.Incident.Summary)
	}
	if s.report.URL != "" {
		section(&b, "The report")
		line(&b, "page", s.report.URL)
		causes(&b, s.report)
	}
	if s.first.Summary != "" {
		section(&b, "The first time, 15 minutes before")
		line(&b, "summary", s.first.Summary)
		causes(&b, s.first)
	}
	section(&b, "Was it right?")
	for _, c := range s.checks {
		if c.err == nil {
			line(&b, "yes", c.claim)
		} else {
			line(&b, "NO", c.claim+": "+c.err.Error())
		}
	}
	return b.String()
}

// causes lists what a report found.
func causes(b *strings.Builder, r report.Report) {
	line(b, "verdict", string(r.Result.Verdict))
	for _, c := range r.Result.Causes {
		line(b, fmt.Sprintf("%d. %s", c.Rank, c.Confidence), c.Sentence)
	}
}

func section(b *strings.Builder, title string) { fmt.Fprintf(b, "\n%s\n", title) }

// line writes a name and a value; further lines of the value stand below its
// first.
func line(b *strings.Builder, name, value string) {
	const indent = 18
	for i, part := range slices.Collect(strings.SplitSeq(strings.TrimSpace(value), "\n")) {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(b, "  %-*s %s\n", indent, name, part)
	}
}
