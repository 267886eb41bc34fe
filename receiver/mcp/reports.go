// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"strconv"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// explainArgs are the arguments of explain_alert.
type explainArgs struct {
	Fingerprint string            `json:"fingerprint,omitempty" jsonschema:"of an alert that has a report"`
	Labels      map[string]string `json:"labels,omitempty" jsonschema:"of an alert, including alertname; some are enough if they identify one alert"`
	At          string            `json:"at,omitempty" jsonschema:"a time of the past at which an alert with these labels fired: RFC 3339, Unix seconds, or how long ago, such as 2h; left out: now"`
	Prometheus  string            `json:"prometheus,omitempty" jsonschema:"name of the server to ask, where there are several and the labels choose none"`
}

// explainAlert is the tool explain_alert. It shares the slots, time limit and permission of `POST
// /api/v1/explain`.
func (s *server) explainAlert(ctx context.Context, in explainArgs) (string, answer, error) {
	found, err := s.explain(ctx, in)
	if err != nil {
		return "", answer{}, err
	}
	a := s.linked(ctx, s.told(found))
	return a.text(), a, nil
}

func (s *server) explain(ctx context.Context, in explainArgs) (report.Report, error) {
	switch {
	case (in.Fingerprint == "") == (len(in.Labels) == 0):
		return report.Report{}, errors.New("give either the fingerprint of the alert or its labels; hint: list_reports lists both")
	case in.Fingerprint != "" && in.At != "":
		return report.Report{}, errors.New("at needs labels; hint: get_report returns what was found when the alert fired")
	case in.Fingerprint != "":
		known, err := s.latest(ctx, in.Fingerprint)
		if err != nil {
			return report.Report{}, err
		}
		return s.Explainer.Explain(ctx, known, nil)
	}
	at, err := find.Time(in.At, s.Now())
	if err != nil {
		return report.Report{}, err
	}
	set := make(model.LabelSet, len(in.Labels))
	for name, value := range in.Labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return s.Explainer.Ask(ctx, find.Ask{Labels: set, At: at, Prometheus: in.Prometheus})
}

// getArgs are the arguments of get_report.
type getArgs struct {
	ID          string `json:"id,omitempty" jsonschema:"of the report, from list_reports"`
	Fingerprint string `json:"fingerprint,omitempty" jsonschema:"of the alert: its newest report"`
}

// getReport is the tool get_report.
func (s *server) getReport(ctx context.Context, in getArgs) (string, answer, error) {
	r, err := s.read(ctx, in)
	if err != nil {
		return "", answer{}, err
	}
	a := s.stored(r)
	return a.text(), a, nil
}

func (s *server) read(ctx context.Context, in getArgs) (report.Report, error) {
	switch {
	case (in.ID == "") == (in.Fingerprint == ""):
		return report.Report{}, errors.New("give either the id of a report or the fingerprint of an alert; hint: list_reports lists both")
	case in.ID != "" && !report.ValidID(in.ID):
		return report.Report{}, fmt.Errorf("%.40q is not a report id; hint: list_reports lists them", in.ID)
	case in.ID != "":
		r, err := s.Reports.Report(ctx, in.ID)
		return r, said(err, "report "+in.ID)
	}
	return s.latest(ctx, in.Fingerprint)
}

// latest returns the newest report of an alert.
func (s *server) latest(ctx context.Context, fingerprint string) (report.Report, error) {
	if !report.ValidFingerprint(fingerprint) {
		return report.Report{}, fmt.Errorf("%.40q is not an alert fingerprint (16 hexadecimal digits); hint: list_reports lists them", fingerprint)
	}
	r, err := s.Reports.Latest(ctx, fingerprint)
	return r, said(err, "report about the alert "+fingerprint)
}

// said describes an error of the store.
func said(err error, what string) error {
	switch {
	case errors.Is(err, web.ErrNotFound):
		return fmt.Errorf("no %s is stored, or no longer; hint: list_reports lists those that are", what)
	case errors.Is(err, web.ErrPending):
		return errors.New("this alert is being explained; hint: ask again in a few seconds")
	}
	return err
}

