// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// reader serves the store to the pages.
type reader struct {
	store *store
	book  *deliveries
	// handled returns what Alertmanager did with an alert.
	handled func(fingerprint string) []report.Handled
	// busy reports whether an alert is being explained.
	busy func(fingerprint string) bool
}

var _ web.Reader = reader{}

// Report returns a report including the write-backs of its incident: whoever looks at an alert
// wants to see all that was sent for it.
func (r reader) Report(ctx context.Context, id string) (report.Report, error) {
	if !report.ValidID(id) {
		return report.Report{}, web.ErrNotFound // not a valid key
	}
	rec, err := r.store.load(ctx, id)
	if errors.Is(err, broker.ErrNotFound) {
		return report.Report{}, web.ErrNotFound
	}
	if err != nil {
		return report.Report{}, err
	}
	told := r.withSent(rec.Report)
	told.Seen, told.Case = r.store.seen(told), r.store.caseOf(told.Incident)
	told.Handled = r.handledOf(told)
	r.store.beside(&told)
	if inc, err := r.Incident(ctx, told.Incident); err == nil {
		told.Sent = slices.Concat(told.Sent, inc.Sent)
	}
	return told, nil
}

// handledOf returns what Alertmanager did with the alert of a report. An inhibiting alert is named
// if it has a report.
func (r reader) handledOf(rep report.Report) []report.Handled {
	list := report.HandledIn(rep, r.handled(rep.Alert.Fingerprint))
	for i, h := range list {
		if source, ok := r.store.current(h.Source); ok {
			list[i].Alert = source.Report.Name()
		}
	}
	return list
}

// withSent adds the outcomes of the report's own write-backs.
func (r reader) withSent(rep report.Report) report.Report {
	rep.Sent = slices.Concat(rep.Sent, r.book.sent(rep.ID))
	rep.Timings.Publish = max(rep.Timings.Publish, r.book.took(rep.ID))
	return rep
}

// Latest returns the newest report of an alert.
func (r reader) Latest(ctx context.Context, fingerprint string) (report.Report, error) {
	rec, ok := r.store.current(fingerprint)
	switch {
	case ok:
		return r.Report(ctx, rec.Report.ID)
	case r.busy(fingerprint):
		return report.Report{}, web.ErrPending
	}
	return report.Report{}, web.ErrNotFound
}

// Reports returns the reports that pass a filter, newest first. Filtering may be slow, so it
// neither locks the store nor outlives the request.
func (r reader) Reports(ctx context.Context, f web.Filter) ([]report.Report, error) {
	r.store.mu.RLock()
	all := slices.Collect(maps.Values(r.store.byID))
	r.store.mu.RUnlock()
	passed := []*record{}
	for _, rec := range all {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.PassReport(rec.Report) {
			passed = append(passed, rec)
		}
	}
	slices.SortFunc(passed, func(a, b *record) int { return compareReports(b.Report, a.Report) })
	list := []report.Report{}
	for _, rec := range limit(passed, f.Limit) {
		list = append(list, r.withSent(rec.Report))
	}
	return list, nil
}

func (r reader) Incident(_ context.Context, id string) (report.Incident, error) {
	if inc, ok := r.store.incidentByID(id); ok {
		inc.Sent = slices.Concat(inc.Sent, r.book.sent(id))
		return inc, nil
	}
	return report.Incident{}, web.ErrNotFound
}

// holding returns whether an incident has a report that passes the filter's conditions on reports.
// Openness is excluded: it applies to the incident.
func (r reader) holding(ctx context.Context, f web.Filter) (passes func(incident string) bool, err error) {
	if !f.OfReports() {
		return func(string) bool { return true }, nil
	}
	f.Open, f.Limit, f.After = nil, 0, changelog.Cursor{}
	reports, err := r.Reports(ctx, f)
	ids := map[string]bool{}
	for _, rep := range reports {
		ids[rep.Incident] = true
	}
	return func(incident string) bool { return ids[incident] }, err
}

// Incidents returns the incidents that pass a filter, newest first.
func (r reader) Incidents(ctx context.Context, f web.Filter) ([]report.Incident, error) {
	passes, err := r.holding(ctx, f)
	if err != nil {
		return nil, err
	}
	r.store.mu.RLock()
	defer r.store.mu.RUnlock()
	list := []report.Incident{}
	for _, known := range r.store.incident {
		if inc := known.Incident; f.PassIncident(inc) && passes(inc.ID) {
			inc.Sent = slices.Concat(inc.Sent, r.book.sent(inc.ID))
			list = append(list, inc)
		}
	}
	slices.SortFunc(list, func(a, b report.Incident) int {
		return cmp.Or(b.CreatedAt.Compare(a.CreatedAt), cmp.Compare(b.ID, a.ID))
	})
	return limit(list, f.Limit), nil
}

// Case returns a case by its id, or by an earlier id from before it was merged with another.
func (r reader) Case(_ context.Context, id string) (report.Case, error) {
	if c, ok := r.store.caseByID(id); ok {
		return c, nil
	}
	return report.Case{}, web.ErrNotFound
}

// Cases returns the cases that pass a filter, newest first.
func (r reader) Cases(ctx context.Context, f web.Filter) ([]report.Case, error) {
	passes, err := r.holding(ctx, f)
	if err != nil {
		return nil, err
	}
	list := []report.Case{}
	for _, group := range r.store.caseGroups() {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.Limit > 0 && len(list) == f.Limit {
			break
		}
		if !slices.ContainsFunc(group, func(m joinable) bool { return passes(m.id) }) {
			continue
		}
		if c, ok := r.store.caseOfGroup(group); ok && f.PassCase(c) {
			list = append(list, c)
		}
	}
	return list, nil
}

func limit[T any](list []T, n int) []T {
	if n > 0 && len(list) > n {
		return list[:n]
	}
	return list
}
