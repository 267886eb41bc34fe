// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/tracing"
)

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

// Pipeline is the walk of one alert, with what it needs on the way.
type Pipeline struct {
	Ask       explain.Question // of every alert; without the alert and the time
	Servers   *promql.Servers
	Store     Store
	Publisher Publisher
	Base      string // external URL of the report pages
	Mistaken  *mistaken
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
	ask := p.Ask
	ask.Alert, ask.Now = j.Alert, r.AnalyzedAt
	in := explain.AlertBy(ctx, p.Servers, ask)
	if err := ctx.Err(); err != nil {
		return r, err // it was cut off: that is no finding, and the job comes again
	}
	in.Base, in.Timings.Queued = p.Base, r.AnalyzedAt.Sub(j.ReceivedAt).Seconds()
	p.Metrics.observe("fetch", in.Timings.Fetch)
	p.Metrics.observe("analyze", in.Timings.Analyze)
	p.Mistaken.tell(p.Log, string(j.Alert.Labels[model.AlertNameLabel]), in.Result.Warnings)
	in.Result.Warnings = append(in.Result.Warnings, j.missing()...)
	return p.conclude(ctx, j, r, in)
}

// traced is the trace of an alert in a line of the log, which has none if there is none.
func traced(ctx context.Context) slog.Attr {
	if id := tracing.ID(ctx); id != "" {
		return slog.String("trace", id)
	}
	return slog.Attr{}
}

// conclude stores what was found and has it told.
func (p *Pipeline) conclude(ctx context.Context, j job, r record, in report.Input) (record, error) {
	known, found := r.Report, report.New(in)
	found.Trace = tracing.Parent(ctx)
	r.Report = found
	p.Metrics.reported(found)
	if known.ID == found.ID {
		found.CreatedAt, found.Incident, found.Feedback = known.CreatedAt, known.Incident, known.Feedback
		replaced := false
		if r.Report, replaced = report.Later(known, found); !replaced {
			// An answer that people have seen is not taken back because Prometheus
			// doesn't answer now, or because the incident fades.
			p.Log.Warn("A later look at an alert found less evidence; its report stays", "report", known.ID, "found", found.Summary)
			_, err := p.Store.Put(ctx, &r)
			return r, err
		}
	}
	if _, err := p.Store.Put(ctx, &r); err != nil {
		return r, err
	}
	p.Publisher.Publish(r.Report, j.webhookAt())
	p.Log.Info("Explained an alert", "alert", r.Report.Alert.Labels["alertname"], "report", r.Report.ID,
		"verdict", in.Result.Verdict, "summary", r.Report.Summary, traced(ctx))
	return r, nil
}
