// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// changedArgs are the arguments of what_changed.
type changedArgs struct {
	At         string            `json:"at,omitempty" jsonschema:"changes before this time: RFC 3339, Unix seconds, or how long ago, such as 2h; left out: now"`
	Window     string            `json:"window,omitempty" jsonschema:"how far back, such as 30m; left out: 1h; at most 7d, of which Prometheus is queried for the last 3h"`
	Labels     map[string]string `json:"labels,omitempty" jsonschema:"of the place, such as cluster, namespace, service; changes elsewhere are left out, changes without a place are kept"`
	Limit      int               `json:"limit,omitempty" jsonschema:"maximum number; an answer has room for about ten"`
	Prometheus string            `json:"prometheus,omitempty" jsonschema:"name of the server to ask, where there are several and the labels choose none"`
	After      string            `json:"after,omitempty" jsonschema:"next from the previous answer"`
}

const (
	defaultWindow = time.Hour
	maxWindow     = 7 * 24 * time.Hour
	mostReported  = 1000 // changes examined for one answer
)

// span is the time and place of a question.
type span struct {
	from, to time.Time
	place    model.LabelSet
	after    changelog.Cursor
}

func (s *server) span(in changedArgs) (span, error) {
	now := s.Now()
	at, err := find.Time(in.At, now)
	if err != nil {
		return span{}, err
	}
	if at.IsZero() {
		at = now
	}
	window := defaultWindow
	if in.Window != "" {
		d, err := model.ParseDuration(in.Window)
		if err != nil || time.Duration(d) <= 0 || time.Duration(d) > maxWindow {
			return span{}, fmt.Errorf("window is %.40q; hint: write a time from 1m to 7d, such as 30m", in.Window)
		}
		window = time.Duration(d)
	}
	asked := span{from: at.Add(-window), to: at, place: model.LabelSet{}}
	for name, value := range in.Labels {
		asked.place[model.LabelName(name)] = model.LabelValue(value)
	}
	if in.After != "" {
		asked.after, err = changelog.ParseCursor(in.After)
	}
	if in.Limit < 0 {
		err = fmt.Errorf("limit is %d; hint: write a number from 1 on, or leave it out", in.Limit)
	}
	return asked, err
}

// changed is one change of the answer.
type changed struct {
	At     string            `json:"at"`
	Until  string            `json:"until,omitempty" jsonschema:"when it was complete"`
	Title  string            `json:"title"`
	From   string            `json:"from,omitempty"`
	To     string            `json:"to,omitempty"`
	Labels map[string]string `json:"labels" jsonschema:"where"`
	Source string            `json:"source" jsonschema:"who reported it"`
	By     string            `json:"by" jsonschema:"report: somebody reported it; prometheus: its series show it"`
	URL    string            `json:"url,omitempty"`

	place changelog.Cursor
}

// changedList is one page of changes.
type changedList struct {
	Changes []changed `json:"changes" jsonschema:"newest first"`
	Next    string    `json:"next,omitempty" jsonschema:"pass it as after to get older ones; empty: there are none"`
	Doubts  []string  `json:"doubts,omitempty" jsonschema:"what could not be queried: an empty list may be incomplete"`
}

// whatChanged is the tool what_changed.
func (s *server) whatChanged(ctx context.Context, in changedArgs) (string, changedList, error) {
	asked, err := s.span(in)
	if err != nil {
		return "", changedList{}, err
	}
	l := changedList{}
	rows, err := s.reported(ctx, asked)
	if err != nil {
		return "", l, err
	}
	shown, err := s.Explainer.Changes(ctx, find.Ask{Labels: asked.place, At: asked.to, Prometheus: in.Prometheus})
	if err != nil {
		l.Doubts = append(l.Doubts, short("Prometheus returned no changes: "+err.Error(), maxDoubts))
	} else if back := asked.to.Add(-promql.ChangesBefore); asked.from.Before(back) {
		l.Doubts = append(l.Doubts, "Prometheus was queried from "+stamp(back)+" on; earlier, only reported changes are listed")
	}
	for _, c := range shown {
		rows = append(rows, ofPrometheus(c))
	}
	rows = asked.choose(rows)
	most := rows
	if in.Limit > 0 {
		most = rows[:min(in.Limit, len(rows))]
	}
	l.Changes = append([]changed{}, fitting(most, maxList-maxDoubts)...)
	if n := len(l.Changes); n > 0 && n < len(rows) {
		l.Next = l.Changes[n-1].place.String()
	}
	text := sayList(len(l.Changes), "change", "changes", l.Next)
	if len(l.Changes) > 0 {
		text += "; the newest: " + l.Changes[0].Title + " at " + l.Changes[0].At
	}
	return short(text, maxLine), l, nil
}

