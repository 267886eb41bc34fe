// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// pause is the polling interval.
const pause = 250 * time.Millisecond

// alert is the part of GET /api/v2/alerts that the demo reads.
type alert struct {
	Fingerprint string         `json:"fingerprint"`
	Labels      model.LabelSet `json:"labels"`
	Annotations model.LabelSet `json:"annotations"`
	StartsAt    time.Time      `json:"startsAt"`
	Status      struct {
		State      string   `json:"state"`
		SilencedBy []string `json:"silencedBy"`
	} `json:"status"`
}

// silence is the part of /api/v2/silences that the demo reads and writes.
type silence struct {
	ID        string           `json:"id,omitempty"`
	Matchers  []silenceMatcher `json:"matchers"`
	StartsAt  time.Time        `json:"startsAt"`
	EndsAt    time.Time        `json:"endsAt"`
	CreatedBy string           `json:"createdBy"`
	Comment   string           `json:"comment"`
	Status    *struct {
		State string `json:"state"`
	} `json:"status,omitempty"`
}

type silenceMatcher struct {
	Name    string `json:"name"`
	Value   string `json:"value"`
	IsRegex bool   `json:"isRegex"`
	IsEqual bool   `json:"isEqual"`
}

// fetch sends a request and returns the body of a 2xx answer.
func fetch(ctx context.Context, method, url string, body any) ([]byte, error) {
	var reader io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(ctx, method, url, reader)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode/100 != 2 {
		err = fmt.Errorf("%s %s: %s: %s", method, url, resp.Status, bytes.TrimSpace(text))
	}
	return text, err
}

// fetchJSON sends a request and decodes the answer.
func fetchJSON[T any](ctx context.Context, method, url string, body any) (T, error) {
	var v T
	text, err := fetch(ctx, method, url, body)
	if err == nil && len(text) > 0 {
		if err = json.Unmarshal(text, &v); err != nil {
			err = fmt.Errorf("%s %s: %w", method, url, err)
		}
	}
	return v, err
}

// alerts returns Alertmanager's alerts with the given name.
func (w *world) alerts(ctx context.Context, name string) ([]alert, error) {
	filter := url.Values{"filter": {fmt.Sprintf("alertname=%q", name)}}
	return fetchJSON[[]alert](ctx, http.MethodGet, w.alertmanagerURL+"/api/v2/alerts?"+filter.Encode(), nil)
}

// silences returns Alertmanager's silences.
func (w *world) silences(ctx context.Context) ([]silence, error) {
	return fetchJSON[[]silence](ctx, http.MethodGet, w.alertmanagerURL+"/api/v2/silences", nil)
}

// silence creates a silence and returns its id.
func (w *world) silence(ctx context.Context, s silence) (string, error) {
	type made struct {
		ID string `json:"silenceID"`
	}
	m, err := fetchJSON[made](ctx, http.MethodPost, w.alertmanagerURL+"/api/v2/silences", s)
	return m.ID, err
}

// reports returns culprit's reports that match a filter, such as a fingerprint or an alertname,
// newest first.
func (w *world) reports(ctx context.Context, key, value string) ([]report.Report, error) {
	query := url.Values{key: {value}}
	return fetchJSON[[]report.Report](ctx, http.MethodGet, w.culpritURL()+"/api/v1/reports?"+query.Encode(), nil)
}

// report returns a whole report, and its JSON.
func (w *world) report(ctx context.Context, id string) (r report.Report, raw []byte, err error) {
	raw, err = fetch(ctx, http.MethodGet, w.culpritURL()+"/api/v1/reports/"+url.PathEscape(id), nil)
	if err == nil {
		err = json.Unmarshal(raw, &r)
	}
	return r, raw, err
}

// levels queries Prometheus for a report's KPI: its median over the five minutes before the fault's
// resource moved, and its value at the end of the analysed incident. The median, because a busy
// machine leaves a gap between history and first scrape, where a rate is too low.
func (w *world) levels(ctx context.Context, r report.Report, f lab.Fault) (l levels, err error) {
	i := slices.IndexFunc(r.Plan.Queries, func(q report.Query) bool { return q.Role == "target" })
	if i < 0 {
		return l, errors.New("the report has no query of the KPI")
	}
	kpi := r.Plan.Queries[i].Query
	if l.usual, err = w.value(ctx, fmt.Sprintf("quantile_over_time(0.5, (%s)[5m:15s])", kpi), f.Start.Add(-f.Lead)); err != nil {
		return l, err
	}
	l.now, err = w.value(ctx, kpi, r.Plan.End)
	return l, err
}

// value queries Prometheus for a single number.
func (w *world) value(ctx context.Context, query string, at time.Time) (float64, error) {
	type answer struct {
		Data struct {
			Result model.Vector `json:"result"`
		} `json:"data"`
	}
	form := url.Values{"query": {query}, "time": {at.Format(time.RFC3339Nano)}}
	a, err := fetchJSON[answer](ctx, http.MethodGet, w.prometheusURL+"/api/v1/query?"+form.Encode(), nil)
	if err == nil && len(a.Data.Result) != 1 {
		err = fmt.Errorf("%s has %d values at %s, want one", query, len(a.Data.Result), at)
	}
	if err != nil {
		return 0, err
	}
	return float64(a.Data.Result[0].Value), nil
}

// await polls look until it finds something, fails for good, or time is up. Errors of look are
// reported only when time is up.
func await[T any](ctx context.Context, limit time.Duration, what string, look func(context.Context) (T, bool, error)) (T, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	for {
		v, found, err := look(ctx)
		if found {
			return v, nil
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			if err != nil {
				return v, fmt.Errorf("no %s within %s: %w", what, limit, err)
			}
			return v, fmt.Errorf("no %s within %s", what, limit)
		}
	}
}
