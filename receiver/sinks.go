// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/alertmanager"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

const (
	alertWorkers, incidentWorkers = 8, 4

	// In a storm annotations are posted in batches, because each post costs two reads of all alerts
	// like those in it. One worker posts while the other records outcomes.
	annotationWorkers, annotatedTogether = 2, 100

	// Annotations must not wait long once Alertmanager is back: people are notified after
	// group_wait.
	alertPatience, incidentPatience = 10 * time.Second, time.Minute
)

// alertSinks makes the sinks of single alerts: annotations by address of the peer, and silences,
// nil if disabled. Each Alertmanager peer has a sink of its own, so that one that hangs holds up no
// other.
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

// Publish writes a single report to its alert and the alert's silences, as configured. Grafana and
// recovery webhooks get incidents, which only the daemon has.
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

// annotator annotates the alerts of one Prometheus server at one Alertmanager peer. Each alert is
// confirmed by its Prometheus before it is posted, so that a server that hangs would otherwise hold
// up the alerts of the others.
type annotator struct {
	*sink.Annotations
	peer   string // address
	server string // name of the Prometheus server; empty: the only one, or none
	all    config.Servers
}

// Takes reports whether a message is about an alert of the annotator's server.
func (a annotator) Takes(m sink.Message) bool {
	p, err := a.all.Of(m.Report.Alert.Labels)
	return err != nil && a.server == "" || err == nil && p.Name == a.server
}

// annotators returns one annotator for each pair of a peer and a Prometheus server, and one for the
// alerts that belong to no server.
func annotators(servers config.Servers, byPeer map[string]*sink.Annotations) (all []annotator) {
	names := map[string]bool{"": true}
	for _, p := range servers {
		names[p.Name] = true
	}
	for _, peer := range slices.Sorted(maps.Keys(byPeer)) {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			all = append(all, annotator{Annotations: byPeer[peer].Another(), peer: peer, server: name, all: servers})
		}
	}
	return all
}

// addOutlets makes the outlets that the configuration enables.
func (d *Daemon) addOutlets(l *live) error {
	opts := sink.Options{Logger: d.log, Registerer: d.opt.Registry, Now: d.opt.Now, Source: l.servers}
	publish := l.config.Publish
	annotations, silences := alertSinks(publish, l.peers, opts)
	l.annotators, l.silences = annotators(l.config.Prometheus, annotations), silences
	for _, a := range l.annotators {
		l.outlets = append(l.outlets, outlet{
			sinkName: sink.NameAnnotation, place: a.peer, server: a.server, sink: a, alerts: true,
			workers: annotationWorkers, together: annotatedTogether, patience: alertPatience,
		})
	}
	for _, peer := range l.peers {
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

// refresh maintains what was written to Alertmanager: resends of Prometheus erase annotations, and
// people silence alerts after they have read the causes. Peers and annotators are independent; one
// that is still busy from the last round is skipped.
func (d *Daemon) refresh(ctx context.Context, v view) {
	d.replaced.closeIdle()
	live, open := d.live.Load(), d.openMessages()
	for _, p := range v.peers {
		if p.err != nil {
			continue
		}
		for _, a := range live.annotators {
			if a.peer == p.client.Address() {
				d.unlessBusy(a.peer+" "+a.server, func() { d.refreshAnnotations(ctx, a, p, open) })
			}
		}
		if live.silences != nil {
			d.unlessBusy("silences "+p.client.Address(), func() { d.refreshSilences(ctx, live.silences, p, open) })
		}
	}
}

// unlessBusy refreshes something in the background, unless its last refresh is still running.
func (d *Daemon) unlessBusy(what string, refresh func()) {
	if _, busy := d.refreshing.LoadOrStore(what, true); busy {
		return
	}
	d.refreshes.Go(func() {
		defer d.refreshing.Delete(what)
		refresh()
	})
}

// openMessages returns the current message of every open alert, by fingerprint.
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

func (d *Daemon) refreshAnnotations(ctx context.Context, a annotator, p peerView, open map[string]sink.Message) {
	own := maps.Clone(open)
	maps.DeleteFunc(own, func(_ string, m sink.Message) bool { return !a.Takes(m) })
	for fp, sent := range a.Reconcile(ctx, p.client, p.alerts, own) {
		d.record(ctx, own[fp].Report.ID, sink.NameAnnotation, a.peer, sent)
	}
}

func (d *Daemon) refreshSilences(ctx context.Context, s *sink.Silences, p peerView, open map[string]sink.Message) {
	for fp, sent := range s.Reconcile(ctx, p.alerts, open) {
		d.record(ctx, open[fp].Report.ID, sink.NameSilence, p.client.Address(), sent...)
	}
}

// record stores outcomes that are news: an annotation restored for the tenth time is not. Sends cut
// off by a stop are ignored.
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
