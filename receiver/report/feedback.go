// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Judgement is a person's judgement of a report.
type Judgement string

// The judgements.
const (
	Right Judgement = "right"
	Wrong Judgement = "wrong"
	Other Judgement = "other" // the cause was something else
)

// Sources of feedback.
const (
	ViaPage    = "page"
	ViaAPI     = "api"
	ViaSilence = "silence"
)

// Feedback is what somebody has said about a report. It is stored and shown; nothing is learned
// from it.
type Feedback struct {
	Says    Judgement `json:"says"`
	Was     string    `json:"was,omitempty"` // the actual cause, in their words
	By      string    `json:"by,omitempty"`  // who says so, if known
	Via     string    `json:"via"`           // page, api or silence
	Ref     string    `json:"ref,omitempty"` // ID of the silence
	Summary string    `json:"summary"`       // the report's summary at that time
	At      time.Time `json:"at"`
}

const (
	maxFeedback = 20  // per report; the newest are kept
	maxWas      = 500 // bytes
	maxBy       = 100
)

// Check returns the feedback with its texts reduced to one line, or what is wrong with it. Feedback
// with the actual cause needs no judgement.
func (f Feedback) Check() (Feedback, error) {
	f.Was, f.By = clean(f.Was), cut(clean(f.By), maxBy)
	if f.Says == "" && f.Was != "" {
		f.Says = Other
	}
	switch {
	case f.Says == Other && f.Was == "":
		return f, fmt.Errorf("says is other, and was is empty; hint: say what it was")
	case !slices.Contains([]Judgement{Right, Wrong, Other}, f.Says):
		return f, fmt.Errorf("says is %.40q; hint: write right or wrong, or say what it was, such as {\"was\": \"the disk of node 7\"}", f.Says)
	case len(f.Was) > maxWas:
		return f, fmt.Errorf("was has %d bytes, the limit is %d; hint: say it in a sentence", len(f.Was), maxWas)
	}
	return f, nil
}

// Same reports whether two have the same content and source.
func (f Feedback) Same(other Feedback) bool {
	return f.Says == other.Says && f.Was == other.Was && f.Via == other.Via && f.Ref == other.Ref && f.By == other.By
}

// Told adds feedback to a report. Repeating the last one changes nothing.
func (r *Report) Told(f Feedback) (changed bool) {
	if n := len(r.Feedback); n > 0 && r.Feedback[n-1].Same(f) {
		return false
	}
	f.Summary = r.Summary
	r.Feedback = append(slices.Clone(r.Feedback), f)
	r.Feedback = r.Feedback[max(0, len(r.Feedback)-maxFeedback):]
	return true
}

// Judged returns the last feedback, if there is any.
func (r Report) Judged() (Feedback, bool) {
	if len(r.Feedback) == 0 {
		return Feedback{}, false
	}
	return r.Feedback[len(r.Feedback)-1], true
}

// CommentReader finds feedback in comments of silences.
type CommentReader struct{ ours, theirs, judged, was *regexp.Regexp }

// NewCommentReader compiles a reader.
func NewCommentReader() CommentReader {
	return CommentReader{
		ours:   regexp.MustCompile(`\[culprit: [^\]]*\]`), // culprit's own part
		theirs: regexp.MustCompile(`(?i)(?:^|[\s,;.(\]])culprit: *([^\n\[\]]+)`),
		judged: regexp.MustCompile(`(?i)^(?:(?:it +)?was +)?(right|wrong)(?:$|(?: *[.,;:!)(]| +[-–—])+ *(.*))`), // and no "right?", "rightsizing", "right-hand"
		was:    regexp.MustCompile(`(?i)^it +was +(.+)`),
	}
}

// Read returns the feedback in a comment: "culprit: right", "culprit: wrong", "culprit: it was the
// disk" or "culprit: wrong, it was the disk". ok is false if there is none, or it is unclear.
func (c CommentReader) Read(comment string) (f Feedback, ok bool) {
	m := c.theirs.FindStringSubmatch(c.ours.ReplaceAllString(comment, ""))
	if m == nil {
		return f, false
	}
	rest := strings.TrimSpace(m[1])
	if j := c.judged.FindStringSubmatch(rest); j != nil {
		f.Says, rest = Judgement(strings.ToLower(j[1])), j[2]
	}
	if w := c.was.FindStringSubmatch(rest); w != nil && f.Says != Right {
		f.Was = cut(clean(w[1]), maxWas)
	}
	f.Via = ViaSilence
	f, err := f.Check()
	return f, err == nil
}
