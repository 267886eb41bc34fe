// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/receiver/report"
)

// listPage is the front page.
type listPage struct {
	Incidents []incidentRow // open ones of more than one alert
	Reports   []row
	Filter    string // the filter in words; empty: none
	OpenOnly  bool
	Older     string // URL of the next page; empty on the last
	OpenLink  string // URL of the same list, with only open alerts or all
	Text      string // text searched for
	Match     string // label matchers
	Verdicts  []choice
	Limited   bool // there is a filter, so an empty list doesn't mean an empty store
}

type incidentRow struct{ ID, Summary, Alerts, State string }

func (listPage) title() string { return "Reports" }

func newListPage(reports []report.Report, incidents []report.Incident, f Filter, now clock) listPage {
	p := listPage{OpenOnly: f.Open != nil && *f.Open, Filter: filterWords(f, now), Text: f.Text, Verdicts: verdictChoices(f.Verdict)}
	p.Limited = p.OpenOnly || p.Filter != ""
	for _, inc := range incidents {
		if len(inc.Reports) > 1 {
			p.Incidents = append(p.Incidents, incidentRow{inc.ID, inc.Summary, alertNames(inc.Alerts), now.state(inc.Onset, inc.ResolvedAt)})
		}
	}
	p.Reports = newRows(reports, now)
	return p
}

// shownNames is how many alert names fit on one line.
const shownNames = 4

// alertNames lists distinct names with their counts; the first ones, and how many more there are.
func alertNames(names []string) string {
	var order []string
	count := map[string]int{}
	for _, name := range names {
		if count[name]++; count[name] == 1 {
			order = append(order, name)
		}
	}
	for i, name := range order {
		if n := count[name]; n > 1 {
			order[i] = fmt.Sprintf("%s (%d)", name, n)
		}
	}
	if left := len(order) - shownNames; left > 1 {
		order = append(order[:shownNames], fmt.Sprintf("and %d more", left))
	}
	return strings.Join(order, ", ")
}

// incidentPage is an incident in words.
type incidentPage struct {
	ID, Summary, Alerts, State, Onset string
	Verdict, Kind                     string
	Open                              bool
	Causes                            causeList
	NoCause                           string
	Reports                           []row
	Lanes                             []lane
	MoreLanes                         int
	More                              string
	Services                          []report.Count
	Sent                              []sentView
}

func (p incidentPage) title() string { return "Incident: " + p.Summary }

func newIncidentPage(inc report.Incident, reports []report.Report, now clock) incidentPage {
	p := incidentPage{
		ID: inc.ID, Summary: inc.Summary, Alerts: alertNames(inc.Alerts), Open: inc.Open(),
		State: incidentState(inc, now), Onset: now.stamp(inc.Onset), Sent: sent(inc.Sent, now),
		Verdict: "No cause found", Kind: "none",
		NoCause: "Nothing examined explains enough of these alerts to be called their cause. Each report says what was asked.",
	}
	views := make([]causeView, 0, len(inc.Causes))
	for _, f := range inc.Causes {
		c := newCause(f, inc.Unit)
		if c.Explains = explains(f.NumExplained(), len(inc.Reports), f.Common); c.Explains != "" {
			c.Explains += ": " + strings.Join(f.Explains, ", ")
			if f.Explained > 0 {
				c.Explains += ", …"
			}
		}
		views = append(views, c)
	}
	p.Causes = newCauseList(views)
	if slices.ContainsFunc(inc.Causes, report.Confident) {
		p.Verdict, p.Kind = "Cause found", "found"
	}
	all := len(reports) // others have expired
	if all == maxLimit {
		all = len(inc.Reports)
	}
	p.Reports, p.More = firstRows(newRows(reports, now), all)
	p.Services = hurt(inc, reports)
	p.Lanes, p.MoreLanes = lanesOf(reports, now)
	return p
}

func incidentState(inc report.Incident, now clock) string {
	if inc.Open() {
		return "open for " + span(now.now.Sub(inc.Onset))
	}
	return "closed after " + span(inc.ResolvedAt.Sub(inc.Onset))
}

// explains says how many of the alerts a cause explains.
func explains(n, of int, common bool) string {
	switch {
	case of < 2 || n == 0:
		return ""
	case common:
		return "explains all alerts"
	default:
		return fmt.Sprintf("explains %d of %d alerts", n, of)
	}
}
