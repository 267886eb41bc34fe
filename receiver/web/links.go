package web

import (
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/report"
)

// graphLink returns the address of Prometheus' graph page for a query, around
// the time of a report. Without a configured Prometheus the address that the
// alert came with is taken, if it is one of Prometheus.
func (s *server) graphLink(query string, r report.Report) string {
	base := s.prometheus
	if base == nil {
		if base = prometheusOf(r.Alert.GeneratorURL); base == nil {
			return ""
		}
	}
	v := url.Values{}
	v.Set("g0.expr", query)
	v.Set("g0.tab", "0")
	if r.Plan.End.After(r.Plan.Start) {
		v.Set("g0.range_input", model.Duration(r.Plan.End.Sub(r.Plan.Start).Round(time.Second)).String())
		v.Set("g0.end_input", r.Plan.End.UTC().Format(time.DateTime))
	}
	return base.JoinPath("graph").String() + "?" + v.Encode()
}

// prometheusOf finds the address of Prometheus in an alert's generator URL,
// which ends in /graph or /query.
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

// dashboard returns the address of the panel that shows the alert.
func (s *server) dashboard(r report.Report) string {
	if s.grafana == nil || r.Grafana.DashboardUID == "" {
		return ""
	}
	v := url.Values{}
	v.Set("from", strconv.FormatInt(r.Plan.Start.UnixMilli(), 10))
	v.Set("to", strconv.FormatInt(r.Plan.End.UnixMilli(), 10))
	if r.Grafana.PanelID != 0 {
		v.Set("viewPanel", strconv.FormatInt(r.Grafana.PanelID, 10))
	}
	return s.grafana.JoinPath("d", r.Grafana.DashboardUID).String() + "?" + v.Encode()
}

// webLink returns a text if it is the address of a web page, else nothing: a
// link that somebody else wrote may be anything.
func webLink(text string) string {
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return ""
	}
	return text
}