// listArgs are the arguments of list_reports.
type listArgs struct {
	Firing    *bool    `json:"firing,omitempty" jsonschema:"true: only alerts that still fire; false: only those that have ended"`
	AlertName string   `json:"alertname,omitempty"`
	Match     []string `json:"match,omitempty" jsonschema:"matchers of the alert's labels, such as service=~\"checkout|cart\""`
	Verdict   string   `json:"verdict,omitempty" jsonschema:"explained, external, no_confident_cause, no_change or insufficient_evidence"`
	Text      string   `json:"text,omitempty" jsonschema:"part of the alert's name, of the line or of a label value"`
	From      string   `json:"from,omitempty" jsonschema:"when the alert began, at the earliest: RFC 3339, Unix seconds, or how long ago, such as 2h"`
	To        string   `json:"to,omitempty" jsonschema:"and at the latest"`
	Limit     int      `json:"limit,omitempty" jsonschema:"maximum number; an answer has room for about six"`
	After     string   `json:"after,omitempty" jsonschema:"next from the previous answer"`
}

// query converts the arguments to the query of the API's list.
func (s *server) query(in listArgs) (*url.URL, error) {
	q := url.Values{"match": in.Match}
	for key, text := range map[string]string{"alertname": in.AlertName, "verdict": in.Verdict, "q": in.Text, "after": in.After} {
		if text != "" {
			q.Set(key, text)
		}
	}
	for key, text := range map[string]string{"from": in.From, "to": in.To} {
		at, err := find.Time(text, s.Now())
		if err != nil {
			return nil, err
		}
		if !at.IsZero() {
			q.Set(key, at.Format("2006-01-02T15:04:05.999Z07:00"))
		}
	}
	if in.Firing != nil {
		q.Set("open", strconv.FormatBool(*in.Firing))
	}
	if in.Limit != 0 {
		q.Set("limit", strconv.Itoa(in.Limit))
	}
	return &url.URL{RawQuery: q.Encode()}, nil
}

// listed is one report of a list.
type listed struct {
	ID          string            `json:"id"`
	Line        string            `json:"line"`
	Verdict     string            `json:"verdict"`
	Confidence  string            `json:"confidence" jsonschema:"high, medium or low; none where no cause is given"`
	Guess       bool              `json:"guess"`
	Firing      bool              `json:"firing"`
	StartsAt    string            `json:"startsAt"`
	Fingerprint string            `json:"fingerprint"`
	Labels      map[string]string `json:"labels" jsonschema:"the first few of the alert"`
	URL         string            `json:"url"`
}

// list is one page of reports.
type list struct {
	Reports []listed `json:"reports" jsonschema:"newest first"`
	Next    string   `json:"next,omitempty" jsonschema:"pass it as after to get older ones; empty: there are none"`
}

// mostListed bounds the reports examined for one answer.
const mostListed = 20

// listReports is the tool list_reports.
func (s *server) listReports(ctx context.Context, in listArgs) (string, list, error) {
	u, err := s.query(in)
	if err != nil {
		return "", list{}, err
	}
	f, err := web.FilterOfReports(u)
	if err != nil {
		return "", list{}, err
	}
	f.Limit = min(f.Limit, mostListed) + 1 // one more, to know whether there is another page
	found, err := s.Reports.Reports(ctx, f)
	if err != nil {
		return "", list{}, err
	}
	var rows []listed
	for _, r := range found[:min(len(found), f.Limit-1)] {
		rows = append(rows, s.listed(r))
	}
	l := list{Reports: append([]listed{}, fitting(rows, maxList)...)}
	if n := len(l.Reports); n > 0 && n < len(found) {
		l.Next = changelog.Cursor{At: found[n-1].CreatedAt, ID: found[n-1].ID}.String()
	}
	return sayList(len(l.Reports), "report", "reports", l.Next), l, nil
}

func sayList(n int, one, several, next string) string {
	text := many(n, one, several)
	if next != "" {
		text += "; there are older ones: call again with after " + next
	}
	return text
}

func (s *server) listed(r report.Report) listed {
	row := listed{
		ID: r.ID, Line: short(r.Line(), 250), Verdict: string(r.Result.Verdict), Firing: r.Open(),
		StartsAt: stamp(r.Alert.StartsAt), Fingerprint: r.Alert.Fingerprint, URL: s.page("reports", r.ID),
	}
	row.Confidence, row.Guess = trust(r.Named())
	row.Labels, _ = shortLabels(r.Alert.Labels, 200)
	return row
}