// reported returns the reported changes.
func (s *server) reported(ctx context.Context, asked span) ([]changed, error) {
	list, err := s.Changes.List(ctx, changelog.Filter{From: asked.from, To: asked.to, After: asked.after, Limit: mostReported})
	if err != nil {
		return nil, err
	}
	var rows []changed
	for _, c := range list {
		rows = append(rows, newChanged(c, "report"))
	}
	return rows, nil
}

// ofPrometheus converts a change found in series, and derives an ID for it.
func ofPrometheus(c changes.Change) changed {
	return newChanged(changelog.Change{
		ID: report.ChangeID(c.Source, fmt.Sprintf("%s %s %s %v", c.Title, c.From, c.To, c.Labels)), Title: c.Title, At: moment(c.At), Until: moment(c.Until),
		Labels: c.Labels, From: c.From, To: c.To, Source: c.Source, URL: c.URL,
	}, "prometheus")
}

// moment converts Unix seconds; 0 is the zero time.
func moment(seconds float64) time.Time {
	if seconds == 0 {
		return time.Time{}
	}
	return time.UnixMilli(int64(math.Round(seconds * 1000)))
}

func newChanged(c changelog.Change, by string) changed {
	set := make(model.LabelSet, len(c.Labels))
	for name, value := range c.Labels {
		set[model.LabelName(name)] = model.LabelValue(value)
	}
	row := changed{
		At: stamp(c.At), Until: stamp(c.Until), Title: short(c.Title, 200), From: short(c.From, 80), To: short(c.To, 80),
		Source: short(c.Source, 80), By: by, place: changelog.CursorOf(c),
	}
	row.Labels, _ = shortLabels(set, 250)
	if encoded(c.URL) <= maxURL {
		row.URL = c.URL // a truncated URL would be broken
	}
	return row
}

// choose selects the changes of the time and place behind the cursor, newest first.
func (a span) choose(rows []changed) []changed {
	rows = slices.DeleteFunc(rows, func(c changed) bool {
		return c.place.At.After(a.to) || a.before(c) || a.elsewhere(c) || !a.behind(c)
	})
	slices.SortFunc(rows, func(x, y changed) int {
		return cmp.Or(y.place.At.Compare(x.place.At), strings.Compare(y.place.ID, x.place.ID))
	})
	return slices.CompactFunc(rows, func(x, y changed) bool { return x.place == y.place })
}

// before reports whether a change was over before the time range.
func (a span) before(c changed) bool {
	until, err := time.Parse(time.RFC3339, cmp.Or(c.Until, c.At))
	return err == nil && until.Before(a.from.Truncate(time.Second))
}

// elsewhere reports whether a change has another value of a label of the place.
func (a span) elsewhere(c changed) bool {
	for name := range maps.Keys(a.place) {
		if of, ok := c.Labels[string(name)]; ok && of != short(string(a.place[name]), maxValue) {
			return true
		}
	}
	return false
}

// behind reports whether a change comes after the cursor.
func (a span) behind(c changed) bool {
	if a.after == (changelog.Cursor{}) {
		return true
	}
	order := c.place.At.Compare(a.after.At)
	return order < 0 || order == 0 && c.place.ID < a.after.ID
}
