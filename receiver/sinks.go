package receiver

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// addSinks makes the write-backs that the configuration asks for.
func (d *Daemon) addSinks(l *live) error {
	opts := sink.Options{Logger: d.log, Registerer: d.opt.Registry, Now: d.opt.Now, Source: l.fetcher}
	publish := l.config.Publish
	if len(l.peers) > 0 && publish.AlertAnnotations.Enabled {
		l.annotations = sink.NewAnnotations(l.peers, opts)
		l.sinks = append(l.sinks, l.annotations)
	}
	if len(l.peers) > 0 && publish.SilenceComments.UpdateExisting {
		l.silences = sink.NewSilences(l.peers, opts)
		l.sinks = append(l.sinks, l.silences)
	}
	if len(l.peers) > 0 && publish.SilenceComments.CreateNote {
		l.incidentSinks = append(l.incidentSinks, sink.NewNotes(l.peers, opts))
	}
	if g := l.config.Grafana; g != nil && publish.GrafanaAnnotations.Enabled {
		grafana, err := sink.NewGrafana(*g, opts)
		if err != nil {
			return fmt.Errorf("grafana: %w", err)
		}
		l.incidentSinks = append(l.incidentSinks, grafana)
	}
	for _, hook := range l.config.RecoveryWebhooks {
		webhook, err := sink.NewWebhook(hook, opts)
		if err != nil {
			return fmt.Errorf("recovery webhook %s: %w", hook.URL, err)
		}
		l.incidentSinks = append(l.incidentSinks, webhook)
	}
	return nil
}

// refresh looks after what was written to Alertmanager: Prometheus erases
// annotations whenever it sends an alert again, and people silence an alert
// after they have read its causes.
func (d *Daemon) refresh(ctx context.Context, v view) {
	live := d.live.Load()
	open := map[string]sink.Message{}
	for _, r := range d.store.openRecords() {
		inc, _ := d.store.incidentByID(r.Report.Incident)
		open[r.Report.Alert.Fingerprint] = sink.Message{Report: r.Report, Incident: inc}
	}
	for _, p := range v.peers {
		if p.err != nil {
			continue
		}
		if live.annotations != nil {
			for fp, sent := range live.annotations.Reconcile(ctx, p.client, p.alerts, open) {
				d.record(ctx, fp, []report.Sent{sent})
			}
		}
		if live.silences != nil {
			for fp, sent := range live.silences.Reconcile(ctx, p.alerts, open) {
				d.record(ctx, fp, sent)
			}
		}
	}
}

// record writes outcomes into the report of an alert if they tell anything
// new: an annotation that was put back for the tenth time is no news.
func (d *Daemon) record(ctx context.Context, fingerprint string, outcomes []report.Sent) {
	unlock := d.worker.alerts.lock(fingerprint)
	defer unlock()
	known, ok := d.store.current(fingerprint)
	if !ok || !known.open() {
		return
	}
	sent, changed := mergeSent(known.Report.Sent, outcomes)
	if !changed {
		return
	}
	// What was written is recorded, also when the daemon has begun to stop.
	if _, err := d.store.update(context.WithoutCancel(ctx), known.Report.ID, func(r *record) { r.Report.Sent = sent }); err != nil {
		d.log.Error("What became of a write-back can't be stored", "report", known.Report.ID, "err", err)
	}
}

// mergeSent puts new outcomes in the place of those of the same sink and place.
// A write-back that was skipped does not replace one that was made.
func mergeSent(known, outcomes []report.Sent) (merged []report.Sent, changed bool) {
	merged = append(merged, known...)
	for _, o := range outcomes {
		at := slices.IndexFunc(merged, func(k report.Sent) bool { return k.Sink == o.Sink && samePlace(k, o) })
		switch {
		case at < 0:
			merged, changed = append(merged, o), true
		case o.Status == report.SentSkipped && merged[at].Status == report.SentOK:
		case merged[at].Status != o.Status || merged[at].Ref != o.Ref:
			o.Attempts = merged[at].Attempts + 1
			merged[at], changed = o, true
		default:
			merged[at].Attempts++
		}
	}
	return merged, changed
}

// samePlace says whether two outcomes of a sink are about the same place. The
// ref of a sink with several places begins with the address; that of the others
// is the id of what was made, or names the incident for which nothing could be.
func samePlace(known, now report.Sent) bool {
	a, _, _ := strings.Cut(known.Ref, " ")
	b, _, _ := strings.Cut(now.Ref, " ")
	return a == b || known.Status != report.SentOK && !strings.Contains(a, "://")
}
