// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Fetcher asks Prometheus.
type Fetcher interface {
	// Locate finds when the anomaly began and which of the alert's labels its
	// series have. What could not be found out is a warning.
	Locate(ctx context.Context, alert promql.Alert) (promql.Alert, []analysis.Warning)
	// Complete fills in what a rule leaves out: what the alert's expression
	// measures, and candidates, first those of the catalogue. What could not be
	// found out is a warning.
	Complete(ctx context.Context, rule config.Rule, alert promql.Alert, catalogue []config.Known) (config.Rule, promql.Alert, []analysis.Warning)
	// Fetch asks the queries of a plan. A query that fails is a warning in the
	// frame; an error means that nothing at all could be asked.
	Fetch(ctx context.Context, plan promql.Plan) (promql.Fetched, error)
}

// ChangeLog knows what others have told of changes.
type ChangeLog interface {
	// Between returns the changes of which a part lies in a time, both ends inclusive.
	Between(ctx context.Context, from, to time.Time) ([]changes.Change, error)
}

// Store keeps what was found.
type Store interface {
	// Put writes a report; the same id again replaces it. It makes the report
	// part of the open incident of its alert group and returns that.
	Put(ctx context.Context, r *record) (report.Incident, error)
}

// Publisher tells what was found: each sink by itself, and later again if it
// can't be reached. It returns at once.
type Publisher interface {
	// Publish tells of a report that is in the store, and of its incident.
	// received is when Alertmanager's message came, zero if there was none.
	Publish(r report.Report, received time.Time)
}

// Question is one alert to explain, with everything that the answer depends on.
type Question struct {
	Alert     report.Alert
	Rule      *config.Rule
	Catalogue []config.Known   // candidates, where the rule names none
	Options   analysis.Options // the rule's, over those of the configuration
	Onset     time.Time        // when the anomaly began; zero: the fetcher is asked
	Now       time.Time
	Trust     config.Trust // in the alert's expression; empty: any
	ByHand    bool         // somebody asks: it is not one more alert of a storm
	Changes   ChangeLog    // nil: nobody tells of changes
	Context   config.Context
}

