// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"cmp"
	"context"
	"errors"
	"html"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/grafana"
)

const (
	readPause = 20 * time.Second // interval
	readBack  = 24 * time.Hour   // annotations may be written hours later
	readLimit = 1000             // annotations per read
	ownTag    = "culprit"        // on culprit's own annotations
)

// Grafana reads annotations as changes.
type Grafana struct {
	server *grafana.Client
	choice config.GrafanaChanges
	base   *url.URL
	markup *regexp.Regexp // HTML, which Grafana allows in texts
}

// NewGrafana makes a reader. It fails if files named in the settings can't be read.
func NewGrafana(conf config.Grafana, choice config.GrafanaChanges) (*Grafana, error) {
	server, err := grafana.New(conf)
	if err != nil {
		return nil, err
	}
	return &Grafana{server: server, choice: choice, base: conf.URL.Shown(), markup: regexp.MustCompile(`<[^>]*>`)}, nil
}

// CloseIdleConnections closes unused connections.
func (g *Grafana) CloseIdleConnections() { g.server.CloseIdleConnections() }

// Follow imports annotations into the book periodically, until ctx ends.
func (b *Book) Follow(ctx context.Context, g *Grafana) {
	failing := false
	for ctx.Err() == nil {
		err := b.readGrafana(ctx, g)
		outcome := "ok"
		if err != nil && ctx.Err() == nil {
			outcome = "failed"
			if !failing { // log once: the metric counts on
				b.opt.Log.Warn("Grafana's annotations can't be read as changes; trying again", "err", err)
			}
		}
		failing = err != nil
		b.metrics.reads.WithLabelValues(outcome).Inc()
		select {
		case <-ctx.Done():
		case <-time.After(readPause):
		}
	}
}

func (b *Book) readGrafana(ctx context.Context, g *Grafana) error {
	now := b.opt.Now()
	list, err := g.Read(ctx, now.Add(-readBack), now.Add(maxAhead))
	if err != nil {
		return err
	}
	var failed []error
	for _, c := range list {
		if c.check(now, b.opt.Lifetime) != nil {
			continue // invalid as a change
		}
		_, outcome, err := b.put(ctx, c)
		if err != nil {
			failed = append(failed, err)
		} else if outcome != Known { // count each only once
			b.metrics.changes.WithLabelValues(string(outcome)).Inc()
		}
	}
	return errors.Join(failed...)
}

// Read returns the annotations in a time range that the configuration selects, except those made by
// culprit or by an alert rule of Grafana.
func (g *Grafana) Read(ctx context.Context, from, to time.Time) ([]Change, error) {
	found, err := g.server.Find(ctx, grafana.Query{From: from, To: to, Tags: g.choice.Tags, AnyTag: true, Limit: readLimit})
	if err != nil {
		return nil, err
	}
	var list []Change
	for _, a := range found {
		if g.chosen(a) {
			list = append(list, g.change(a))
		}
	}
	return list, nil
}

func (g *Grafana) chosen(a grafana.Annotation) bool {
	return !a.OfAlert && a.Ref != "" && a.Time > 0 && !slices.Contains(a.Tags, ownTag) &&
		(len(g.choice.Dashboards) == 0 || slices.Contains(g.choice.Dashboards, a.DashboardUID)) &&
		(len(g.choice.Tags) == 0 || slices.ContainsFunc(a.Tags, func(tag string) bool { return slices.Contains(g.choice.Tags, tag) }))
}

// change converts an annotation. Tags of the form service:checkout or service=checkout become
// labels.
func (g *Grafana) change(a grafana.Annotation) Change {
	text := html.UnescapeString(g.markup.ReplaceAllString(a.Text, ""))
	c := Change{
		Sender: g.base.Host + "/" + a.Ref, Source: "grafana", Labels: map[string]string{},
		Title: cmp.Or(clip(text, maxTitle), clip(strings.Join(a.Tags, ", "), maxTitle)), At: time.UnixMilli(a.Time).UTC(), URL: g.page(a),
	}
	if a.TimeEnd > a.Time {
		c.Until = time.UnixMilli(a.TimeEnd).UTC()
	}
	for _, tag := range a.Tags {
		if at := strings.IndexAny(tag, ":="); at > 0 && len(c.Labels) < maxLabels {
			c.Labels[tag[:at]] = clip(tag[at+1:], maxValue)
		}
	}
	for name, value := range c.Labels {
		if (Change{Labels: map[string]string{name: value}}).checkLabels() != nil {
			delete(c.Labels, name) // not a label, such as http://…
		}
	}
	return c
}

// page is the URL of the annotation's dashboard at its time.
func (g *Grafana) page(a grafana.Annotation) string {
	if !config.ValidDashboardUID(a.DashboardUID) {
		return ""
	}
	const around = 15 * 60 * 1000
	v := url.Values{"from": {strconv.FormatInt(a.Time-around, 10)}, "to": {strconv.FormatInt(max(a.Time, a.TimeEnd)+around, 10)}}
	return g.base.JoinPath("d", a.DashboardUID).String() + "?" + v.Encode()
}
