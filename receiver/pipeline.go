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

// Store persists reports.
type Store interface {
	// Put upserts a report by its ID, adds it to the open incident of its alert group, and returns
	// that incident.
	Put(ctx context.Context, r *record) (report.Incident, error)
}

// Publisher notifies the sinks of reports. Each sink has its own queue and retries.
type Publisher interface {
	// Publish enqueues a stored report and its incident, and returns at once. received is when
	// Alertmanager's webhook arrived; zero if the alert was found otherwise.
	Publish(r report.Report, received time.Time)
}

// Pipeline explains one alert. It holds everything needed on the way.
type Pipeline struct {
	Ask       explain.Question // the same for every alert, except the alert and the time
	Servers   *promql.Servers
	Store     Store
	Publisher Publisher
	Base      string // external URL of the report pages
	Mistaken  *mistaken
	Metrics   *metrics
	Log       *slog.Logger
	Now       func() time.Time
}

// explain finds the causes of one firing alert, stores the report and publishes it.
//
// It always produces a report, even if the report only says why there are no causes. An error means
// that the report could not be stored, and that the job must be retried. known is the full report
// of an earlier try, if any; it is kept if it has evidence and this try finds none.
func (p *Pipeline) explain(ctx context.Context, j job, known record) (record, error) {
	r := known
	r.Group, r.Tries, r.AnalyzedAt = j.Group, known.Tries+1, p.Now()
	ask := p.Ask
	ask.Alert, ask.Now = j.Alert, r.AnalyzedAt
	in := explain.AlertBy(ctx, p.Servers, ask)
	if err := ctx.Err(); err != nil {
		return r, err // interrupted, which is not a finding: the job is retried
	}
	in.Base, in.Timings.Queued = p.Base, r.AnalyzedAt.Sub(j.ReceivedAt).Seconds()
	p.Metrics.observe("fetch", in.Timings.Fetch)
	p.Metrics.observe("analyze", in.Timings.Analyze)
	p.Mistaken.tell(p.Log, string(j.Alert.Labels[model.AlertNameLabel]), in.Result.Warnings)
	in.Result.Warnings = append(in.Result.Warnings, j.missing()...)
	return p.conclude(ctx, j, r, in)
}

// traced is the trace ID as a log attribute, or an empty attribute if there is no trace.
func traced(ctx context.Context) slog.Attr {
	if id := tracing.ID(ctx); id != "" {
		return slog.String("trace", id)
	}
	return slog.Attr{}
}

// conclude stores the report and publishes it.
func (p *Pipeline) conclude(ctx context.Context, j job, r record, in report.Input) (record, error) {
	known, found := r.Report, report.New(in)
	found.Trace = tracing.Parent(ctx)
	r.Report = found
	p.Metrics.reported(found)
	if known.ID == found.ID {
		found.CreatedAt, found.Incident, found.Feedback = known.CreatedAt, known.Incident, known.Feedback
		replaced := false
		if r.Report, replaced = report.Later(known, found); !replaced {
			// Don't retract an answer that people have seen because Prometheus is down now, or
			// because the incident fades.
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
