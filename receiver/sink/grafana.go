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

// Limits and names of what is written to Grafana.
const (
	GrafanaTag    = "culprit" // tags every annotation, to find it again
	grafanaTagMax = 100       // bytes of one tag; Grafana keeps 500 in all
	grafanaLimit  = 1000      // annotations searched
	grafanaSlack  = time.Hour // around the incident, to search for its annotation
)

// Grafana marks the incident on its dashboard: a region with the causes as its text, which begins
// at the onset, grows with the incident and ends with it.
//
// For an unknown dashboard Grafana accepts the annotation and silently drops the dashboard, so the
// dashboard is looked up first. If it doesn't exist the annotation belongs to the organisation, and
// dashboards show it by its tags. On some versions a PATCH with a new tag hangs, so all tags are
// set when the annotation is created, and never changed. They are few and recur, because Grafana
// keeps a row for each tag forever. The text contains the incident's ID, to find the annotation if
// culprit died between the write and its record.
type Grafana struct {
	base
	server *grafana.Client
	locks  locks
	marks  cache[mark] // by incident
}

// mark is an existing annotation.
type mark struct {
	ref    string // that of the original annotation; after a space that of its replacement, if any
	text   string // empty: unknown
	closed bool
}

// NewGrafana makes the sink. It fails if files named in the settings can't be read.
func NewGrafana(conf config.Grafana, opts Options) (*Grafana, error) {
	server, err := grafana.New(conf)
	if err != nil {
		return nil, err
	}
	return &Grafana{base: newBase(NameGrafana, opts), server: server}, nil
}

// CloseIdleConnections closes unused connections.
func (g *Grafana) CloseIdleConnections() { g.server.CloseIdleConnections() }

// Place is Grafana's URL without secrets.
func (g *Grafana) Place() string { return g.server.Shown() }

// Send opens, updates or closes the annotation of an incident. The ref of the outcome is the
// annotation's.
func (g *Grafana) Send(ctx context.Context, m Message) []report.Sent {
	if m.Resolved && !m.closed() {
		return nil // other alerts of the incident still fire
	}
	unlock, err := g.locks.lock(ctx, m.key())
	if err != nil {
		return []report.Sent{g.failed("", retryError{err})}
	}
	defer unlock()
	known, err := g.known(ctx, m)
	switch {
	case err != nil:
		return []report.Sent{g.failed("", err)}
	case known.ref != "":
		return []report.Sent{g.update(ctx, m, known)}
	case m.closed():
		return nil // never opened
	default:
		return []report.Sent{g.open(ctx, m)}
	}
}

// known finds the annotation of the incident: in memory, in the outcomes, or in Grafana. Its ref is
// empty if there is none.
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

// open creates the annotation.
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

// place checks that Grafana has the dashboard. If not, the place is empty and the note says so. A
// token without the right to look is accepted.
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

// update updates the text and the end of an annotation.
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

// onset is the start of the region.
func (m Message) onset() time.Time {
	for _, t := range []time.Time{m.Incident.Onset, m.Report.Onset, m.Report.Alert.StartsAt} {
		if !t.IsZero() {
			return t
		}
	}
	return m.Report.CreatedAt
}

// end is when the incident, or the lone alert, ended.
func (m Message) end(otherwise time.Time) time.Time {
	for _, t := range []*time.Time{m.Incident.ResolvedAt, m.Report.ResolvedAt} {
		if t != nil {
			return *t
		}
	}
	return otherwise
}

// grafanaTags are few and recur, see [Grafana].
func grafanaTags(m Message) []string {
	tags := []string{GrafanaTag}
	for _, name := range []model.LabelName{"alertname", "severity", "team"} {
		if value := m.Report.Alert.Labels[name]; value != "" {
			tags = append(tags, clip(oneLine(string(name)+":"+string(value)), grafanaTagMax))
		}
	}
	return tags
}

// grafanaText is HTML, which Grafana sanitises: the summary, the causes, and a link. A tooltip
// shows line breaks as spaces, so each line ends with an element; a list of annotations shows the
// raw text, so elements are few. Foreign text is escaped.
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
