// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"context"
	"fmt"
	"net/http"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

var _ web.Explainer = (*explainer)(nil)

// Explains is part of [web.Explainer]: who may ask by the API may ask by a page.
func (h *explainer) Explains() bool { return h.live().config.ExplainAPI.Enabled }

// Explain is part of [web.Explainer]. It costs what the alert's first look cost, and
// takes one of the turns of `POST /api/v1/explain`.
func (h *explainer) Explain(ctx context.Context, r report.Report, parts []report.Part) (report.Report, error) {
	select {
	case h.turn <- struct{}{}:
		defer func() { <-h.turn }()
	default:
		return report.Report{}, &web.Refusal{Status: http.StatusServiceUnavailable, Err: errBusy}
	}
	live := h.live()
	rule := live.config.RuleFor(r.Alert.Labels)
	if rule == nil {
		rule = &config.Rule{} // it had one, or it would have no report
	}
	q := explain.By(live.config, rule)
	q.Alert, q.Part, q.Changes, q.Trust = r.Alert, parts, h.changes, live.config.Expressions.FromAlerts
	if q.Now = h.now(); len(parts) > 0 || !r.Open() { // the same time, to be compared; and not what came after it
		q.Now = cmp.Or(r.Plan.End, r.CreatedAt) // without a plan nothing could be asked
	}
	ctx, cancel := context.WithTimeout(ctx, explainWithin)
	defer cancel()
	found := explain.ReportBy(ctx, live.servers, q)
	if err := ctx.Err(); err != nil {
		return report.Report{}, &web.Refusal{Status: http.StatusGatewayTimeout, Err: fmt.Errorf("it took longer than %s: %w", explainWithin, err)}
	}
	return found, nil
}
