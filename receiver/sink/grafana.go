// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"cmp"
	"context"
	"fmt"
	"html"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/grafana"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

// What is written to Grafana.
const (
	GrafanaTag    = "culprit" // of every annotation, by which they are found again
	grafanaTagMax = 100       // bytes of one tag; all together Grafana keeps 500
	grafanaLimit  = 1000      // annotations that are looked through
	grafanaSlack  = time.Hour // around the incident, where its annotation is looked for
)

// Grafana marks the time of an incident on its dashboard: one region with the
// causes as its text, which begins at the onset, grows with the incident and
// ends with it.
//
// Grafana takes an annotation for a dashboard that it doesn't know and drops
// the dashboard without a word, so the dashboard is looked up first. If there
// is none the annotation is the organisation's, which dashboards show by its
// tags. A tag that does not exist yet makes a PATCH hang on some versions, so
// all tags are made with the annotation and never changed. They are few and
// repeat, because Grafana keeps a row for each tag that there ever was. The id
// of the incident is in the text, by which the annotation is found again when
// culprit died between the write and its record.
type Grafana struct {
	base
	server *grafana.Client
	busy   locks
	marks  cache[mark] // by incident
}

// mark is an annotation that is there.
type mark struct {
	ref    string // of the first one that was made, and behind a space that of the one in its place
	text   string // empty: not known
	closed bool
}

// NewGrafana makes the sink. It fails when the connection settings name files
// that can't be read.
func NewGrafana(conf config.Grafana, opts Options) (*Grafana, error) {
	server, err := grafana.New(conf)
	if err != nil {
		return nil, err
	}
	return &Grafana{base: newBase(NameGrafana, opts), server: server}, nil
}

// CloseIdleConnections gives the connections back that nobody uses.
func (g *Grafana) CloseIdleConnections() { g.server.CloseIdleConnections() }

// Place is Grafana's address, without secrets.
func (g *Grafana) Place() string { return g.server.Shown() }

// Send opens, updates or closes the annotation of an incident. The ref of the
// outcome is the annotation's ref.
func (g *Grafana) Send(ctx context.Context, m Message) []report.Sent {
	if m.Resolved && !m.closed() {
		return nil // other alerts of the incident are open
	}
	unlock, err := g.busy.lock(ctx, m.key())
	if err != nil {
		return []report.Sent{g.failed("", later{err})}
	}
	defer unlock()
	known, err := g.known(ctx, m)
	switch {
	case err != nil:
		return []report.Sent{g.failed("", err)}
	case known.ref != "":
		return []report.Sent{g.update(ctx, m, known)}
	case m.closed():
		return nil // it was never opened
	default:
		return []report.Sent{g.open(ctx, m)}
	}
}

// known finds the annotation of the incident: in memory, in the outcomes, or in
// Grafana itself. Its ref is empty if there is none.
func (g *Grafana) known(ctx context.Context, m Message) (mark, error) {
	if known, ok := g.marks.get(m.key()); ok {
		return known, nil
	}
	if refs := m.sent(NameGrafana); len(refs) > 0 {
		return mark{ref: refs[0]}, nil
	}
	return g.find(ctx, m)
}

func (g *Grafana) find(ctx context.Context, m Message) (mark, error) {
	found, err := g.server.Find(ctx, grafana.Query{
		From: m.onset().Add(-grafanaSlack), To: g.now().Add(grafanaSlack), Tags: []string{GrafanaTag}, Limit: grafanaLimit,
	})
	for _, a := range found {
		if strings.HasSuffix(a.Text, signature(m)) {
			return mark{ref: a.Ref, text: a.Text}, nil
		}
	}
	return mark{}, err
}

// open makes the annotation.
func (g *Grafana) open(ctx context.Context, m Message) report.Sent {
	place := m.Incident.Grafana
	if place == (report.Place{}) {
		place = m.Report.Grafana
	}
	place, note, err := g.place(ctx, place)
	if err != nil {
		return g.failed("", err)
	}
	now := g.now()
	text := grafanaText(m)
	ref, err := g.server.Create(ctx, grafana.Annotation{
		Key: m.key(), DashboardUID: place.DashboardUID, PanelID: place.PanelID,
		Time: m.onset().UnixMilli(), TimeEnd: max(now.UnixMilli(), m.onset().UnixMilli()),
		Tags: grafanaTags(m), Text: text,
	})
	if err != nil {
		return g.failed("", err)
	}
	g.marks.put(m.key(), mark{ref: ref, text: text})
	sent := g.ok(ref)
	sent.Error = note
	return sent
}

