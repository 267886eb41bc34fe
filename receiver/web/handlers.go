package web

import (
	"errors"
	"net/http"

	"github.com/culprit-dev/culprit/receiver/report"
)

func (s *server) listPage(w http.ResponseWriter, r *http.Request) error {
	f, err := parseFilter(r.URL.Query())
	if err != nil {
		return err
	}
	reports, err := s.reader.Reports(r.Context(), f)
	if err != nil {
		return err
	}
	incidents, err := s.reader.Incidents(r.Context(), Filter{Limit: f.Limit, Open: new(true)})
	if err != nil {
		return err
	}
	s.pages.render(w, http.StatusOK, "list", newListPage(reports, incidents, f, clock{s.now()}))
	return nil
}

func (s *server) reportPage(w http.ResponseWriter, r *http.Request) error {
	rep, err := s.reader.Report(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	s.pages.render(w, http.StatusOK, "report", s.newReportPage(rep))
	return nil
}

// alertPage shows the newest report of an alert. Its address can be in a
// notification that is sent before the analysis ends, so it waits.
func (s *server) alertPage(w http.ResponseWriter, r *http.Request) error {
	fingerprint := r.PathValue("fingerprint")
	rep, err := s.reader.Latest(r.Context(), fingerprint)
	switch {
	case errors.Is(err, ErrPending):
		w.Header().Set("Retry-After", "2")
		s.pages.render(w, http.StatusAccepted, "pending", pendingPage{Fingerprint: fingerprint})
		return nil
	case errors.Is(err, ErrNotFound):
		return &problem{http.StatusNotFound, "There is no report about this alert. Either it fired only a moment ago: then reload this page in a few seconds; " +
			"or its report is older than what is kept, or such alerts are not explained (unmatched_alerts)."}
	case err != nil:
		return err
	}
	s.pages.render(w, http.StatusOK, "report", s.newReportPage(rep))
	return nil
}

// incidentPage shows an incident with the reports it is made of. A report that
// has expired is left out.
func (s *server) incidentPage(w http.ResponseWriter, r *http.Request) error {
	inc, err := s.reader.Incident(r.Context(), r.PathValue("id"))
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

func (pendingPage) title() string { return "Analysing…" }
func (pendingPage) refresh() int  { return 2 }

func (p errorPage) title() string { return p.Title }

// row is one report in a list.
type row struct {
	ID, Name, Summary, When, State string
	Open                           bool
	Labels                         []pair
}

func newRow(r report.Report, now clock) row {
	return row{
		ID: r.ID, Name: r.Name(), Summary: r.Summary, When: now.stamp(r.Alert.StartsAt),
		State: now.state(r.Alert.StartsAt, r.ResolvedAt), Open: r.Open(), Labels: alertLabels(r.Alert),
	}
}
