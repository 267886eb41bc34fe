// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/url"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// seenView is in words what was seen before.
type seenView struct{ What, HowOften, When, Report, Summary, Said string }

func seenBefore(s *report.Seen, now clock) []seenView {
	if s == nil {
		return nil
	}
	var views []seenView
	for _, one := range []struct {
		what  string
		times *report.Times
	}{{"This alert", s.Alert}, {"These causes", s.Causes}, {"Such a change", s.Change}} {
		if one.times != nil {
			views = append(views, newSeen(one.what, *one.times, s.Days, now))
		}
	}
	return views
}

func newSeen(what string, t report.Times, days int, now clock) seenView {
	v := seenView{What: what, HowOften: fmt.Sprintf("%s in the last %s", counted(t.Times, "time", "times"), counted(days, "day", "days"))}
	var judged []string
	if t.Right > 0 {
		judged = append(judged, counted(t.Right, "report was said to be right", "reports were said to be right"))
	}
	if t.Wrong > 0 {
		judged = append(judged, counted(t.Wrong, "wrong", "wrong"))
	}
	if len(judged) > 0 {
		v.HowOften += "; " + strings.Join(judged, ", ")
	}
	v.When, v.Report, v.Summary = "Last at "+now.stamp(t.Last.At), t.Last.Report, t.Last.Alert+": "+t.Last.Summary
	if t.Last.Seconds > 0 {
		v.When += ", for " + span(time.Duration(t.Last.Seconds*float64(time.Second)))
	} else {
		v.When += ", which still fires"
	}
	if f := t.Last.Feedback; f != nil {
		switch f.Says {
		case report.Right:
			v.Said = "Somebody said that this was right."
		case report.Wrong:
			v.Said = "Somebody said that this was wrong."
		}
		if f.Was != "" {
			v.Said += " It was " + f.Was
		}
	}
	return v
}

// otherView is another alert in words.
type otherView struct{ Alert, When, Report, Summary string }

func otherAlerts(r report.Report) (views []otherView) {
	for _, o := range r.Others {
		views = append(views, otherView{Alert: o.Alert, When: beganFrom(r.Onset, o.At), Report: o.Report, Summary: o.Summary})
	}
	return views
}

// beganFrom says when something began relative to t.
func beganFrom(t, began time.Time) string {
	switch apart := t.Sub(began).Round(time.Second); {
	case apart > 0:
		return "began " + span(apart) + " before it"
	case apart < 0:
		return "began " + span(-apart) + " after it"
	default:
		return "began at the same moment"
	}
}

// thenView is in words which alerts began around the same time.
type thenView struct {
	Said   string // the time range
	Alerts []beganView
	More   string
	All    string // URL of the complete list
}

// beganView is the alerts of one name: a link to the one report, or to their list.
type beganView struct{ Alert, When, Report, List, Summary string }

func (s *server) then(r report.Report) thenView {
	t := r.Then
	if t == nil {
		return thenView{}
	}
	v := thenView{Said: "Began to fire within " + span(t.To.Sub(r.Alert.StartsAt)) + " of this one", All: s.listOf(url.Values{}, r)}
	for _, b := range t.Alerts {
		one := beganView{Alert: b.Alert, When: beganFrom(r.Alert.StartsAt, b.At), Report: b.Report, Summary: b.Summary}
		if b.Alerts > 1 {
			one.When = fmt.Sprintf("%d alerts, %d firing; the nearest %s", b.Alerts, b.Firing, one.When)
			one.List = s.listOf(url.Values{"alertname": {b.Alert}}, r)
		} else if b.Firing == 0 {
			one.When += ", over"
		}
		v.Alerts = append(v.Alerts, one)
	}
	if t.More > 0 {
		v.More = fmt.Sprintf("And alerts of %s", counted(t.More, "other name", "other names"))
	}
	return v
}

// listOf is the URL of the list of reports around the same time, of the same Prometheus.
func (s *server) listOf(v url.Values, r report.Report) string {
	v.Set("from", r.Then.From.UTC().Format(time.RFC3339Nano))
	v.Set("to", r.Then.To.UTC().Format(time.RFC3339Nano))
	if r.Prometheus != "" {
		v.Set("prometheus", r.Prometheus)
	}
	return s.pages.path("") + "?" + v.Encode()
}
