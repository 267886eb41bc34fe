// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

// parseReports parses the filter of a list of reports: that of [parseFilter], plus verdict, q, from
// and to.
func parseReports(u *url.URL) (Filter, error) {
	f, err := parseFilter(u)
	if err != nil {
		return f, err
	}
	q := u.Query()
	f.Text, f.Verdict = strings.TrimSpace(q.Get("q")), analysis.Verdict(q.Get("verdict"))
	if known := verdicts(); f.Verdict != "" && !slices.Contains(known, f.Verdict) {
		return f, badRequest("verdict is one of %v, not %q", known, f.Verdict)
	}
	for key, at := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if *at, err = timeOf(q.Get(key)); err != nil {
			return f, badRequest("%s is RFC 3339 or Unix seconds, not %q", key, q.Get(key))
		}
	}
	return f, nil
}

// FilterOfReports parses the filter of `GET /api/v1/reports`. The error says what is wrong with it.
func FilterOfReports(u *url.URL) (Filter, error) { return parseReports(u) }

// verdicts lists all verdicts, most helpful first.
func verdicts() []analysis.Verdict {
	var list []analysis.Verdict
	for _, a := range report.Answers() {
		if !slices.Contains(list, a.Verdict) {
			list = append(list, a.Verdict)
		}
	}
	return list
}

// reportsOf reads the requested page of reports. older is the URL of the next page, empty on the
// last.
func (s *server) reportsOf(r *http.Request) (f Filter, list []report.Report, older string, err error) {
	if f, err = parseReports(r.URL); err != nil {
		return f, nil, "", err
	}
	list, older, err = paged(r, f, s.reader.Reports, func(last report.Report) changelog.Cursor { return changelog.Cursor{At: last.CreatedAt, ID: last.ID} })
	return f, list, older, err
}

// reports serves `GET /api/v1/reports`.
func (s *server) reports(w http.ResponseWriter, r *http.Request) error {
	_, list, older, err := s.reportsOf(r)
	if err != nil {
		return err
	}
	s.writeList(w, "api/v1/reports", older, list)
	return nil
}

func (s *server) listPage(w http.ResponseWriter, r *http.Request) error {
	f, reports, older, err := s.reportsOf(r)
	if err != nil {
		return err
	}
	var incidents []report.Incident
	if f.After == (changelog.Cursor{}) && (f.Open == nil || *f.Open) { // only on the first page
		open := f
		open.Limit, open.Open = defaultLimit, new(true)
		if incidents, err = s.reader.Incidents(r.Context(), open); err != nil {
			return err
		}
	}
	p := newListPage(reports, incidents, f, clock{s.now()})
	p.Older, p.Match = older, strings.Join(r.URL.Query()["match"], ",")
	p.OpenLink = openLink(p.OpenOnly, r.URL.Query())
	s.pages.render(w, http.StatusOK, "list", p)
	return nil
}

// openLink is the URL of the same list with only open alerts, or with all.
func openLink(openOnly bool, q url.Values) string {
	q.Del("after")
	if openOnly {
		q.Del("open")
	} else {
		q.Set("open", "true")
	}
	return "?" + q.Encode()
}

// choice is an option of a form.
type choice struct {
	Value, Text string
	Chosen      bool
}

// verdictChoices are the options to filter by verdict.
func verdictChoices(chosen analysis.Verdict) []choice {
	list := []choice{{"", "Any verdict", chosen == ""}}
	for _, v := range verdicts() {
		text := strings.ReplaceAll(string(v), "_", " ")
		list = append(list, choice{string(v), strings.ToUpper(text[:1]) + text[1:], v == chosen})
	}
	return list
}

// passText reports whether a report has a text in its name, its summary or a label's value.
func passText(r report.Report, text string) bool {
	text = strings.ToLower(text)
	has := func(s string) bool { return strings.Contains(strings.ToLower(s), text) }
	if text == "" || has(r.Name()) || has(r.Summary) {
		return true
	}
	for _, value := range r.Alert.Labels {
		if has(string(value)) {
			return true
		}
	}
	return false
}

// passTime reports whether an alert began within the filter's times, and its report comes after the
// filter's cursor.
func (f Filter) passTime(r report.Report) bool {
	began := r.Alert.StartsAt
	if !f.From.IsZero() && began.Before(f.From) || !f.To.IsZero() && began.After(f.To) {
		return false
	}
	return f.passAfter(r.CreatedAt, r.ID)
}

// filterWords describes the filter, except for open alerts.
func filterWords(f Filter, now clock) string {
	var parts []string
	for _, p := range []pair{
		{"alertname", f.AlertName},
		{"status", string(f.Status)},
		{"fingerprint", f.Fingerprint},
		{"incident", f.Incident},
		{"Prometheus", f.Prometheus},
		{"verdict", strings.ReplaceAll(string(f.Verdict), "_", " ")},
	} {
		if p.Value != "" {
			parts = append(parts, p.Key+" "+p.Value)
		}
	}
	if f.Text != "" {
		parts = append(parts, fmt.Sprintf("with %q", f.Text))
	}
	for _, bound := range []struct {
		word string
		at   time.Time
	}{{"from", f.From}, {"to", f.To}} {
		if !bound.at.IsZero() {
			parts = append(parts, bound.word+" "+now.stamp(bound.at))
		}
	}
	if len(f.Matchers) > 0 {
		parts = append(parts, f.Matchers.String())
	}
	if f.After != (changelog.Cursor{}) {
		parts = append(parts, "reported before "+now.stamp(f.After.At))
	}
	return strings.Join(parts, ", ")
}
