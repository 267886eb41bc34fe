// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/mcp"
	"github.com/culprit-dev/culprit/receiver/report"
)

// assistants serves /mcp: what the pages show and the API explains, as tools.
func (d *Daemon) assistants(asked *explainer) http.Handler {
	reads := *asked
	reads.renew = nil // read-only: it must not renew a report
	return mcp.New(mcp.Options{
		Settings: func() *config.MCP { return d.live.Load().config.MCP },
		Reports:  d.reader(), Explainer: byAssistant{&reads}, Changes: d.changes, External: d.external, Now: d.opt.Now, Log: d.log, Calls: d.metrics.toolCalls,
	})
}

// byAssistant is the explainer for assistants, under the same switch and limits as `POST
// /api/v1/explain`.
type byAssistant struct{ *explainer }

var _ mcp.Explainer = byAssistant{}

// Ask implements [mcp.Explainer].
func (a byAssistant) Ask(ctx context.Context, ask find.Ask) (report.Report, error) {
	leave, err := a.enter()
	if err != nil {
		return report.Report{}, withHint(err)
	}
	defer leave()
	r, err := a.within(ctx, ask)
	return r, withHint(err)
}

// Explain implements [mcp.Explainer].
func (a byAssistant) Explain(ctx context.Context, known report.Report, parts []report.Part) (report.Report, error) {
	if !a.Explains() {
		return report.Report{}, withHint(errSwitchedOff())
	}
	look, err := a.explainer.Explain(ctx, known, parts)
	return look.Found, withHint(err)
}

// Changes implements [mcp.Explainer].
func (a byAssistant) Changes(ctx context.Context, where find.Ask) ([]changes.Change, error) {
	live := a.live()
	switch {
	case !live.config.Changes.Queries:
		return nil, errors.New("changes.queries is switched off")
	case !a.Explains():
		return nil, errSwitchedOff()
	}
	server, err := where.Server(live.config.Prometheus)
	if err != nil {
		return nil, err
	}
	fetcher, err := live.servers.Named(server.Name)
	if err != nil {
		return nil, err
	}
	leave, err := a.enter()
	if err != nil {
		return nil, err
	}
	defer leave()
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	return fetcher.Changes(ctx, where.Labels, where.At)
}

// withHint adds what an assistant can do about an error.
func withHint(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, errNotAllowed):
		return fmt.Errorf("%w; hint: read what has a report already, with get_report", err)
	case errors.Is(err, errBusy):
		return fmt.Errorf("%w; hint: get_report reads what was found already, at once", err)
	case errors.Is(err, find.ErrNotFound):
		return fmt.Errorf("%w; hint: list_reports has the alerts that were explained, with their labels", err)
	}
	return err
}
