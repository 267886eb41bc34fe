// SPDX-License-Identifier: Apache-2.0

package web

import (
	"strconv"

	"github.com/culprit-dev/culprit/receiver/report"
)

// aroundView is the context of the causes: whose they are, and where to look next.
type aroundView struct {
	Facts  []factView
	Links  []link
	Traces []traceView
}

// Any reports whether there is anything to show.
func (a aroundView) Any() bool { return len(a.Facts)+len(a.Links)+len(a.Traces) > 0 }

// factView is a fact, with a link if it is a URL.
type factView struct {
	Name, Value, From string
	Link              link
}

type traceView struct {
	Link        link
	When, Value string
}

func newAround(r report.Report, servers Servers, now clock) (a aroundView) {
	for _, f := range r.Context.Facts {
		if f.Name == "runbook" && f.Value == string(r.Alert.Annotations["runbook_url"]) {
			continue // shown above
		}
		a.Facts = append(a.Facts, factView{f.Name, f.Value, f.From, servers.linkTo(f.Value, f.Value)})
	}
	for _, l := range r.Context.Links { // from the configuration, so their hosts are trusted
		if address := webLink(l.URL); address != "" {
			a.Links = append(a.Links, link{URL: address, Text: l.Name})
		}
	}
	for _, e := range r.Context.Exemplars {
		t := traceView{Link: link{URL: webLink(e.URL), Text: e.TraceID}, When: now.stamp(e.At), Value: strconv.FormatFloat(e.Value, 'g', 3, 64)}
		a.Traces = append(a.Traces, t)
	}
	return a
}