// Pipeline is the walk of one alert, with what it needs on the way.
type Pipeline struct {
	Rule      *config.Rule
	Catalogue []config.Known   // candidates, where the rule names none
	Options   analysis.Options // the rule's, over those of the configuration
	Trust     config.Trust     // in the expressions of alerts
	Fetcher   Fetcher
	Changes   ChangeLog // nil: nobody tells of changes
	Context   config.Context
	Store     Store
	Publisher Publisher
	Base      string // external URL of the report pages
	Metrics   *metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// explain takes one firing alert to its causes and back.
//
// Whatever happens on the way ends in a report, even when the report says only
// why there is nothing to say. An error means that not even that could be
// stored, and that the job should come again. known is the whole report that the
// alert has already, if this is another try; it stays if this one finds no
// evidence, and it did.
func (p *Pipeline) explain(ctx context.Context, j job, known record) (record, error) {
	r := known
	r.Group, r.Tries, r.AnalyzedAt = j.Group, known.Tries+1, p.Now()
	in := investigate(ctx, p.Fetcher, Question{
		Alert: j.Alert, Rule: p.Rule, Catalogue: p.Catalogue, Options: p.Options, Trust: p.Trust, Now: r.AnalyzedAt,
		Changes: p.Changes, Context: p.Context,
	})
	if err := ctx.Err(); err != nil {
		return r, err // it was cut off: that is no finding, and the job comes again
	}
	in.Base, in.Timings.Queued = p.Base, r.AnalyzedAt.Sub(j.ReceivedAt).Seconds()
	p.Metrics.observe("fetch", in.Timings.Fetch)
	p.Metrics.observe("analyze", in.Timings.Analyze)
	in.Result.Warnings = append(in.Result.Warnings, j.missing()...)
	return p.conclude(ctx, j, r, in)
}

// investigate is the middle of the walk, which the command line shares: from an
// alert to everything that its report is made of. It writes nothing anywhere.
func investigate(ctx context.Context, f Fetcher, q Question) (in report.Input) {
	in = report.Input{Alert: q.Alert, Rule: q.Rule.Name, Now: q.Now, Grafana: placeOf(q.Rule, q.Alert)}
	start := time.Now()
	defer func() {
		around, _ := f.(Surroundings) // without it the alert's own labels tell what they tell
		surround(ctx, around, q.Context, &in)
	}()
	alert, doubts := locate(ctx, f, q)
	in.Onset = alert.Onset
	rule, alert, more := f.Complete(ctx, *q.Rule, alert, q.Catalogue)
	doubts = append(doubts, more...)
	plan, err := promql.NewPlan(rule, alert, q.Now)
	if err != nil {
		in.Result = failed("plan", err, doubts)
		return in
	}
	in.Plan = describe(plan, plan.Queries)
	in.Timings.Fetch = time.Since(start).Seconds()
	looks := looker{f, q.Changes, q.Options, doubts, &in.Timings}
	l, err := looks.at(ctx, plan)
	if err != nil {
		in.Result = failed("prometheus", err, doubts)
		return in
	}
	l = looks.beside(ctx, looks.closer(ctx, l), rule, alert, q.Now)
	in.Plan, in.Result = describe(l.Plan, l.asked), l.result
	in.Charts = report.Charts(l.Frame, in.Result.Causes)
	return in
}

// look is a plan with what came of it.
type look struct {
	promql.Fetched
	asked  []promql.Query // by this look and by those before it
	result analysis.Result
}

// after adds the questions of other looks to those of l, for the report: they
// are shown also where they brought nothing.
func (l look) after(others []promql.Query) look {
	for _, q := range others {
		if !slices.ContainsFunc(l.asked, func(own promql.Query) bool { return own.Role == q.Role && own.Query == q.Query }) {
			l.asked = append(l.asked, q)
		}
	}
	return l
}

// looker takes the last two steps of the middle, once or more often.
type looker struct {
	fetcher Fetcher
	log     ChangeLog
	options analysis.Options
	doubts  []analysis.Warning // from the steps before
	took    *report.Timings
}

// at asks what a plan asks and analyses the answers.
func (k looker) at(ctx context.Context, plan promql.Plan) (look, error) {
	start := time.Now()
	fetched, err := k.fetcher.Fetch(ctx, plan)
	k.took.Fetch += time.Since(start).Seconds()
	if err != nil {
		return look{}, err
	}
	start = time.Now()
	k.withLogged(ctx, &fetched)
	fetched.Frame.Warnings = slices.Concat(k.doubts, fetched.Frame.Warnings)
	result := analysis.Run(fetched.Frame, k.options)
	k.took.Analyze += time.Since(start).Seconds()
	return look{fetched, fetched.Asked(), result}, nil
}

// withLogged adds the changes that others have told of.
func (k looker) withLogged(ctx context.Context, f *promql.Fetched) {
	if k.log == nil {
		return
	}
	since := f.Plan.ChangesSince()
	told, err := k.log.Between(ctx, since, f.Plan.End)
	if err != nil {
		f.Frame.Warnings = append(f.Frame.Warnings, analysis.Warning{Source: "changes", Text: err.Error()})
		return
	}
	f.Frame.Changes = append(f.Frame.Changes, told...)
}

// closer goes on from a first look, where there is more to ask: by the names of
// replicas where no other label tells a place inside of the KPI, and inside of the
// place, once it is known. A further look that brings nothing leaves what was
// found before.
func (k looker) closer(ctx context.Context, l look) look {
	where := place(l.result.Causes)
	if finer, ok := l.ByReplica(); ok && (report.AnswerOf(l.result).Placeless || where.Evidence.OnlyOf > 0) {
		again, err := k.at(ctx, finer)
		if err == nil && nearer(place(again.result.Causes), where) {
			l, again = again, l
		}
		l = l.after(again.asked)
	}
	if inside, ok := l.Within(place(l.result.Causes)); ok {
		again, err := k.at(ctx, inside)
		if err == nil {
			return again.after(l.asked)
		}
		l.result.Warnings = append(l.result.Warnings, analysis.Warning{Source: "prometheus", Text: err.Error()})
	}
	return l
}

// nearer says whether one place says more than another: there is none yet, or it
// is the KPI's own among those beside it, which says nothing of its inside.
func nearer(a, b analysis.Finding) bool {
	return len(a.Labels) > 0 && (len(b.Labels) == 0 || a.Evidence.OnlyOf == 0)
}

// beside looks at the conditions beside a KPI that has not changed: one of them
// has flipped. It leaves what was found where none of them tells a place. A rule
// with targets of its own is asked for the expression of its alert only here.
func (k looker) beside(ctx context.Context, l look, rule config.Rule, alert promql.Alert, now time.Time) look {
	if !report.AnswerOf(l.result).Still {
		return l
	}
	if alert.KPI == nil {
		_, alert, _ = k.fetcher.Complete(ctx, config.Rule{Candidates: []config.Candidate{}}, alert, nil)
		rule.Breakdown = nil // of another KPI
	}
	if alert.KPI == nil {
		return l
	}
	rule.Target, rule.Targets = nil, nil
	for _, f := range alert.KPI.Flips() {
		again, err := k.flipped(ctx, l, f, rule, alert, now)
		if err != nil {
			continue
		}
		if len(place(again.result.Causes).Labels) > 0 {
			return again.after(l.asked)
		}
		l = l.after(again.asked)
	}
	return l
}

// flipped looks at one condition beside a KPI, with the series that it is about.
func (k looker) flipped(ctx context.Context, l look, f expr.Flip, rule config.Rule, alert promql.Alert, now time.Time) (look, error) {
	kpi := *alert.KPI
	kpi.Derivation, kpi.Expanded = f.Derivation, ""
	alert.KPI = &kpi
	rule.Candidates = slices.Clone(rule.Candidates)
	for _, s := range f.Series {
		rule.Candidates = append(rule.Candidates, config.Candidate{Name: s, Query: s, Default: true})
	}
	plan, err := promql.NewPlan(rule, alert, now)
	if err != nil {
		return look{}, err
	}
	again, err := k.at(ctx, l.Then(plan))
	if err != nil {
		return look{}, err
	}
	again = k.closer(ctx, again)
	again.result.Warnings = append(again.result.Warnings, analysis.Warning{
		Source: "guard", Text: fmt.Sprintf("what the alert measures stood still; what changed is the condition beside it: %s %s", f.Guard.Join, f.Guard.Expr),
	})
	return again, nil
}

// place is the first confident set of labels among causes: where to look for
// series that the queries of the candidates add up with others. It is empty if
// there is none.
func place(causes []analysis.Finding) analysis.Finding {
	for _, f := range causes {
		switch {
		case !report.Confident(f):
		case f.Kind == analysis.KindLabels:
			return f
		case f.Kind == analysis.KindChange && len(f.Evidence.Places) > 0: // the set became evidence of what was done there
			f.Kind, f.Labels = analysis.KindLabels, f.Evidence.Places
			return f
		}
	}
	return analysis.Finding{}
}

// locate finds the onset, unless it is given. What begins in the future begins now:
// two clocks differ.
func locate(ctx context.Context, f Fetcher, q Question) (alert promql.Alert, doubts []analysis.Warning) {
	alert = subject(q.Alert)
	alert.Past, alert.Trust = q.ByHand, q.Trust
	if alert.Onset = q.Onset; q.Onset.IsZero() {
		alert, doubts = f.Locate(ctx, alert)
	}
	if ahead := alert.Onset.Sub(q.Now); ahead > 0 {
		doubts = append(doubts, analysis.Warning{Source: "onset", Text: fmt.Sprintf(
			"the alert begins at %s, which is %s from now, and is taken to begin now; hint: compare the clocks of Prometheus and culprit",
			alert.Onset.UTC().Format(time.RFC3339), ahead.Round(time.Second))})
		alert.Onset = q.Now
	}
	return alert, doubts
}

// conclude stores what was found and has it told.
func (p *Pipeline) conclude(ctx context.Context, j job, r record, in report.Input) (record, error) {
	known, found := r.Report, report.New(in)
	r.Report = found
	p.Metrics.reports.WithLabelValues(string(in.Result.Verdict)).Inc()
	if known.ID == found.ID {
		found.CreatedAt, found.Incident, found.Feedback = known.CreatedAt, known.Incident, known.Feedback
		replaced := false
		if r.Report, replaced = report.Later(known, found); !replaced {
			// An answer that people have seen is not taken back because Prometheus
			// doesn't answer now, or because the incident fades.
			p.Log.Warn("Another look at an alert found less evidence; its report stays", "report", known.ID, "found", found.Summary)
			_, err := p.Store.Put(ctx, &r)
			return r, err
		}
	}
	if _, err := p.Store.Put(ctx, &r); err != nil {
		return r, err
	}
	p.Publisher.Publish(r.Report, j.webhookAt())
	p.Log.Info("Explained an alert", "alert", r.Report.Alert.Labels["alertname"], "report", r.Report.ID,
		"verdict", in.Result.Verdict, "summary", r.Report.Summary)
	return r, nil
}

// failed is the result of an alert about which nothing could be asked.
func failed(source string, err error, doubts []analysis.Warning) analysis.Result {
	return analysis.Result{
		Verdict:  analysis.InsufficientEvidence,
		Warnings: append(doubts, analysis.Warning{Source: source, Text: err.Error()}),
	}
}

// subject is an alert as the plan sees it, before anything is known of its
// onset.
func subject(a report.Alert) promql.Alert {
	return promql.Alert{
		Labels: a.Labels, Annotations: a.Annotations, StartsAt: a.StartsAt,
		GeneratorURL: a.GeneratorURL, Fingerprint: a.Fingerprint,
	}
}

// describe is what a report shows of a plan and its queries.
func describe(plan promql.Plan, queries []promql.Query) report.Plan {
	shown := report.Plan{Start: plan.Start, End: plan.End, Step: plan.Step.String()}
	for _, q := range queries {
		shown.Queries = append(shown.Queries, report.Query{Role: string(q.Role), Name: q.Name, Query: q.Query})
	}
	return shown
}
