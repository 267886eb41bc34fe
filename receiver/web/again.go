// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Explainer makes a fresh look at the alert of a report.
type Explainer interface {
	// Explains reports whether this is allowed now.
	Explains() bool
	// Explain looks at the alert again as its report did, with its KPI limited to parts. A look at
	// the whole of an alert that still fires may become its report; any other is discarded, and
	// nobody is notified. If there is no answer the error is a [Refusal].
	Explain(ctx context.Context, r report.Report, parts []report.Part) (Look, error)
}

// Look is the result of a fresh look.
type Look struct {
	Found  report.Report
	Late   bool // it could become the alert's report
	Stored bool // it did
}

// Refusal is why a question is not answered.
type Refusal struct {
	Status int // HTTP status
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns the reason.
func (r *Refusal) Unwrap() error { return r.Err }

// againView is the header of a page with a fresh look.
type againView struct {
	Said  string // what was looked at
	Kept  string // what is stored
	Parts []partView
}

// partView is a part as a field of the next form.
type partView struct{ Name, Value string }

// explainPage shows a fresh look at the alert of a report.
func (s *server) explainPage(w http.ResponseWriter, r *http.Request) error {
	if !s.explainer.Explains() {
		return &problem{http.StatusForbidden, "The configuration does not allow this (explain_api)."}
	}
	r.Body = http.MaxBytesReader(w, r.Body, maxFeedback)
	if err := r.ParseForm(); err != nil {
		return badRequest("the form can't be read: %v", err)
	}
	parts := partsOf(r.PostForm)
	if err := report.CheckParts(parts); err != nil {
		return badRequest("%v", err)
	}
	known, err := s.reportOf(r)
	if err != nil {
		return err
	}
	look, err := s.explainer.Explain(r.Context(), known, parts)
	var refused *Refusal
	if errors.As(err, &refused) {
		return &problem{refused.Status, sentenceCase(refused.Error()) + "."}
	}
	if err != nil {
		return err
	}
	if look.Stored {
		http.Redirect(w, r, s.pages.path("reports", known.ID), http.StatusSeeOther)
		return nil
	}
	found := look.Found
	found.ResolvedAt, found.Incident = known.ResolvedAt, known.Incident
	page := s.newReportPage(found)
	page.Again = newAgain(parts)
	if look.Late {
		page.Again.Kept = "the alert's report stays, as this has no more evidence"
	}
	page.Asks, page.Fresh = false, true
	s.pages.render(w, http.StatusOK, "report", page)
	return nil
}

// toReport redirects a GET of such a page to the report itself.
func (s *server) toReport(w http.ResponseWriter, r *http.Request) error {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return onlyPost(w, r)
	}
	if !report.ValidID(r.PathValue("id")) {
		return ErrNotFound
	}
	http.Redirect(w, r, s.pages.path("reports", r.PathValue("id")), http.StatusSeeOther)
	return nil
}

// partsOf parses the form fields only and without, such as only=path=/pay.
func partsOf(form map[string][]string) (parts []report.Part) {
	for _, field := range []string{"only", "without"} {
		for _, text := range form[field] {
			label, value, _ := strings.Cut(text, "=")
			parts = append(parts, report.Part{Label: label, Value: value, Without: field == "without"})
		}
	}
	return parts
}

func newAgain(parts []report.Part) againView {
	v := againView{Said: "Looked at again, as a whole", Kept: "nothing of this is kept or sent"}
	var said []string
	for _, p := range parts {
		field := "only"
		if p.Without {
			field = "without"
		}
		v.Parts = append(v.Parts, partView{field, p.Label + "=" + p.Value})
		said = append(said, p.String())
	}
	if len(said) > 0 {
		v.Said = sentenceCase(strings.Join(said, ", "))
	}
	return v
}

func sentenceCase(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// partOf is a label value as a button sends it; empty if it can't be looked at by itself.
func partOf(label, value string) string {
	raw, ok := rawValue(value)
	if !ok || report.CheckParts([]report.Part{{Label: label, Value: raw}}) != nil {
		return ""
	}
	return label + "=" + raw
}

// rawValue converts a displayed label value to that of the series; ok is false if it stands for
// several values.
func rawValue(value string) (raw string, ok bool) {
	switch value {
	case "__other__":
		return "", false
	case "__missing__":
		return "", true
	default:
		return value, true
	}
}
