// SPDX-License-Identifier: Apache-2.0

package web

import (
	"errors"
	"net/http"

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

// reportOf is the report that an address names. What has not the form of an id
// names none, and nobody is asked for it.
func (s *server) reportOf(r *http.Request) (report.Report, error) {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return report.Report{}, ErrNotFound
	}
	return s.reader.Report(r.Context(), id)
}

// incidentOf is the incident that an address names.
func (s *server) incidentOf(r *http.Request) (report.Incident, error) {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return report.Incident{}, ErrNotFound
	}
	return s.reader.Incident(r.Context(), id)
}

// latestOf is the newest report of the alert that an address names.
func (s *server) latestOf(r *http.Request) (report.Report, error) {
	fingerprint := r.PathValue("fingerprint")
	if !report.ValidFingerprint(fingerprint) {
		return report.Report{}, ErrNotFound
	}
	return s.reader.Latest(r.Context(), fingerprint)
}

// alertPage shows the newest report of an alert. Its address can be in a
// notification that is sent before the analysis ends, so it waits.
func (s *server) alertPage(w http.ResponseWriter, r *http.Request) error {
	rep, err := s.latestOf(r)
	switch {
	case errors.Is(err, ErrPending):
		w.Header().Set("Retry-After", "2")
		s.pages.render(w, http.StatusAccepted, "pending", pendingPage{Fingerprint: r.PathValue("fingerprint")})
		return nil
	case errors.Is(err, ErrNotFound):
		return &problem{http.StatusNotFound, "There is no report about this alert. If it has just fired, reload this page in a few seconds; " +
			"otherwise its report has expired, or such alerts are not explained (unmatched_alerts)."}
	case err != nil:
		return err
	}
	s.pages.render(w, http.StatusOK, "report", s.newReportPage(rep))
	return nil
}

// incidentPage shows an incident with the reports it is made of. A report that
// has expired is left out.
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
