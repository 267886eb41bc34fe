// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/culprit-dev/culprit/receiver/report"
)

// caseOf is the case that an address names.
func (s *server) caseOf(r *http.Request) (report.Case, error) {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return report.Case{}, ErrNotFound
	}
	return s.reader.Case(r.Context(), id)
}

// casesOf are the cases that a request asks for, and how.
func (s *server) casesOf(r *http.Request) ([]report.Case, Filter, error) {
	f, err := parseFilter(r.URL)
	if err != nil {
		return nil, f, err
	}
	list, err := s.reader.Cases(r.Context(), f)
	return list, f, err
}

func (s *server) cases(w http.ResponseWriter, r *http.Request) error {
	list, _, err := s.casesOf(r)
	if err != nil {
		return err
	}
	if list == nil {
		list = []report.Case{}
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

func (s *server) oneCase(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, c)
	return nil
}

func (s *server) casesPage(w http.ResponseWriter, r *http.Request) error {
	list, f, err := s.casesOf(r)
	if err != nil {
		return err
	}
	now := clock{s.now()}
	p := casesPage{OpenOnly: f.Open != nil && *f.Open, Filter: filterWords(f, clock{s.now()})}
	for _, c := range list {
		p.Cases = append(p.Cases, newCaseRow(c, now))
	}
	if len(list) >= f.Limit {
		p.Full = fmt.Sprintf("These are the newest %d.", f.Limit)
	}
	s.pages.render(w, http.StatusOK, "cases", p)
	return nil
}

// casesPage lists cases.
type casesPage struct {
	Cases        []caseRow
	Filter, Full string
	OpenOnly     bool
}

func (casesPage) title() string { return "Cases" }

// OpenLink is the address of the same list with only the open cases, or with all.
func (p casesPage) OpenLink() string { return openLink(p.OpenOnly, url.Values{}) }

// caseRow is a case in a list.
type caseRow struct {
	ID, Summary, Names, Services, State string
	Open                                bool
}

func newCaseRow(c report.Case, now clock) caseRow {
	return caseRow{ID: c.ID, Summary: c.Summary, Names: countWords(c.Names, 3), Services: countWords(c.Services, 5), State: caseState(c, now), Open: c.Open()}
}

func caseState(c report.Case, now clock) string {
	if c.Open() {
		return "open for " + span(now.now.Sub(c.Onset))
	}
	return "closed after " + span(c.ResolvedAt.Sub(c.Onset))
}

// countWords names the first of some counts, and how many more there are.
func countWords(all []report.Count, most int) string {
	var parts []string
	for _, c := range all[:min(len(all), most)] {
		if c.Alerts > 1 {
			parts = append(parts, fmt.Sprintf("%s (%d)", c.Name, c.Alerts))
		} else {
			parts = append(parts, c.Name)
		}
	}
	if more := len(all) - most; more > 0 {
		parts = append(parts, fmt.Sprintf("%d more", more))
	}
	return strings.Join(parts, ", ")
}

// casePage is a case with what it hurts.
type casePage struct {
	ID, Summary, Verdict, Kind, State, Onset, Firing string
	Open                                             bool
	Causes                                           []causeView
	Names, Services                                  []report.Count
	Incidents                                        []incidentRow
	Reports                                          []row
	More                                             string
}

func (p casePage) title() string { return "Case: " + p.Summary }

// mostRows is how many reports the page of a case shows.
const mostRows = 100

func (s *server) casePage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	now := clock{s.now()}
	p := casePage{
		ID: c.ID, Summary: c.Summary, State: caseState(c, now), Open: c.Open(), Onset: now.stamp(c.Onset), Names: c.Names, Services: c.Services,
		Firing: fmt.Sprintf("%d of %s still fire", c.Firing, counted(c.Alerts, "alert", "alerts")), Verdict: "No cause in common", Kind: "none",
	}
	if c.Cause != nil {
		view := newCause(*c.Cause, "")
		view.Explains = explains(c.Explained, c.Alerts, c.Explained == c.Alerts)
		p.Causes, p.Verdict, p.Kind = []causeView{view}, "Cause found", "found"
	}
	for _, id := range c.Incidents[:min(len(c.Incidents), mostRows)] {
		inc, err := s.reader.Incident(r.Context(), id)
		if err != nil {
			continue // it has expired
		}
		p.Incidents = append(p.Incidents, incidentRow{inc.ID, inc.Summary, alertNames(inc.Alerts), incidentState(inc, now)})
		if room := mostRows - len(p.Reports); room > 0 {
			reports, err := s.reader.Reports(r.Context(), Filter{Incident: id, Limit: room})
			if err != nil {
				return err
			}
			for _, rep := range reports {
				p.Reports = append(p.Reports, newRow(rep, now))
			}
		}
	}
	if n := c.Alerts - len(p.Reports); n > 0 {
		p.More = fmt.Sprintf("%d more are in the JSON.", n)
	}
	s.pages.render(w, http.StatusOK, "case", p)
	return nil
}
