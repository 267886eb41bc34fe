// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Explainer looks at the alert of a report once more.
type Explainer interface {
	// Explains says whether that is allowed now.
	Explains() bool
	// Explain looks at an alert as its report did, with its KPI held to parts of it.
	// A look at the whole of an alert that still fires may become its report; nothing
	// is kept of any other, and nobody is told. Why there is no answer at all is a
	// [Refusal].
	Explain(ctx context.Context, r report.Report, parts []report.Part) (Look, error)
}

// Look is another look at an alert, and what became of it.
type Look struct {
	Found  report.Report
	Late   bool // it could have become the alert's report
	Stored bool // it did
}

// Refusal is the error of a question that is not answered.
type Refusal struct {
	Status int // of HTTP
	Err    error
}

func (r *Refusal) Error() string { return r.Err.Error() }

// Unwrap returns what it is about.
func (r *Refusal) Unwrap() error { return r.Err }

// againView is what a page says that shows another look at an alert.
type againView struct {
	Said  string // what it is of
	Kept  string // which report is stored
	Parts []partView
}

// partView is one of the parts as a field of the next form.
type partView struct{ Name, Value string }

// explainPage shows what another look at the alert of a report finds.
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

// toReport leads who comes back to such a page to the report itself.
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

// partsOf reads the fields only and without of a form, such as only=path=/pay.
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

// partOf is a value of a label as a button of a form has it; empty if it can't be asked for.
func partOf(label, value string) string {
	raw, ok := rawValue(value)
	if !ok || report.CheckParts([]report.Part{{Label: label, Value: raw}}) != nil {
		return ""
	}
	return label + "=" + raw
}

// rawValue is a value of a label as series have it; not ok if it is of no one value.
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
