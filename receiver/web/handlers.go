// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"
	"strconv"

	"github.com/culprit-dev/culprit/receiver/report"
)

func (s *server) reportPage(w http.ResponseWriter, r *http.Request) error {
	rep, err := s.reportOf(r)
	if err != nil {
		return err
	}
	s.pages.render(w, http.StatusOK, "report", s.newReportPage(rep))
	return nil
}

// reportOf reads the report in the URL. A malformed id is not looked up.
func (s *server) reportOf(r *http.Request) (report.Report, error) {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return report.Report{}, ErrNotFound
	}
	return s.reader.Report(r.Context(), id)
}

// incidentOf reads the incident in the URL.
func (s *server) incidentOf(r *http.Request) (report.Incident, error) {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return report.Incident{}, ErrNotFound
	}
	return s.reader.Incident(r.Context(), id)
}

// latestOf reads the newest report of the alert in the URL.
func (s *server) latestOf(r *http.Request) (report.Report, error) {
	fingerprint := r.PathValue("fingerprint")
	if !report.ValidFingerprint(fingerprint) {
		return report.Report{}, ErrNotFound
	}
	return s.reader.Latest(r.Context(), fingerprint)
}

// alertPage shows the newest report of an alert. Its URL may be in a notification sent before the
// analysis ends, so the page waits.
func (s *server) alertPage(w http.ResponseWriter, r *http.Request) error {
	rep, err := s.latestOf(r)
	switch {
	case errors.Is(err, ErrPending):
		w.Header().Set("Retry-After", "2")
		s.pages.render(w, http.StatusAccepted, "pending", pendingPage{Fingerprint: r.PathValue("fingerprint")})
		return nil
	case errors.Is(err, ErrNotFound):
		return s.notYet(w, r)
	case err != nil:
		return err
	}
	s.pages.render(w, http.StatusOK, "report", s.newReportPage(rep))
	return nil
}

// mostLooks bounds how often the page of an alert without a report reloads.
const mostLooks = 12

// notYet answers for an unknown alert. It may still be in the queue, so the page reloads for a
// minute. An invalid fingerprint is an error at once.
func (s *server) notYet(w http.ResponseWriter, r *http.Request) error {
	look, err := strconv.Atoi(r.FormValue("look"))
	if err != nil {
		look = 0
	}
	if look >= mostLooks || !report.ValidFingerprint(r.PathValue("fingerprint")) {
		return &problem{http.StatusNotFound, noReport}
	}
	s.pages.render(w, http.StatusNotFound, "error", notYetPage{
		errorPage{Title: "No report yet", Text: noReport + " This page looks again for a minute."}, max(0, look) + 1,
	})
	return nil
}

const noReport = "There is no report about this alert. If it has just fired, its report is there in a few seconds; " +
	"otherwise it has expired, or such alerts are not explained (unmatched_alerts)."

// notYetPage is an error page that reloads.
type notYetPage struct {
	errorPage
	look int
}

func (notYetPage) refresh() int   { return 5 }
func (p notYetPage) next() string { return "?look=" + strconv.Itoa(p.look) }

// incidentPage shows an incident with its reports, except expired ones.
func (s *server) incidentPage(w http.ResponseWriter, r *http.Request) error {
	inc, err := s.incidentOf(r)
	if err != nil {
		return err
	}
	reports, err := s.reader.Reports(r.Context(), Filter{Incident: inc.ID, Limit: maxLimit})
	if err != nil {
		return err
	}
	s.pages.render(w, http.StatusOK, "incident", newIncidentPage(inc, reports, clock{s.now()}))
	return nil
}

type pendingPage struct{ Fingerprint string }

func (pendingPage) title() string { return "Looking, about 3 s" }
func (pendingPage) refresh() int  { return 2 }

func (p errorPage) title() string { return p.Title }
