// SPDX-License-Identifier: Apache-2.0

package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// Limits for the steps of the story. Only the people's message depends on the options.
const (
	patience  = 3 * time.Minute // from the fault to its alert
	analysing = time.Minute     // from the alert to its report
	writing   = 20 * time.Second
	reconcile = 75 * time.Second // culprit checks silences twice a minute
)

// The annotations that culprit writes.
const (
	annotationSummary = "culprit_summary"
	annotationCauses  = "culprit_causes"
	annotationReport  = "culprit_report"
)

// person creates the silence of the story.
const person = "ada"

// seen collects what the story produced for one alert, and whether it was right.
type seen struct {
	truth   lab.Truth
	first   report.Report // of the earlier fault, if any
	alert   alert
	report  report.Report
	raw     []byte // the report as JSON
	message lab.Message
	silence silence // the person's, once culprit has changed it
	note    silence // culprit's own
	region  lab.GrafanaCall
	hook    hookCall

	checks []check
}

// check is one checked claim.
type check struct {
	claim string
	err   error // nil: it holds
}

// failed returns the checks that don't hold.
func (s *seen) failed() []check {
	return slices.DeleteFunc(slices.Clone(s.checks), func(c check) bool { return c.err == nil })
}

// watch follows the fault to everything that a person gets. It stops early only when nothing more
// can follow.
func (w *world) watch(ctx context.Context) *seen {
	s := &seen{truth: w.fault.Truth()}
	s.do(ctx, w, "the alert fires", w.seeAlert)
	if len(s.failed()) == 0 {
		s.do(ctx, w, "culprit reports on it", w.seeReport)
	}
	if len(s.failed()) > 0 {
		return s
	}
	s.judged(ctx, w, "", w.fault, &s.report)
	s.do(ctx, w, "the alert in Alertmanager carries the causes", w.seeAnnotations)
	s.do(ctx, w, "culprit's note is a silence that mutes nothing", w.seeNote)
	s.do(ctx, w, "Grafana is told where and when", w.seeGrafana)
	s.do(ctx, w, "the recovery webhook is called and signed", w.seeHook)
	s.do(ctx, w, "the first message to people carries the causes", w.seeMessage)
	s.do(ctx, w, "a silence made afterwards tells the causes", w.seeSilence)
	s.do(ctx, w, "the page of the report answers", w.seePage)
	if w.earlier != nil {
		s.do(ctx, w, "the first time can be explained, too", w.seeFirst)
		s.judged(ctx, w, "the first time, too, ", *w.earlier, &s.first)
	}
	return s
}

// judged compares a report with its fault. The prefix when starts each claim.
func (s *seen) judged(ctx context.Context, w *world, when string, f lab.Fault, r *report.Report) {
	truth := f.Truth()
	s.do(ctx, w, when+"the injected cause is ranked first", func(context.Context, *seen) error { return judge(*r, truth) })
	s.do(ctx, w, when+"the first line says it", func(context.Context, *seen) error { return judgeLine(*r, truth) })
	s.do(ctx, w, when+"the injected series is among the causes", func(context.Context, *seen) error { return judgeSeries(*r, truth) })
	s.do(ctx, w, when+"the figures are those of the shop", func(ctx context.Context, _ *seen) error {
		l, err := w.levels(ctx, *r, f)
		if err != nil {
			return err
		}
		return judgeFigures(*r, l)
	})
}

// do takes one step and records how it went.
func (s *seen) do(ctx context.Context, w *world, claim string, step func(context.Context, *seen) error) {
	if ctx.Err() != nil {
		return
	}
	err := step(ctx, s)
	if ctx.Err() != nil {
		return // interrupted, which says nothing about the claim
	}
	s.checks = append(s.checks, check{claim, err})
	if err == nil {
		w.say("✓ %s", claim)
	} else {
		w.say("✗ %s: %v", claim, err)
	}
	if w.shown != nil {
		w.shown(s)
	}
}

