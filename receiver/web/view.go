// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

// reportPage is a report in words.
type reportPage struct {
	ID, Name      string
	Answer, More  string // the summary: its first part, and the rest
	Verdict, Kind string // in words; and its CSS class
	State         string // firing since …, resolved after …
	Open          bool
	Labels        []pair
	About         []pair // the alert's own annotations
	Links         []link
	Incident      string
	Moved         moved
	Causes        causeList
	NoCause       string // set if there are no causes
	Impact        string // affected services
	Chart         *chartView
	Dimensions    []dimensionView
	Forecast      string
	Graph         *graphView
	Warnings      []analysis.Warning
	Queries       []queryGroup
	AsOf          string
	Window        string
	Sent          []sentView
	Case          string
	Around        aroundView
	Seen          []seenView
	Others        []otherView // alerts among the changes
	Then          thenView
	Handled       []handledView
	Said          []saidView // feedback on this report
	Asks          bool       // whether to ask for feedback
	Explains      bool       // whether to offer a fresh look
	Fresh         bool       // it is a fresh look, which is not stored
	Again         againView
	Facts         []pair
	FitText       string
	NoChange      string // set if no change was found before the onset; empty also if nobody looked
	Partial       bool
}

type pair struct{ Key, Value string }

// moved is the KPI before and during the incident.
type moved struct{ KPI, Before, After, Factor string }

func (p reportPage) title() string { return p.Name + ": " + p.Answer + p.More }

func (s *server) newReportPage(r report.Report) reportPage {
	now, unit, servers := clock{s.now().UTC()}, r.Unit(), s.servers()
	p := reportPage{
		ID: r.ID, Name: r.Name(), Incident: r.Incident,
		State: now.state(r.Alert.StartsAt, r.ResolvedAt), Open: r.Open(),
		Labels: alertLabels(r.Alert), About: about(r.Alert),
		Links: []link{
			servers.dashboard(r), servers.linkTo(string(r.Alert.Annotations["runbook_url"]), "Runbook"),
			servers.linkTo(r.Alert.GeneratorURL, "Source"), servers.silence(r),
		},
		AsOf: now.stamp(now.now),

		Chart:    kpiChart(r, unit),
		Forecast: r.Result.Forecast,
		Graph:    drawGraph(r.Result),
		Warnings: r.Result.Warnings,
		Sent:     sent(r.Sent, now),
		Around:   newAround(r, servers, now),
		Case:     r.Case, Seen: seenBefore(r.Seen, now), Others: otherAlerts(r), Then: s.then(r), Handled: handled(r, now),
		Said: said(r, now), Asks: s.judge != nil, Explains: s.explainer != nil && s.explainer.Explains(),
		Partial: r.Status != report.Complete,
	}
	said := report.AnswerOf(r.Result)
	p.Verdict, p.Kind = said.Look, said.Class
	p.Answer, p.More = headline(r)
	if strings.HasPrefix(p.Answer, p.Verdict) {
		p.Verdict = "" // shown already
	}
	p.NoCause = said.Nothing
	p.Moved = movement(r, unit)
	p.Causes, p.Impact = causes(r), r.Impact()
	p.Dimensions = dimensions(r.Result.Dimensions, r.PartUnit())
	p.Queries = groupQueries(r, servers)
	p.FitText, p.NoChange = fitText(r.Result.Fit), r.NoChange()
	p.Window = fmt.Sprintf("%s to %s, every %s", now.stamp(r.Plan.Start), now.stamp(r.Plan.End), r.Plan.Step)
	p.Facts = facts(r, now)
	return p
}

// headline splits the summary for display. A report keeps the summary that was sent; if that can't
// be split any more it is shown as a whole.
func headline(r report.Report) (answer, more string) {
	parts := r.Parts()
	if strings.Join(parts, "") != r.Summary {
		return r.Summary, ""
	}
	return parts[0], strings.Join(parts[1:], "")
}

func movement(r report.Report, unit words.Unit) moved {
	c := r.Result.Change
	if c == nil {
		return moved{}
	}
	return moved{r.KPI(), unit.Format(c.Forecast), unit.Format(c.Actual), words.Factor(c.Forecast, c.Actual)}
}

func fitText(f *analysis.Fit) string {
	if f == nil || f.Series == 0 {
		return ""
	}
	if still := report.StillSeries(f); still != "" {
		return still + "."
	}
	return fmt.Sprintf("%s, %d moved in the incident.", report.LookedAt(f), f.Moved)
}

