// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/url"
	"slices"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// measurement is the result of a storm.
type measurement struct {
	fired     int
	group     int
	firing    time.Duration // from the first startsAt to the last
	reports   map[string]report.Report
	listed    int           // reports that culprit has, of any alert
	analyses  int           // by culprit; some alerts are analysed again
	annotated []float64     // seconds from the webhook to the annotation, ascending
	last      time.Duration // from the first startsAt to the last report
	queries   int
	rss       int64
}

// measure runs one storm.
func measure(ctx context.Context, o options, say func(string, ...any)) (m measurement, err error) {
	f, err := startField(ctx, o, say)
	if err != nil {
		return m, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()

	say("%d alerts fire within %s", o.alerts, o.within)
	firing, calm := context.WithCancel(ctx)
	fired := make(chan error, 1)
	go func() { fired <- f.fire(firing, o) }()
	err = m.wait(ctx, f, o, say)
	calm()
	if err = errors.Join(err, <-fired); err != nil {
		return m, err
	}
	if err := m.scrape(ctx, f.culprit.URL()); err != nil {
		return m, err
	}
	m.fired, m.group = o.alerts, o.group
	m.count()
	err = f.culprit.Stop()
	m.rss = f.culprit.MaxRSS()
	return m, err
}

// wait returns when every alert has a report, or time is up.
func (m *measurement) wait(ctx context.Context, f *field, o options, say func(string, ...any)) error {
	deadline := time.Now().Add(o.limit)
	for told := time.Now(); ; {
		if err := m.read(ctx, f.culprit.URL()); err != nil {
			return err
		}
		if m.complete() >= o.alerts || time.Now().After(deadline) {
			return nil
		}
		if time.Since(told) > 5*time.Second {
			say("%d of %d alerts have a report", len(m.reports), o.alerts)
			told = time.Now()
		}
		select {
		case <-time.After(m.pause()):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// pause is the polling interval: reading thousands of reports loads culprit, too.
func (m *measurement) pause() time.Duration {
	return 500*time.Millisecond + time.Duration(len(m.reports))*2*time.Millisecond
}

// read lists the reports of every service; a list has at most a thousand.
func (m *measurement) read(ctx context.Context, base string) error {
	m.reports, m.listed = map[string]report.Report{}, 0
	for _, service := range []string{"frontend", "catalog", "search", "cart", "checkout", "payment", "shipping", "accounts"} {
		query := url.Values{"limit": {"1000"}, "match": {fmt.Sprintf("service=%q", service)}}
		var page []report.Report
		if err := get(ctx, base+"/api/v1/reports?"+query.Encode(), func(r io.Reader) error {
			return json.NewDecoder(r).Decode(&page)
		}); err != nil {
			return err
		}
		m.listed += len(page)
		for _, r := range page {
			m.reports[r.Alert.Fingerprint] = r
		}
	}
	return nil
}

// complete counts the reports whose write-backs are done.
func (m *measurement) complete() int {
	n := 0
	for _, r := range m.reports {
		if len(r.Sent) > 0 {
			n++
		}
	}
	return n
}

// count computes the times from the reports.
func (m *measurement) count() {
	var first, latest, last time.Time
	for _, r := range m.reports {
		start := r.Alert.StartsAt
		if first.IsZero() || start.Before(first) {
			first = start
		}
		latest = later(latest, start)
		last = later(last, r.CreatedAt)
		webhook := r.CreatedAt.Add(-time.Duration(r.Timings.Queued * float64(time.Second)))
		for _, sent := range r.Sent {
			if sent.Sink == sink.NameAnnotation && sent.Status == report.SentOK {
				m.annotated = append(m.annotated, sent.At.Sub(webhook).Seconds())
			}
			last = later(last, sent.At)
		}
	}
	slices.Sort(m.annotated)
	m.firing, m.last = latest.Sub(first), last.Sub(first)
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// scrape reads culprit's own metrics.
func (m *measurement) scrape(ctx context.Context, base string) error {
	return get(ctx, base+"/metrics", func(r io.Reader) error {
		parser := expfmt.NewTextParser(model.UTF8Validation)
		families, err := parser.TextToMetricFamilies(r)
		if err != nil {
			return err
		}
		for _, c := range families["culprit_reports_total"].GetMetric() {
			m.analyses += int(c.GetCounter().GetValue())
		}
		for _, c := range families["culprit_prometheus_queries_total"].GetMetric() {
			m.queries += int(c.GetCounter().GetValue())
		}
		return nil
	})
}

// twice counts the reports beyond the first of their alert.
func (m measurement) twice() int { return m.listed - len(m.reports) }

// quantile returns a quantile of a sorted list.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return math.NaN()
	}
	return sorted[int(math.Round(q*float64(len(sorted)-1)))]
}

// pods lists the shop's pods by the labels of the alerts.
func (f *field) pods(ctx context.Context) (pods []labels.Labels, err error) {
	query := url.Values{"match[]": {"go_goroutines"}}
	var answer struct{ Data []labels.Labels }
	err = get(ctx, f.prometheus.URL()+"/api/v1/series?"+query.Encode(), func(r io.Reader) error {
		return json.NewDecoder(r).Decode(&answer)
	})
	if err == nil && len(answer.Data) == 0 {
		err = errors.New("the shop has no pods")
	}
	return answer.Data, err
}

// answerTimeout exceeds what a server needs on a busy machine.
const answerTimeout = 30 * time.Second

// get sends a GET and hands the body to read.
func get(ctx context.Context, url string, read func(io.Reader) error) error {
	ctx, cancel := context.WithTimeout(ctx, answerTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", url, resp.Status)
	}
	return read(resp.Body)
}
