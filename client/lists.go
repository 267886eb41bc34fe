// SPDX-License-Identifier: Apache-2.0

package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Filter selects incidents. Empty fields select all.
type Filter struct {
	AlertName   string
	Fingerprint string // of an alert
	Incident    string // ID
	Prometheus  string // name of the server, if there are several
	Status      Status
	Open        *bool    // whether the alert still fires; see [Is]
	Judged      *bool    // whether there is feedback on it
	Match       []string // label matchers, such as `service="checkout"`
	PageSize    int      // page size, at most 1000; 0: 100
}

// ReportFilter selects reports. Empty fields select all.
type ReportFilter struct {
	Filter
	Text     string // in the name, the summary or a label's value
	Verdict  Verdict
	From, To time.Time // when the alert began
}

// CaseFilter selects cases. Empty fields select all.
type CaseFilter struct {
	AlertName string
	Incident  string // ID of one of its incidents
	Open      *bool
	PageSize  int // as in Filter
}

// ChangeFilter selects changes. Empty fields select all.
type ChangeFilter struct {
	Match    []string // label matchers, such as `service="checkout"`
	From, To time.Time
	PageSize int // as in Filter
}

// Is returns a pointer to b, for filters.
func Is(b bool) *bool { return &b }

// Reports iterates over the reports that a filter selects, newest first, without queries, charts
// and graph: [Client.Report] has those. It reads pages as needed. If there is an error it comes
// last.
func (c *Client) Reports(ctx context.Context, f ReportFilter) iter.Seq2[Report, error] {
	q := f.query()
	set(q, "q", f.Text)
	set(q, "verdict", string(f.Verdict))
	setTimes(q, f.From, f.To)
	return pages[Report](ctx, c, "api/v1/reports", q)
}

// Incidents iterates over the incidents that a filter selects, like [Client.Reports].
func (c *Client) Incidents(ctx context.Context, f Filter) iter.Seq2[Incident, error] {
	return pages[Incident](ctx, c, "api/v1/incidents", f.query())
}

// Cases iterates over the cases that a filter selects, like [Client.Reports].
func (c *Client) Cases(ctx context.Context, f CaseFilter) iter.Seq2[Case, error] {
	return pages[Case](ctx, c, "api/v1/cases", Filter{AlertName: f.AlertName, Incident: f.Incident, Open: f.Open, PageSize: f.PageSize}.query())
}

// Changes iterates over the changes that a filter selects, like [Client.Reports].
func (c *Client) Changes(ctx context.Context, f ChangeFilter) iter.Seq2[Change, error] {
	q := Filter{Match: f.Match, PageSize: f.PageSize}.query()
	setTimes(q, f.From, f.To)
	return pages[Change](ctx, c, "api/v1/changes", q)
}

func (f Filter) query() url.Values {
	q := url.Values{}
	set(q, "alertname", f.AlertName)
	set(q, "fingerprint", f.Fingerprint)
	set(q, "incident", f.Incident)
	set(q, "prometheus", f.Prometheus)
	set(q, "status", string(f.Status))
	for key, is := range map[string]*bool{"open": f.Open, "judged": f.Judged} {
		if is != nil {
			q.Set(key, strconv.FormatBool(*is))
		}
	}
	if len(f.Match) > 0 {
		q["match"] = f.Match
	}
	if f.PageSize > 0 {
		q.Set("limit", strconv.Itoa(f.PageSize))
	}
	return q
}

func set(q url.Values, key, value string) {
	if value != "" {
		q.Set(key, value)
	}
}

func setTimes(q url.Values, from, to time.Time) {
	for key, at := range map[string]time.Time{"from": from, "to": to} {
		if !at.IsZero() {
			q.Set(key, at.UTC().Format(time.RFC3339Nano))
		}
	}
}

// pages iterates over a list, page by page.
func pages[T any](ctx context.Context, c *Client, path string, q url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for q := clone(q); q != nil; {
			var part []T
			header, err := c.do(ctx, http.MethodGet, path, q, nil, &part)
			if err != nil {
				yield(*new(T), err)
				return
			}
			for _, one := range part {
				if !yield(one, nil) {
					return
				}
			}
			q = next(q, header)
		}
	}
}

func clone(q url.Values) url.Values {
	c := make(url.Values, len(q))
	for key, values := range q {
		c[key] = values
	}
	return c
}

// next is the query of the next page, nil on the last. It takes only the cursor from the Link
// header: culprit's URL may be different from here.
func next(q url.Values, header http.Header) url.Values {
	for _, link := range header.Values("Link") {
		address, rel, _ := strings.Cut(link, ">")
		u, err := url.Parse(strings.TrimPrefix(address, "<"))
		if err != nil || !strings.Contains(rel, `rel="next"`) {
			continue
		}
		if after := u.Query().Get("after"); after != "" && after != q.Get("after") {
			q.Set("after", after)
			return q
		}
	}
	return nil
}