// regression summarizes the regression on the series.
func regression(f *analysis.Fit) string {
	if f == nil || f.Selected == 0 {
		return ""
	}
	text := fmt.Sprintf("%s chosen, %s of the KPI's variance explained", counted(f.Selected, "series", "series"), words.Percent(f.Explained))
	if !f.Converged {
		text += "; it did not converge"
	}
	return text
}

func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}

func facts(r report.Report, now clock) []pair {
	fired := now.stamp(r.Alert.StartsAt)
	if r.HeldFor > 0 {
		fired += ", with for: " + model.Duration(r.HeldFor*float64(time.Second)).String()
	}
	facts := []pair{
		{"Rule", cmp.Or(r.Rule, "none: explained by its own expression")},
		{"Onset", now.stamp(r.Onset)},
		{"Fired", fired},
		{"Reported", now.stamp(r.CreatedAt)},
	}
	if r.Prometheus != "" {
		facts = slices.Insert(facts, 1, pair{"Prometheus", r.Prometheus})
	}
	if c := r.Result.Recombined; c != nil {
		facts = append(facts, pair{"The parts add up to", words.Percent(math.Round(1000*c.Share())/1000) + " of the whole"})
	}
	t := r.Timings
	for _, step := range []struct {
		name    string
		seconds float64
	}{{"Waited in the queue", t.Queued}, {"Asked Prometheus", t.Fetch}, {"Analysed", t.Analyze}, {"Written back", t.Publish}} {
		if step.seconds > 0 {
			facts = append(facts, pair{step.name, words.Seconds.Format(step.seconds)})
		}
	}
	if text := regression(r.Result.Fit); text != "" {
		facts = append(facts, pair{"Regression", text})
	}
	return append(facts, pair{"Fingerprint", r.Alert.Fingerprint})
}

// alertLabels are the labels of an alert without its name, sorted.
func alertLabels(a report.Alert) []pair {
	labels := pairs(a.Labels)
	return slices.DeleteFunc(labels, func(p pair) bool { return p.Key == model.AlertNameLabel })
}

// about are the alert's annotations, without culprit's own and without links.
func about(a report.Alert) []pair {
	return slices.DeleteFunc(pairs(a.Annotations), func(p pair) bool {
		return strings.HasPrefix(p.Key, "culprit_") || strings.HasPrefix(p.Key, "__") || p.Key == "runbook_url"
	})
}

func pairs(set model.LabelSet) []pair {
	out := make([]pair, 0, len(set))
	for k, v := range set {
		out = append(out, pair{string(k), string(v)})
	}
	slices.SortFunc(out, func(a, b pair) int { return strings.Compare(a.Key, b.Key) })
	return out
}

// sentView is one write-back in words.
type sentView struct{ Sink, Mark, Words, Ref, When, Class string }

func sent(all []report.Sent, now clock) []sentView {
	views := make([]sentView, len(all))
	for i, s := range all {
		v := sentView{Sink: s.Sink, Ref: s.Ref, Class: s.Status}
		if !s.At.IsZero() {
			v.When = now.stamp(s.At)
		}
		switch s.Status {
		case report.SentOK:
			v.Mark, v.Words = "✓", "sent"
		case report.SentSkipped:
			v.Mark, v.Words = "–", "not sent: "+s.Error
		default:
			v.Mark, v.Words = "✗", "failed: "+s.Error
		}
		views[i] = v
	}
	return views
}

// clock formats times relative to now.
type clock struct{ now time.Time }

// stamp formats a time as briefly as possible: 03:04 UTC today, otherwise 14 Mar 03:04 UTC.
func (c clock) stamp(t time.Time) string {
	if t.IsZero() {
		return "unknown"
	}
	t = t.UTC()
	switch now := c.now.UTC(); {
	case t.Year() != now.Year():
		return t.Format("2 Jan 2006 15:04 UTC")
	case t.YearDay() != now.YearDay():
		return t.Format("2 Jan 15:04 UTC")
	default:
		return t.Format("15:04 UTC")
	}
}

// state says whether an alert fires, and for how long.
func (c clock) state(starts time.Time, resolved *time.Time) string {
	if resolved != nil {
		return "resolved after " + span(resolved.Sub(starts))
	}
	return "firing for " + span(c.now.Sub(starts))
}

// span formats a duration in its two largest units.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0 s"
	case d < 2*time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < 2*time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}
