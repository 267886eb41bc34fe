// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

var _ web.Explainer = (*explainer)(nil)

// Explains implements [web.Explainer]. The pages follow the switch of the API.
func (h *explainer) Explains() bool { return h.live().config.ExplainAPI.Enabled }

// Explain implements [web.Explainer]. It costs as much as the first look at the alert, and takes a
// slot of `POST /api/v1/explain`. A look at the whole of an alert that still fires may replace its
// report, see [worker.renew].
func (h *explainer) Explain(ctx context.Context, r report.Report, parts []report.Part) (web.Look, error) {
	leave, err := h.enter()
	if err != nil {
		return web.Look{}, &web.Refusal{Status: http.StatusServiceUnavailable, Err: err}
	}
	defer leave()
	live := h.live()
	rule := live.config.RuleFor(r.Alert.Labels)
	late := rule != nil && len(parts) == 0 && r.Open()
	if rule == nil {
		rule = &config.Rule{} // no rule matches any more, but the alert has a report
	}
	q := explain.By(live.config, rule)
	q.Alert, q.Part, q.Changes, q.Trust = r.Alert, parts, h.changes, live.config.Expressions.FromAlerts
	if q.Now = h.now(); len(parts) > 0 || !r.Open() { // the same time range, to be comparable
		q.Now = cmp.Or(r.Plan.End, r.CreatedAt) // a report without a plan made no queries
	}
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	found := explain.ReportBy(ctx, live.servers, q)
	if err := ctx.Err(); err != nil {
		return web.Look{}, &web.Refusal{Status: http.StatusGatewayTimeout, Err: fmt.Errorf("it took longer than %s: %w", h.timeout, err)}
	}
	if !late || h.renew == nil {
		return web.Look{Found: found}, nil
	}
	stored, err := h.renew(ctx, found)
	return web.Look{Found: found, Late: true, Stored: stored}, err
}

// renew replaces the report of an alert by a look that a person asked for, on the same terms as the
// daemon's own later looks: [report.Later]. A look that failed, or that is partial where the report
// is complete, changes nothing. It returns whether the report was replaced. If the report is
// written meanwhile, also by another replica, it is loaded and judged again.
func (w *worker) renew(ctx context.Context, found report.Report) (stored bool, err error) {
	defer w.alerts.lock(found.Alert.Fingerprint)()
	for range writeTries {
		known, err := w.store.load(ctx, found.ID)
		if errors.Is(err, broker.ErrNotFound) {
			return false, nil // past its retention
		}
		if err != nil {
			return false, err
		}
		newest, ok := w.store.current(found.Alert.Fingerprint)
		if !known.open() || !ok || newest.Report.ID != found.ID || worse(known.Report, found) {
			return false, nil
		}
		if stored, err = w.renewOnce(ctx, known, found); !errors.Is(err, broker.ErrConflict) {
			return stored, err
		}
		pause(ctx, 10*time.Millisecond)
	}
	return false, fmt.Errorf("the report %s keeps being changed by others", found.ID)
}

func (w *worker) renewOnce(ctx context.Context, known record, found report.Report) (stored bool, err error) {
	r := known
	r.AnalyzedAt = w.now()
	r.Report, stored = report.Later(known.Report, over(known.Report, found))
	if err := w.store.swap(ctx, &r); err != nil || !stored {
		return false, err
	}
	w.metrics.reported(r.Report)
	w.publisher.Publish(r.Report, time.Time{})
	w.log.Info("An alert was explained again by hand", "alert", r.Report.Alert.Labels["alertname"], "report", r.Report.ID, "summary", r.Report.Summary)
	return true, nil
}

// over returns found with what a new look must not change: the identity of the report, what was
// sent, and feedback.
func over(known, found report.Report) report.Report {
	found.CreatedAt, found.Incident, found.Feedback, found.Sent, found.URL = known.CreatedAt, known.Incident, known.Feedback, known.Sent, known.URL
	return found
}

// worse reports whether a look has less evidence than a report by the same server.
func worse(known, found report.Report) bool {
	if found.Status == report.Partial && known.Status == report.Complete {
		return known.Prometheus == found.Prometheus
	}
	return found.Status == report.Failed
}
