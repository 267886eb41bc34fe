// SPDX-License-Identifier: Apache-2.0

package explain

import (
	"context"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/tracing"
)

// session makes the looks at one alert: the first one, and refinements.
type session struct {
	fetcher Fetcher
	log     ChangeLog
	options analysis.Options
	doubts  []analysis.Warning // warnings of earlier steps
	took    *report.Timings
}

// look is a plan and its result.
type look struct {
	promql.Fetched
	asked  []promql.Query // by this look and earlier ones
	result analysis.Result
}

// after adds the queries of other looks, for the report, which lists all of them.
func (l look) after(others []promql.Query) look {
	for _, q := range others {
		if !slices.ContainsFunc(l.asked, func(own promql.Query) bool { return own.Role == q.Role && own.Query == q.Query }) {
			l.asked = append(l.asked, q)
		}
	}
	return l
}

// look makes the queries of a plan and analyses the answers.
func (s session) look(ctx context.Context, plan promql.Plan) (look, error) {
	start := time.Now()
	fetching, span := tracing.Start(ctx, "fetch")
	fetched, err := s.fetcher.Fetch(fetching, plan)
	tracing.End(span, err)
	s.took.Fetch += time.Since(start).Seconds()
	if err != nil {
		return look{}, err
	}
	start = time.Now()
	s.withLogged(ctx, &fetched)
	fetched.Frame.Warnings = slices.Concat(s.doubts, fetched.Frame.Warnings)
	_, span = tracing.Start(ctx, "analyze")
	result := analysis.Run(fetched.Frame, s.options)
	if span.IsRecording() {
		span.SetAttributes(attribute.String("culprit.verdict", string(result.Verdict)), attribute.Int("culprit.causes", len(result.Causes)))
	}
	span.End()
	s.took.Analyze += time.Since(start).Seconds()
	return look{fetched, fetched.Asked(), result}, nil
}

// withLogged adds the reported changes.
func (s session) withLogged(ctx context.Context, f *promql.Fetched) {
	if s.log == nil {
		return
	}
	since := f.Plan.ChangesSince()
	told, older, err := s.log.Between(ctx, since, f.Plan.End)
	if err != nil {
		f.Frame.Warnings = append(f.Frame.Warnings, analysis.Warning{Source: "changes", Text: err.Error()})
		return
	}
	if older > 0 {
		f.Frame.Warnings = append(f.Frame.Warnings, analysis.Warning{Source: "changes", Text: fmt.Sprintf(
			"only the newest %d reported changes were examined; %d older ones were not; hint: report fewer", len(told), older)})
	}
	f.Frame.Changes = append(f.Frame.Changes, told...)
}
