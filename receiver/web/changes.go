// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"

	"github.com/culprit-dev/culprit/receiver/changelog"
)

// ChangeReader reads changes.
type ChangeReader interface {
	// List returns the changes that pass a filter, newest first.
	List(ctx context.Context, f changelog.Filter) ([]changelog.Change, error)
}

// changesOf reads the requested page of changes. older is the URL of the next page, empty on the
// last.
func (s *server) changesOf(r *http.Request) (f changelog.Filter, list []changelog.Change, older string, err error) {
	if f, err = parseChanges(r.URL); err != nil || s.changed == nil {
		return f, []changelog.Change{}, "", err
	}
	limit := f.Limit
	f.Limit++ // one more, to know whether there is another page
	if list, err = s.changed.List(r.Context(), f); err != nil {
		return f, nil, "", err
	}
	if len(list) > limit {
		list = list[:limit]
		q := r.URL.Query()
		q.Set("after", changelog.CursorOf(list[limit-1]).String())
		older = "?" + q.Encode()
	}
	return f, list, older, nil
}

// changes serves `GET /api/v1/changes`. The Link header leads to the next page.
func (s *server) changes(w http.ResponseWriter, r *http.Request) error {
	_, list, older, err := s.changesOf(r)
	if err != nil {
		return err
	}
	if older != "" {
		w.Header().Set("Link", "<"+s.pages.path("api/v1/changes")+older+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, list)
	return nil
}

// parseChanges parses from, to, match, limit and after.
func parseChanges(u *url.URL) (changelog.Filter, error) {
	f := changelog.Filter{Limit: defaultLimit}
	if n := len(u.RawQuery); n > maxQuery {
		return f, badRequest("the query has %d bytes, more than %d", n, maxQuery)
	}
	q := u.Query()
	var err error
	for key, at := range map[string]*time.Time{"from": &f.From, "to": &f.To} {
		if *at, err = timeOf(q.Get(key)); err != nil {
			return f, badRequest("%s is RFC 3339 or Unix seconds, not %q", key, q.Get(key))
		}
	}
	if text := q.Get("limit"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			return f, badRequest("limit is a number from 1 to %d, not %q", maxLimit, text)
		}
		f.Limit = min(n, maxLimit)
	}
	if text := q.Get("after"); text != "" {
		if f.After, err = changelog.ParseCursor(text); err != nil {
			return f, badRequest("%v", err)
		}
	}
	for _, text := range q["match"] {
		ms, err := labels.ParseMatchers(text)
		if err != nil {
			return f, badRequest(`match is a matcher such as service="checkout", not %q: %v`, text, err)
		}
		f.Matchers = append(f.Matchers, ms...)
	}
	return f, nil
}

// timeOf parses a time in a URL; empty text is the zero time.
func timeOf(text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	if s, err := strconv.ParseFloat(text, 64); err == nil && s > 0 && s < 1e11 {
		return time.UnixMilli(int64(s * 1000)), nil
	}
	return time.Parse(time.RFC3339, text)
}

// changesPage shows the list of changes.
func (s *server) changesPage(w http.ResponseWriter, r *http.Request) error {
	f, list, older, err := s.changesOf(r)
	if err != nil {
		return err
	}
	now, servers := clock{s.now()}, s.servers()
	p := changesPage{Older: older, Filter: changeFilterWords(f, now)}
	for _, c := range list {
		p.Changes = append(p.Changes, newChangeRow(c, now, servers))
	}
	s.pages.render(w, http.StatusOK, "changes", p)
	return nil
}

type changesPage struct {
	Changes []changeRow
	Filter  string // the filter in words; empty: none
	Older   string // URL of the next page; empty on the last
}

func (changesPage) title() string { return "Changes" }

// changeRow is one change of the list.
type changeRow struct {
	Title, When, Span, From, To, Source string
	Labels                              []pair
	Link                                link
}

func newChangeRow(c changelog.Change, now clock, servers Servers) changeRow {
	row := changeRow{Title: c.Title, When: now.stamp(c.At), From: c.From, To: c.To, Source: c.Source, Link: servers.linkTo(c.URL, "Details")}
	row.Link.By = "the change"
	if !c.Until.IsZero() {
		row.Span = "took " + span(c.Until.Sub(c.At))
	}
	for name, value := range c.Labels {
		row.Labels = append(row.Labels, pair{name, value})
	}
	slices.SortFunc(row.Labels, func(a, b pair) int { return strings.Compare(a.Key, b.Key) })
	return row
}

func changeFilterWords(f changelog.Filter, now clock) string {
	var parts []string
	for _, bound := range []struct {
		word string
		at   time.Time
	}{{"from", f.From}, {"to", f.To}} {
		if !bound.at.IsZero() {
			parts = append(parts, fmt.Sprintf("%s %s", bound.word, now.stamp(bound.at)))
		}
	}
	if len(f.Matchers) > 0 {
		parts = append(parts, f.Matchers.String())
	}
	if f.After != (changelog.Cursor{}) {
		parts = append(parts, "before "+now.stamp(f.After.At))
	}
	return strings.Join(parts, ", ")
}
