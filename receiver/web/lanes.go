// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// A lane holds all alerts of one name during an incident, from the first start to the last end.
type lane struct {
	Name, From, Until string
	Alerts            string // count; empty: one
	X, Width          string // of the bar, in percent of the incident
	Open              bool

	first, last time.Time
	count       int
}

// mostLanes is the maximum number of lanes.
const mostLanes = 20

// lanesOf is the timeline of an incident: one lane per alertname, earliest first. more is how many
// are left out.
func lanesOf(reports []report.Report, now clock) (lanes []lane, more int) {
	for _, r := range reports {
		lanes = addToLane(lanes, r, now)
	}
	slices.SortFunc(lanes, func(a, b lane) int { return cmp.Or(a.first.Compare(b.first), cmp.Compare(a.Name, b.Name)) })
	more = max(0, len(lanes)-mostLanes)
	lanes = lanes[:len(lanes)-more]
	begin, length := extentOf(lanes)
	for i := range lanes {
		l := &lanes[i]
		l.From, l.Until = clockTime(float64(l.first.Unix())), clockTime(float64(l.last.Unix()))
		x := 100 * l.first.Sub(begin).Seconds() / length
		x = min(x, 99) // keep one that has just begun visible
		l.X, l.Width = f1(x), f1(max(1, 100*l.last.Sub(begin).Seconds()/length-x))
		if l.count > 1 {
			l.Alerts = fmt.Sprintf("%d alerts", l.count)
		}
	}
	return lanes, more
}

func addToLane(lanes []lane, r report.Report, now clock) []lane {
	end := now.now
	if !r.Open() {
		end = *r.ResolvedAt
	}
	if end.Before(r.Alert.StartsAt) {
		end = r.Alert.StartsAt // clocks differ
	}
	i := slices.IndexFunc(lanes, func(l lane) bool { return l.Name == r.Name() })
	if i < 0 {
		return append(lanes, lane{Name: r.Name(), first: r.Alert.StartsAt, last: end, count: 1, Open: r.Open()})
	}
	l := &lanes[i]
	l.count++
	l.Open = l.Open || r.Open()
	if r.Alert.StartsAt.Before(l.first) {
		l.first = r.Alert.StartsAt
	}
	if end.After(l.last) {
		l.last = end
	}
	return lanes
}

// extentOf returns when the first alert began, and the seconds until the last one ended, at least
// one.
func extentOf(lanes []lane) (begin time.Time, seconds float64) {
	seconds = 1
	for i, l := range lanes {
		if i == 0 || l.first.Before(begin) {
			begin = l.first
		}
	}
	for _, l := range lanes {
		seconds = max(seconds, l.last.Sub(begin).Seconds())
	}
	return begin, seconds
}

// hurt lists the affected services, the one with most alerts first.
func hurt(inc report.Incident, reports []report.Report) []report.Count {
	if len(reports) == 0 {
		return nil
	}
	return report.NewCase([]report.Member{{Incident: inc, Reports: slices.Clone(reports)}}, "").Services
}
