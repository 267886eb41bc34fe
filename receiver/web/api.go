// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

const (
	defaultLimit = 100
	maxLimit     = 1000
)

func (s *server) report(w http.ResponseWriter, r *http.Request) error {
	rep, err := s.reportOf(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, rep)
	return nil
}

func (s *server) incidents(w http.ResponseWriter, r *http.Request) error {
	f, err := parseFilter(r.URL)
	if err != nil {
		return err
	}
	list, older, err := paged(r, f, s.reader.Incidents, func(last report.Incident) changelog.Cursor {
		return changelog.Cursor{At: last.CreatedAt, ID: last.ID}
	})
	if err != nil {
		return err
	}
	s.writeList(w, "api/v1/incidents", older, list)
	return nil
}

func (s *server) incident(w http.ResponseWriter, r *http.Request) error {
	inc, err := s.incidentOf(r)
	if err != nil {
		return err
	}
	writeJSON(w, http.StatusOK, inc)
	return nil
}

// maxQuery bounds the query of a URL, in bytes: a short one can make a regular expression of many
// megabytes.
const maxQuery = 2 << 10

// parseFilter parses the filter of a list from a URL's query.
func parseFilter(u *url.URL) (Filter, error) {
	if n := len(u.RawQuery); n > maxQuery {
		return Filter{}, badRequest("the query has %d bytes, more than %d", n, maxQuery)
	}
	q := u.Query()
	f := Filter{
		Limit:       defaultLimit,
		AlertName:   q.Get("alertname"),
		Status:      report.Status(q.Get("status")),
		Fingerprint: q.Get("fingerprint"),
		Incident:    q.Get("incident"),
		Prometheus:  q.Get("prometheus"),
	}
	switch f.Status {
	case "", report.Complete, report.Partial, report.Failed:
	default:
		return f, badRequest("status is complete, partial or failed, not %q", f.Status)
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return f, badRequest("limit is a number from 1 to %d, not %q", maxLimit, text)
		}
		f.Limit = min(n, maxLimit)
	}
	for key, to := range map[string]**bool{"open": &f.Open, "judged": &f.Judged} {
		if text := q.Get(key); text != "" {
			is, err := strconv.ParseBool(text)
			if err != nil {
				return f, badRequest("%s is true or false, not %q", key, text)
			}
			*to = &is
		}
	}
	for _, text := range q["match"] {
		if text == "" {
			continue // a form sends empty fields, too
		}
		ms, err := labels.ParseMatchers(text)
		if err != nil {
			return f, badRequest(`match is a matcher such as service="checkout", not %q: %v`, text, err)
		}
		f.Matchers = append(f.Matchers, ms...)
	}
	if text := q.Get("after"); text != "" {
		var err error
		if f.After, err = changelog.ParseCursor(text); err != nil {
			return f, badRequest("%v", err)
		}
	}
	return f, nil
}

func badRequest(format string, args ...any) error {
	return &problem{http.StatusBadRequest, fmt.Sprintf(format, args...)}
}
