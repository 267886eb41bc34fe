// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/broker"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// judge stores feedback on reports.
type judge struct {
	store   *store
	counted *prometheus.CounterVec
	now     func() time.Time
}

var _ web.Judge = judge{}

func (d *Daemon) judge() judge {
	return judge{store: d.store, counted: d.metrics.feedback, now: d.opt.Now}
}

// Judge implements [web.Judge].
func (j judge) Judge(ctx context.Context, id string, f report.Feedback) error {
	f, err := f.Check()
	if err != nil {
		return err
	}
	f.At = j.now().UTC()
	changed, err := j.store.judge(ctx, id, f)
	if errors.Is(err, broker.ErrNotFound) {
		return web.ErrNotFound
	}
	if changed {
		j.counted.WithLabelValues(string(f.Says), f.Via).Inc()
	}
	return err
}

// judge adds feedback to a stored report. It need not wait for an analysis in progress:
// [store.adopt] keeps the feedback when the report is written again.
func (s *store) judge(ctx context.Context, id string, f report.Feedback) (changed bool, err error) {
	for try := 0; ; try++ {
		r, err := s.load(ctx, id)
		if err != nil {
			return false, err
		}
		if !r.Report.Told(f) {
			return false, nil
		}
		err = s.writeOnce(ctx, &r)
		if !errors.Is(err, broker.ErrConflict) || try == writeTries {
			return err == nil, err
		}
		pause(ctx, 10*time.Millisecond)
	}
}

// mostComments bounds the comments stored per round.
const mostComments = 100

// comments stores the feedback in comments of silences on the reports of the alerts they silence.
func (r *reconciler) comments(ctx context.Context, v view) {
	noted := 0
	for _, p := range v.peers {
		under := r.silenced(p.alerts)
		if len(under) == 0 {
			continue
		}
		silences, err := p.client.Silences(ctx)
		if err != nil {
			r.log.Debug("Silences can't be read for feedback", "alertmanager", p.client.Address(), "err", err)
			continue
		}
		for _, s := range silences {
			for _, known := range under[s.ID] {
				if noted < mostComments && r.comment(ctx, s, known) {
					noted++
				}
			}
		}
	}
}

// silenced returns the open reports of silenced alerts, by id of the silence.
func (r *reconciler) silenced(alerts []alertmanager.Alert) map[string][]record {
	under := map[string][]record{}
	for _, a := range alerts {
		if len(a.SilencedBy) == 0 {
			continue
		}
		known, ok := r.store.current(a.Fingerprint)
		if !ok || !known.open() {
			continue
		}
		for _, id := range a.SilencedBy {
			under[id] = append(under[id], known)
		}
	}
	return under
}

// comment stores the feedback of one silence on one report. A comment older than the report is
// about an earlier one.
func (r *reconciler) comment(ctx context.Context, s alertmanager.Silence, known record) bool {
	f, ok := r.reader.Read(s.Comment)
	if !ok || s.UpdatedAt.Before(known.Report.CreatedAt) {
		return false
	}
	f.Ref, f.By = s.ID, s.CreatedBy
	if r.store.saidBefore(known.Report, f) {
		return false
	}
	err := r.said.once(ctx, known.Report, f, func() error { return r.judge.Judge(ctx, known.Report.ID, f) })
	if errors.Is(err, errSaid) {
		return false
	}
	if err != nil {
		r.log.Warn("What a silence says of a report can't be stored; trying again", "silence", s.ID, "report", known.Report.ID, "err", err)
		return false
	}
	return true
}

// saidBefore reports whether a silence has already said the same of this report, or of an older
// one: its comment is rewritten when culprit adds a line.
func (s *store) saidBefore(r report.Report, f report.Feedback) bool {
	same := func(said report.Feedback) bool { return said.Ref == f.Ref && said.Says == f.Says && said.Was == f.Was }
	if slices.ContainsFunc(r.Feedback, same) {
		return true
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, other := range s.byID {
		for _, said := range other.Report.Feedback {
			if same(said) && said.At.Before(r.CreatedAt) {
				return true
			}
		}
	}
	return false
}

// rememberSaid is how long the feedback of a silence is remembered: a silence may outlive the
// report.
const rememberSaid = 365 * 24 * time.Hour

// said remembers the feedback of silences: for which report, and when first. A report keeps only
// its latest feedback, and expires. Without this, the comment of a silence that stays would count
// again then, for that report or for a later one.
type said struct {
	bucket bucket
	now    func() time.Time
}

var errSaid = errors.New("it was said before")

// once calls note for the feedback of a silence on a report. It returns errSaid if the silence has
// already said it of this report or of an earlier one.
func (s said) once(ctx context.Context, r report.Report, f report.Feedback, note func() error) error {
	first, err := s.remember(ctx, f.SaidID(""))
	if err != nil {
		return err
	}
	if first.Before(r.CreatedAt) {
		return errSaid
	}
	switch _, err := s.bucket.Get(ctx, f.SaidID(r.ID)); {
	case err == nil:
		return errSaid
	case !errors.Is(err, broker.ErrNotFound):
		return err
	}
	if err := note(); err != nil {
		return err
	}
	_, err = s.remember(ctx, f.SaidID(r.ID))
	return err
}

// remember returns when a key was first remembered, which may be now.
func (s said) remember(ctx context.Context, key string) (time.Time, error) {
	now := s.now().UTC()
	text, err := now.MarshalText()
	if err != nil {
		return now, err
	}
	_, err = s.bucket.Create(ctx, key, text)
	if !errors.Is(err, broker.ErrExists) {
		return now, err
	}
	e, err := s.bucket.Get(ctx, key)
	if err == nil {
		err = now.UnmarshalText(e.Value)
	}
	return now, err
}