// place makes sure that Grafana knows the dashboard. If it doesn't, the place is
// nowhere and the note says so. A token that may not look is no obstacle.
func (g *Grafana) place(ctx context.Context, p report.Place) (place report.Place, note string, err error) {
	if p.DashboardUID == "" {
		return report.Place{}, "", nil
	}
	err = g.server.Dashboard(ctx, p.DashboardUID)
	switch remote.ReasonOf(err) {
	case "", remote.Unauthorized:
		return p, "", nil
	case remote.NotFound:
		note = fmt.Sprintf("Grafana has no dashboard with the uid %q: the annotation is on no dashboard; correct the rule's grafana.dashboard_uid", p.DashboardUID)
		g.log.Warn("An annotation is on no dashboard", "uid", p.DashboardUID)
		return report.Place{}, note, nil
	default:
		return p, "", err
	}
}

// update brings the text and the end of an annotation up to date.
func (g *Grafana) update(ctx context.Context, m Message, known mark) report.Sent {
	change := grafana.Change{Text: grafanaText(m)}
	if m.closed() {
		change.TimeEnd = max(m.end(g.now()).UnixMilli(), m.onset().UnixMilli())
	}
	if change.Text == known.text && m.closed() == known.closed {
		g.marks.put(m.key(), known)
		return g.ok(known.ref)
	}
	first, now, _ := strings.Cut(known.ref, " ")
	ref, err := g.server.Change(ctx, cmp.Or(now, first), change)
	if grafana.Gone(err) {
		return g.skipped(known.ref, "somebody has deleted the annotation in Grafana")
	}
	if err != nil {
		return g.failed(known.ref, err)
	}
	if ref != first {
		ref = first + " " + ref
	}
	g.marks.put(m.key(), mark{ref: ref, text: change.Text, closed: m.closed()})
	return g.ok(ref)
}

// onset is where the region begins.
func (m Message) onset() time.Time {
	for _, t := range []time.Time{m.Incident.Onset, m.Report.Onset, m.Report.Alert.StartsAt} {
		if !t.IsZero() {
			return t
		}
	}
	return m.Report.CreatedAt
}

// end is when the incident, or the alert alone, has ended.
func (m Message) end(otherwise time.Time) time.Time {
	for _, t := range []*time.Time{m.Incident.ResolvedAt, m.Report.ResolvedAt} {
		if t != nil {
			return *t
		}
	}
	return otherwise
}

// grafanaTags are few and repeat.
func grafanaTags(m Message) []string {
	tags := []string{GrafanaTag}
	for _, name := range []model.LabelName{"alertname", "severity", "team"} {
		if value := m.Report.Alert.Labels[name]; value != "" {
			tags = append(tags, clip(oneLine(string(name)+":"+string(value)), grafanaTagMax))
		}
	}
	return tags
}

// grafanaText is HTML, which Grafana sanitises: the line, the causes, and where
// it comes from. A tooltip shows line breaks as spaces, so that each line ends
// with an element; a list of annotations shows the text as it is, so that there
// are few. Every text of others is escaped.
func grafanaText(m Message) string {
	line, causes, address := m.Report.Line(), m.Report.CauseLines(causeLines), m.Report.URL
	if len(m.Incident.Reports) > 1 {
		line, causes, address = m.Incident.Line(), m.Incident.CauseLines(causeLines), m.Incident.URL
	}
	const end = "<br>\n"
	var b strings.Builder
	b.WriteString("<b>" + html.EscapeString(line) + "</b>" + end)
	for _, cause := range causes {
		b.WriteString(html.EscapeString(cause) + end)
	}
	if m.closed() {
		fmt.Fprintf(&b, "Resolved after %s.%s", m.end(m.onset()).Sub(m.onset()).Round(time.Second), end)
	}
	if strings.HasPrefix(address, "http://") || strings.HasPrefix(address, "https://") {
		fmt.Fprintf(&b, `<a href="%s" target="_blank">Report</a> `, html.EscapeString(address))
	}
	return b.String() + signature(m)
}

// signature ends the text of an incident's annotation.
func signature(m Message) string { return "culprit " + html.EscapeString(m.key()) }
