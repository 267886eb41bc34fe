// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// link leads out of culprit. An empty one is not shown.
type link struct {
	URL, Text string
	Host      string // destination, if only an alert names it: anybody who can post an alert can choose it
	By        string // who names it, if not the alert
}

// linkTo links to a URL that came with an alert, if it is a web page.
func (s Servers) linkTo(address, text string) link {
	l := link{URL: webLink(address), Text: text}
	if u, err := url.Parse(l.URL); err == nil && l.URL != "" && !s.know(u.Host) {
		l.Host = u.Host
	}
	return l
}

// know reports whether the configuration has a host.
func (s Servers) know(host string) bool {
	return slices.ContainsFunc(s.Prometheus, func(u *url.URL) bool { return u.Host == host }) || s.Grafana != nil && s.Grafana.Host == host
}

// graph links to a query's graph around the time of a report, on the Prometheus that the alert came
// from.
func (s Servers) graph(query string, r report.Report) link {
	base := prometheusOf(r.Alert.GeneratorURL)
	if base == nil {
		return link{}
	}
	v := url.Values{}
	v.Set("g0.expr", query)
	v.Set("g0.tab", "0")
	if r.Plan.End.After(r.Plan.Start) {
		v.Set("g0.range_input", model.Duration(r.Plan.End.Sub(r.Plan.Start).Round(time.Second)).String())
		v.Set("g0.end_input", r.Plan.End.UTC().Format(time.DateTime))
	}
	return s.linkTo(base.JoinPath("graph").String()+"?"+v.Encode(), "Open in Prometheus")
}

// prometheusOf derives Prometheus' base URL from a generator URL, which ends in /graph or /query.
func prometheusOf(generator string) *url.URL {
	u, err := url.Parse(webLink(generator))
	if err != nil || u.Host == "" {
		return nil
	}
	for _, page := range []string{"/graph", "/query"} {
		if path, ok := strings.CutSuffix(u.Path, page); ok {
			return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: path}
		}
	}
	return nil
}

// dashboard links to the panel that shows the alert. The uid may come with the alert, so it is
// validated.
func (s Servers) dashboard(r report.Report) link {
	if s.Grafana == nil || !config.ValidDashboardUID(r.Grafana.DashboardUID) {
		return link{}
	}
	v := url.Values{}
	v.Set("from", strconv.FormatInt(r.Plan.Start.UnixMilli(), 10))
	v.Set("to", strconv.FormatInt(r.Plan.End.UnixMilli(), 10))
	if r.Grafana.PanelID != 0 {
		v.Set("viewPanel", strconv.FormatInt(r.Grafana.PanelID, 10))
	}
	return link{URL: s.Grafana.JoinPath("d", r.Grafana.DashboardUID).String() + "?" + v.Encode(), Text: "Dashboard"}
}

// webLink returns text if it is the URL of a web page, else "": foreign text may be anything.
func webLink(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || strings.ContainsFunc(u.Host, hidden) {
		return ""
	}
	return text
}

// hidden reports whether a character is invisible or changes the direction of text.
func hidden(r rune) bool { return !unicode.IsGraphic(r) || unicode.IsSpace(r) }

// silence links to Alertmanager's form for a new silence on a firing alert, with a matcher per
// label.
func (s Servers) silence(r report.Report) link {
	if s.Alertmanager == nil || !r.Open() {
		return link{}
	}
	var matchers []string
	for _, p := range pairs(r.Alert.Labels) {
		matchers = append(matchers, fmt.Sprintf("%s=%q", p.Key, p.Value))
	}
	filter := url.QueryEscape("{" + strings.Join(matchers, ",") + "}")
	// It is the route of a page, in which spaces must be %20, not plus signs.
	return link{URL: strings.TrimSuffix(s.Alertmanager.String(), "/") + "/#/silences/new?filter=" + strings.ReplaceAll(filter, "+", "%20"), Text: "Silence"}
}
