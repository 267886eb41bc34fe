// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/receiver/report"
)

// seenView is in words what was before.
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
		v := otherView{Alert: o.Alert, When: "began at the same moment", Report: o.Report, Summary: o.Summary}
		switch apart := r.Onset.Sub(o.At).Round(time.Second); {
		case apart > 0:
			v.When = "began " + span(apart) + " before it"
		case apart < 0:
			v.When = "began " + span(-apart) + " after it"
		}
		views = append(views, v)
	}
	return views
}
