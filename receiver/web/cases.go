// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

// caseOf reads the case in the URL.
func (s *server) caseOf(r *http.Request) (report.Case, error) {
	id := r.PathValue("id")
	if !report.ValidID(id) {
		return report.Case{}, ErrNotFound
	}
	return s.reader.Case(r.Context(), id)
}

// casesOf reads the requested page of cases. older is the URL of the next page.
func (s *server) casesOf(r *http.Request) (list []report.Case, older string, f Filter, err error) {
	if f, err = parseFilter(r.URL); err != nil {
		return nil, "", f, err
	}
	list, older, err = paged(r, f, s.reader.Cases, cursorOfCase)
	return list, older, f, err
}

// cursorOfCase is the position of a case in a list: that of its first incident.
func cursorOfCase(c report.Case) changelog.Cursor {
	at := changelog.Cursor{At: c.CreatedAt}
	if len(c.Incidents) > 0 {
		at.ID = c.Incidents[0]
	}
	return at
}

func (s *server) cases(w http.ResponseWriter, r *http.Request) error {
	list, older, _, err := s.casesOf(r)
	if err != nil {
		return err
	}
	s.writeList(w, "api/v1/cases", older, list)
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
	list, older, f, err := s.casesOf(r)
	if err != nil {
		return err
	}
	now := clock{s.now()}
	p := casesPage{OpenOnly: f.Open != nil && *f.Open, Filter: filterWords(f, clock{s.now()}), Older: older}
	for _, c := range list {
		p.Cases = append(p.Cases, newCaseRow(c, now))
	}
	s.pages.render(w, http.StatusOK, "cases", p)
	return nil
}

// casesPage is the list of cases.
type casesPage struct {
	Cases         []caseRow
	Filter, Older string
	OpenOnly      bool
}

func (casesPage) title() string { return "Cases" }

// OpenLink is the URL of the same list with only open cases, or with all.
func (p casesPage) OpenLink() string { return openLink(p.OpenOnly, url.Values{}) }

// caseRow is one case of the list.
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

// countWords lists the first counts, and how many more there are.
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

// casePage is a case and its impact.
type casePage struct {
	ID, Summary, Verdict, Kind, State, Onset, Firing string
	Open                                             bool
	Causes                                           []causeView
	Services                                         []report.Count
	Lanes                                            []lane
	MoreLanes                                        int
	Incidents                                        []incidentRow
	Reports                                          []row
	More                                             string
}

func (p casePage) title() string { return "Case: " + p.Summary }

func (s *server) casePage(w http.ResponseWriter, r *http.Request) error {
	c, err := s.caseOf(r)
	if err != nil {
		return err
	}
	now := clock{s.now()}
	p := casePage{
		ID: c.ID, Summary: c.Summary, State: caseState(c, now), Open: c.Open(), Onset: now.stamp(c.Onset), Services: c.Services,
		Firing: fmt.Sprintf("%d of %s still fire", c.Firing, counted(c.Alerts, "alert", "alerts")), Verdict: "No cause in common", Kind: "none",
	}
	if c.Cause != nil {
		view := newCause(*c.Cause, "")
		view.Explains = explains(c.Explained, c.Alerts, c.Explained == c.Alerts)
		p.Causes, p.Verdict, p.Kind = []causeView{view}, "Cause found", "found"
	}
	var all []report.Report
	for _, id := range c.Incidents[:min(len(c.Incidents), mostRows)] {
		inc, err := s.reader.Incident(r.Context(), id)
		if err != nil {
			continue // expired
		}
		p.Incidents = append(p.Incidents, incidentRow{inc.ID, inc.Summary, alertNames(inc.Alerts), incidentState(inc, now)})
		if room := maxLimit - len(all); room > 0 {
			reports, err := s.reader.Reports(r.Context(), Filter{Incident: id, Limit: room})
			if err != nil {
				return err
			}
			all = append(all, reports...)
		}
	}
	p.Reports, p.More = firstRows(newRows(all, now), c.Alerts)
	p.Lanes, p.MoreLanes = lanesOf(all, now)
	s.pages.render(w, http.StatusOK, "case", p)
	return nil
}