func (w *world) seeAlert(ctx context.Context, s *seen) (err error) {
	limit := patience + time.Until(w.fault.Start)
	s.alert, err = await(ctx, limit, "alert "+s.truth.Alert, func(ctx context.Context) (alert, bool, error) {
		alerts, err := w.alerts(ctx, s.truth.Alert)
		if len(alerts) == 0 {
			return alert{}, false, err
		}
		return alerts[0], true, nil
	})
	return err
}

func (w *world) seeReport(ctx context.Context, s *seen) error {
	id, err := await(ctx, analysing, "report", func(ctx context.Context) (string, bool, error) {
		reports, err := w.reports(ctx, "fingerprint", s.alert.Fingerprint)
		if len(reports) == 0 {
			return "", false, err
		}
		return reports[0].ID, true, nil
	})
	if err != nil {
		return err
	}
	s.report, s.raw, err = w.report(ctx, id)
	return err
}

// carries checks that culprit's annotations are present.
func carries(annotations model.LabelSet) error {
	for _, name := range []model.LabelName{annotationSummary, annotationCauses, annotationReport} {
		if annotations[name] == "" {
			return fmt.Errorf("it has no annotation %s", name)
		}
	}
	return nil
}

func (w *world) seeAnnotations(ctx context.Context, s *seen) error {
	_, err := await(ctx, writing, "annotated alert", func(ctx context.Context) (alert, bool, error) {
		alerts, err := w.alerts(ctx, s.truth.Alert)
		if err != nil {
			return alert{}, false, err
		}
		i := slices.IndexFunc(alerts, func(a alert) bool { return a.Fingerprint == s.alert.Fingerprint })
		if i < 0 {
			return alert{}, false, errors.New("the alert is gone")
		}
		if err := carries(alerts[i].Annotations); err != nil {
			return alert{}, false, err
		}
		s.alert = alerts[i]
		return s.alert, true, nil
	})
	return err
}

// seeNote waits for a silence about the alert that nobody here created.
func (w *world) seeNote(ctx context.Context, s *seen) (err error) {
	s.note, err = await(ctx, writing, "note", func(ctx context.Context) (silence, bool, error) {
		silences, err := w.silences(ctx)
		for _, one := range silences {
			if one.CreatedBy != person && one.Status != nil && one.Status.State == "active" {
				return one, true, nil
			}
		}
		return silence{}, false, err
	})
	if err != nil {
		return err
	}
	alerts, err := w.alerts(ctx, s.truth.Alert)
	if err != nil {
		return err
	}
	for _, a := range alerts {
		if len(a.Status.SilencedBy) > 0 {
			return fmt.Errorf("the alert %s is silenced by %v", a.Fingerprint, a.Status.SilencedBy)
		}
	}
	return nil
}

// seeGrafana waits for the annotation; for a Grafana elsewhere only culprit knows.
func (w *world) seeGrafana(ctx context.Context, s *seen) (err error) {
	s.region, err = await(ctx, writing, "annotation", func(context.Context) (lab.GrafanaCall, bool, error) {
		if w.grafana == nil {
			return w.sentToGrafana(ctx, s)
		}
		for _, c := range w.grafana.Calls() {
			// Servers that ran before may have other alerts.
			ours := strings.Contains(c.Body, `"alertname:`+s.truth.Alert+`"`)
			if c.Method == http.MethodPost && c.Path == "/api/annotations" && c.Status == http.StatusOK && ours {
				return c, true, nil
			}
		}
		return lab.GrafanaCall{}, false, nil
	})
	if err == nil && w.grafana != nil && !strings.Contains(s.region.Body, `"dashboardUID":"shop"`) {
		err = errors.New("the annotation is not on the dashboard that the rule names")
	}
	return err
}

// sentToGrafana looks up the annotation's delivery in the incident.
func (w *world) sentToGrafana(ctx context.Context, s *seen) (c lab.GrafanaCall, done bool, err error) {
	inc, err := fetchJSON[report.Incident](ctx, http.MethodGet, w.culpritURL()+"/api/v1/incidents/"+s.report.Incident, nil)
	for _, sent := range inc.Sent {
		if sent.Sink == sink.NameGrafana && sent.Status == report.SentOK {
			return lab.GrafanaCall{Method: http.MethodPost, Path: "/api/annotations", Body: sent.Ref, Status: http.StatusOK}, true, nil
		}
	}
	return c, false, err
}

