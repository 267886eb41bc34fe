// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	alertWorkers, incidentWorkers = 8, 4

	// In a storm annotations are posted together: each post costs two reads of
	// all alerts that are like those in it. Of two workers one posts while the
	// other notes what became of what it has posted.
	annotationWorkers, annotatedTogether = 2, 100

	// People are told of an alert after group_wait: once Alertmanager is back
	// its annotations must not wait for long.
	alertPatience, incidentPatience = 10 * time.Second, time.Minute
)

// alertSinks makes the write-backs of single alerts that a configuration asks for:
// by the address of the peer those of annotations, and that of silences, nil if it
// is switched off. Each peer of Alertmanager is one of its own: one that hangs
// holds up no other.
func alertSinks(publish config.Publish, peers []*alertmanager.Client, opts sink.Options) (map[string]*sink.Annotations, *sink.Silences) {
	annotations := map[string]*sink.Annotations{}
	if publish.AlertAnnotations.Enabled {
		for _, peer := range peers {
			annotations[peer.Address()] = sink.NewAnnotations([]*alertmanager.Client{peer}, opts)
		}
	}
	if len(peers) == 0 || !publish.SilenceComments.UpdateExisting {
		return annotations, nil
	}
	return annotations, sink.NewSilences(peers, opts)
}

// Publish writes a report that stands alone on its alert and on the silences
// of it, as far as the configuration wants that. Grafana and the recovery
// webhooks are told of incidents, which only the daemon knows.
func Publish(ctx context.Context, cfg *config.Config, peers []*alertmanager.Client, source sink.Source, r report.Report) (sent []report.Sent) {
	annotations, silences := alertSinks(cfg.Publish, peers, sink.Options{Source: source})
	m := sink.Message{Report: r}
	for _, peer := range peers {
		if a := annotations[peer.Address()]; a != nil {
			sent = append(sent, a.Send(ctx, m)...)
		}
	}
	if silences != nil {
		sent = append(sent, silences.Send(ctx, m)...)
	}
	return sent
}

// addOutlets makes the write-backs that the configuration asks for.
func (d *Daemon) addOutlets(l *live) error {
	opts := sink.Options{Logger: d.log, Registerer: d.opt.Registry, Now: d.opt.Now, Source: l.servers}
	publish := l.config.Publish
	l.annotations, l.silences = alertSinks(publish, l.peers, opts)
	for _, peer := range l.peers {
		if a := l.annotations[peer.Address()]; a != nil {
			l.outlets = append(l.outlets, outlet{
				sinkName: sink.NameAnnotation, place: peer.Address(), sink: a, alerts: true,
				workers: annotationWorkers, together: annotatedTogether, patience: alertPatience,
			})
		}
		if l.silences != nil {
			l.outlets = append(l.outlets, outlet{
				sinkName: sink.NameSilence, place: peer.Address(), sink: l.silences.Of(peer), alerts: true,
				workers: alertWorkers, patience: alertPatience,
			})
		}
	}
	if len(l.peers) > 0 && publish.SilenceComments.CreateNote {
		l.tellIncidents(sink.NameNote, "", sink.NewNotes(l.peers, opts))
	}
	if g := l.config.Grafana; g != nil && publish.GrafanaAnnotations.Enabled {
		grafana, err := sink.NewGrafana(*g, opts)
		if err != nil {
			return fmt.Errorf("grafana: %w", err)
		}
		l.tellIncidents(sink.NameGrafana, grafana.Place(), grafana)
	}
	for _, hook := range l.config.RecoveryWebhooks {
		webhook, err := sink.NewWebhook(hook, opts)
		if err != nil {
			return fmt.Errorf("recovery webhook %s: %w", hook.URL, err)
		}
		l.tellIncidents(sink.NameWebhook, webhook.Place(), webhook)
	}
	return nil
}

func (l *live) tellIncidents(name, place string, s Sink) {
	l.outlets = append(l.outlets, outlet{sinkName: name, place: place, sink: s, workers: incidentWorkers, patience: incidentPatience})
}

// refresh looks after what was written to Alertmanager: Prometheus erases
// annotations whenever it sends an alert again, and people silence an alert
// after they have read its causes. Each peer is looked after by itself, and a
// peer that still is from the last time is left to that.
func (d *Daemon) refresh(ctx context.Context, v view) {
	d.left.leave()
	live, open := d.live.Load(), d.openMessages()
	for _, p := range v.peers {
		if p.err != nil {
			continue
		}
		address := p.client.Address()
		if _, busy := d.refreshing.LoadOrStore(address, true); busy {
			continue
		}
		d.refreshes.Go(func() {
			defer d.refreshing.Delete(address)
			d.refreshPeer(ctx, live, p, open)
		})
	}
}

// openMessages are what the open alerts should say, by fingerprint.
func (d *Daemon) openMessages() map[string]sink.Message {
	open := map[string]sink.Message{}
	for _, r := range d.store.openRecords() {
		open[r.Report.Alert.Fingerprint] = d.messageOf(r)
	}
	return open
}

func (d *Daemon) messageOf(r record) sink.Message {
	inc, _ := d.store.incidentByID(r.Report.Incident)
	r.Report.Sent = slices.Concat(r.Report.Sent, d.book.sent(r.Report.ID))
	return sink.Message{Report: r.Report, Incident: inc}
}

func (d *Daemon) refreshPeer(ctx context.Context, live *live, p peerView, open map[string]sink.Message) {
	address := p.client.Address()
	if a := live.annotations[address]; a != nil {
		for fp, sent := range a.Reconcile(ctx, p.client, p.alerts, open) {
			d.record(ctx, open[fp].Report.ID, sink.NameAnnotation, address, sent)
		}
	}
	if live.silences != nil {
		for fp, sent := range live.silences.Reconcile(ctx, p.alerts, open) {
			d.record(ctx, open[fp].Report.ID, sink.NameSilence, address, sent...)
		}
	}
}

// record notes outcomes if they tell anything new: an annotation that was put
// back for the tenth time is no news. What was cut off because the daemon
// stops tells nothing.
func (d *Daemon) record(ctx context.Context, id, sinkName, place string, sent ...report.Sent) {
	if ctx.Err() != nil && unsent(sent) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordTimeout)
	defer cancel()
	lane := outlet{sinkName: sinkName, place: place}.name()
	err := d.book.update(ctx, id, lane, func(known *delivery) bool { return known.take(at(place, sent), known.Told, false) })
	if err != nil {
		d.log.Error("The outcome of a write-back can't be stored", "report", id, "err", err)
	}
}
