// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Judge stores feedback on reports.
type Judge interface {
	// Judge stores feedback on a report. It returns ErrNotFound, or an error of
	// [report.Feedback.Check].
	Judge(ctx context.Context, id string, f report.Feedback) error
}

// maxFeedback bounds the body, in bytes.
const maxFeedback = 8 << 10

// feedbackForm handles the form of a report's page, and shows the page again.
func (s *server) feedbackForm(w http.ResponseWriter, r *http.Request) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxFeedback)
	if err := r.ParseForm(); err != nil {
		return badRequest("the form can't be read: %v", err)
	}
	f := report.Feedback{Says: report.Judgement(r.PostForm.Get("says")), Was: r.PostForm.Get("was"), Via: report.ViaPage}
	if err := s.told(r, f); err != nil {
		return err
	}
	http.Redirect(w, r, s.pages.path("reports", r.PathValue("id"))+"#feedback", http.StatusSeeOther)
	return nil
}

// Said is the body of `POST /api/v1/reports/{id}/feedback`.
type Said struct {
	Says report.Judgement `json:"says,omitempty"` // empty: other, if was is set
	Was  string           `json:"was,omitempty"`  // the actual cause, at most 500 bytes
	By   string           `json:"by,omitempty"`   // who says so
}

// feedback serves `POST /api/v1/reports/{id}/feedback`.
func (s *server) feedback(w http.ResponseWriter, r *http.Request) error {
	var f Said
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxFeedback))
	dec.DisallowUnknownFields()
	err := dec.Decode(&f)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is more after it")
		}
	}
	if err != nil {
		return badRequest(`the body must be JSON such as {"says": "right"} or {"was": "the disk of node 7", "by": "ann"}: %v`, err)
	}
	if err := s.told(r, report.Feedback{Says: f.Says, Was: f.Was, By: f.By, Via: report.ViaAPI}); err != nil {
		return err
	}
	return s.report(w, r)
}

// told stores feedback on the report in the URL.
func (s *server) told(r *http.Request, f report.Feedback) error {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return ErrNotFound
	}
	if _, err := f.Check(); err != nil {
		return badRequest("%v", err)
	}
	return s.judge.Judge(r.Context(), id, f)
}

// saidView is one feedback in words.
type saidView struct{ Words, Who, About string }

func said(r report.Report, now clock) []saidView {
	views := make([]saidView, 0, len(r.Feedback))
	for _, f := range r.Feedback {
		v := saidView{Words: map[report.Judgement]string{report.Right: "Right", report.Wrong: "Wrong", report.Other: "It was " + f.Was}[f.Says]}
		if f.Says == report.Wrong && f.Was != "" {
			v.Words = "Wrong: it was " + f.Was
		}
		v.Who = now.stamp(f.At)
		if f.By != "" {
			v.Who = f.By + ", " + v.Who
		}
		if f.Via == report.ViaSilence {
			v.Who += ", in a silence"
		}
		if f.Summary != r.Summary {
			v.About = f.Summary
		}
		views = append(views, v)
	}
	return views
}