func (w *world) seeHook(ctx context.Context, s *seen) (err error) {
	s.hook, err = await(ctx, writing, "recovery webhook", func(context.Context) (hookCall, bool, error) {
		for _, c := range w.hook.taken() {
			if slices.Contains(c.payload.Incident.Reports, s.report.ID) {
				return c, true, nil
			}
		}
		return hookCall{}, false, nil
	})
	if err == nil && !s.hook.signed {
		err = errors.New("its signature is wrong")
	}
	return err
}

// seeMessage waits for the first notification of the alert, whatever its content.
func (w *world) seeMessage(ctx context.Context, s *seen) (err error) {
	ctx, cancel := context.WithTimeout(ctx, w.options.groupWait+writing)
	defer cancel()
	about := func(m lab.Message) bool {
		return m.Data != nil && len(m.Alerts) > 0 && m.Alerts[0].Labels[model.AlertNameLabel] == s.truth.Alert
	}
	if s.message, err = w.people.Wait(ctx, about); err != nil {
		return err
	}
	return carries(annotationsOf(s.message))
}

// annotationsOf returns the annotations of the first alert of a message.
func annotationsOf(m lab.Message) model.LabelSet {
	set := model.LabelSet{}
	for name, value := range m.Alerts[0].Annotations {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	return set
}

// seeSilence creates a silence, as a person does after reading the message, and waits for culprit
// to add the causes.
func (w *world) seeSilence(ctx context.Context, s *seen) error {
	const comment = "looking into it"
	own := silence{StartsAt: time.Now(), EndsAt: time.Now().Add(time.Hour), CreatedBy: person, Comment: comment}
	for name, value := range s.named() {
		own.Matchers = append(own.Matchers, silenceMatcher{Name: string(name), Value: string(value), IsEqual: true})
	}
	id, err := w.silence(ctx, own)
	if err != nil {
		return err
	}
	w.say("%s silences the alert for an hour: %q", person, comment)
	s.silence, err = await(ctx, reconcile, "comment with the causes", func(ctx context.Context) (silence, bool, error) {
		now, err := fetchJSON[silence](ctx, http.MethodGet, w.alertmanagerURL+"/api/v2/silence/"+id, nil)
		return now, strings.HasPrefix(now.Comment, comment) && len(now.Comment) > len(comment), err
	})
	if err == nil && (s.silence.CreatedBy != person || s.silence.Status.State != "active") {
		err = fmt.Errorf("it is %s now and by %s", s.silence.Status.State, s.silence.CreatedBy)
	}
	return err
}

// seeFirst has culprit explain the earlier fault, as of two minutes before its end.
func (w *world) seeFirst(ctx context.Context, s *seen) (err error) {
	about := map[string]any{"labels": s.named(), "at": w.earlier.End.Add(-2 * time.Minute)}
	s.first, err = fetchJSON[report.Report](ctx, http.MethodPost, w.culpritURL()+"/api/v1/explain", about)
	return err
}

// named identifies the alert by name and, if it has one, service.
func (s *seen) named() model.LabelSet {
	set := model.LabelSet{}
	for _, name := range []model.LabelName{model.AlertNameLabel, "service"} {
		if value, ok := s.alert.Labels[name]; ok {
			set[name] = value
		}
	}
	return set
}

func (w *world) seePage(ctx context.Context, s *seen) error {
	page, err := fetch(ctx, http.MethodGet, s.report.URL, nil)
	if err != nil {
		return err
	}
	if !strings.Contains(string(page), s.truth.Alert) {
		return fmt.Errorf("the page at %s does not name the alert", s.report.URL)
	}
	// By now every write-back has left its trace in the report.
	s.report, s.raw, err = w.report(ctx, s.report.ID)
	return err
}
