// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// plot says what is or will be broken.
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

// show writes the result: one JSON value, or the parts not printed yet and the verdict.
func (p *printer) show(format string, s *seen) error {
	if format == "json" {
		return showJSON(p.out, s)
	}
	p.update(s)
	p.print(verdict(s))
	return p.err
}

// showJSON writes the report, or why there is none.
func showJSON(out io.Writer, s *seen) error {
	raw := s.raw
	if len(raw) == 0 {
		why := "it was stopped before there was a report"
		if failed := s.failed(); len(failed) > 0 {
			why = fmt.Sprintf("%s: %v", failed[0].claim, failed[0].err)
		}
		var err error
		if raw, err = json.Marshal(map[string]string{"error": why}); err != nil {
			return err
		}
	}
	var b bytes.Buffer
	if err := json.Indent(&b, raw, "", "  "); err != nil {
		return err
	}
	_, err := fmt.Fprintln(out, b.String())
	return err
}

// printer prints each part of the result once, as soon as it exists.
type printer struct {
	out  io.Writer
	told map[int]bool // by the number of the part
	err  error        // the first error of the writer
}

func newPrinter(out io.Writer) *printer { return &printer{out: out, told: map[int]bool{}} }

// update prints the new parts.
func (p *printer) update(s *seen) {
	for i, part := range []func(*seen) string{reportPart, notePart, grafanaPart, hookPart, messagePart, silencePart, firstPart} {
		if text := part(s); text != "" && !p.told[i] {
			p.told[i] = true
			p.print(text)
		}
	}
}

func (p *printer) print(text string) {
	if _, err := io.WriteString(p.out, text); p.err == nil {
		p.err = err
	}
}

// Each part is empty until its data exists.

func messagePart(s *seen) string {
	var b strings.Builder
	if s.message.Data == nil {
		return ""
	}
	a := s.message.Alerts[0]
	section(&b, fmt.Sprintf("The first message to people, %.1fs after the alert fired", s.message.At.Sub(a.StartsAt).Seconds()))
	for _, name := range []string{"alertname", "service"} {
		if value, ok := a.Labels[name]; ok {
			line(&b, name, value)
		}
	}
	for _, name := range []string{"summary", annotationSummary, annotationCauses, annotationReport} {
		line(&b, name, a.Annotations[name])
	}
	return b.String()
}

func silencePart(s *seen) string {
	if s.silence.ID == "" {
		return ""
	}
	return commented("The silence of "+s.silence.CreatedBy+", under the same id", s.silence)
}

func notePart(s *seen) string {
	if s.note.ID == "" {
		return ""
	}
	return commented("The note of "+s.note.CreatedBy+", a silence that mutes nothing", s.note)
}

func commented(title string, of silence) string {
	var b strings.Builder
	section(&b, title)
	line(&b, "comment", of.Comment)
	return b.String()
}

func grafanaPart(s *seen) string {
	var b strings.Builder
	if s.region.Method != "" {
		section(&b, "The call to Grafana")
		line(&b, s.region.Method, s.region.Path)
		line(&b, "body", s.region.Body)
	}
	return b.String()
}

func hookPart(s *seen) string {
	var b strings.Builder
	if len(s.hook.body) > 0 {
		section(&b, "The recovery webhook, signed")
		line(&b, "incident", s.hook.payload.Incident.ID)
		line(&b, "summary", s.hook.payload.Incident.Summary)
	}
	return b.String()
}

func reportPart(s *seen) string {
	var b strings.Builder
	if s.report.URL != "" {
		section(&b, "The report")
		line(&b, "page", s.report.URL)
		causes(&b, s.report)
	}
	return b.String()
}

func firstPart(s *seen) string {
	var b strings.Builder
	if s.first.Summary != "" {
		section(&b, "The first time, 15 minutes before")
		line(&b, "summary", s.first.Summary)
		causes(&b, s.first)
	}
	return b.String()
}

// verdict says whether place and series of the fault were found, and lists every claim that was
// checked.
func verdict(s *seen) string {
	var b strings.Builder
	section(&b, "Was it right?")
	if s.report.URL != "" {
		line(&b, "injected place", setOf(s.truth.Labels)+": "+foundAs(s.report, func(c analysis.Finding) bool { return inPlace(c, s.truth) }))
		line(&b, "injected series", s.truth.Metric+setOf(s.truth.Series)+": "+foundAs(s.report, func(c analysis.Finding) bool { return isSeries(c, s.report, s.truth) }))
	}
	for _, c := range s.checks {
		if c.err == nil {
			line(&b, "yes", c.claim)
		} else {
			line(&b, "NO", c.claim+": "+c.err.Error())
		}
	}
	return b.String()
}

// foundAs describes the first cause that matches.
func foundAs(r report.Report, is func(analysis.Finding) bool) string {
	i := slices.IndexFunc(r.Result.Causes, is)
	if i < 0 {
		return "NOT found"
	}
	c := r.Result.Causes[i]
	return fmt.Sprintf("found as cause %d, %s confidence", c.Rank, c.Confidence)
}

// setOf formats labels as Prometheus does.
func setOf(set map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(set)) {
		parts = append(parts, fmt.Sprintf("%s=%q", name, set[name]))
	}
	return "{" + strings.Join(parts, ", ") + "}"
}

// causes lists what a report found.
func causes(b *strings.Builder, r report.Report) {
	line(b, "verdict", string(r.Result.Verdict))
	for _, c := range r.Result.Causes {
		line(b, fmt.Sprintf("%d. %s", c.Rank, c.Confidence), c.Sentence)
	}
}

func section(b *strings.Builder, title string) { fmt.Fprintf(b, "\n%s\n", title) }

// line prints a name and a value; further lines of the value are indented below its first.
func line(b *strings.Builder, name, value string) {
	const indent = 18
	for i, part := range slices.Collect(strings.SplitSeq(strings.TrimSpace(value), "\n")) {
		if i > 0 {
			name = ""
		}
		fmt.Fprintf(b, "  %-*s %s\n", indent, name, part)
	}
}
