// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/prometheus/alertmanager/pkg/labels"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
)

// Servers are the Prometheus servers of a configuration, or tenants of one. In YAML
// they are one mapping, or a list of those. Each alert belongs to one of them,
// and no other is asked about it.
type Servers []Prometheus

// Of returns the server for an alert: the first whose matchers all match its labels. A missing
// label matches as if it were empty.
func (s Servers) Of(alert model.LabelSet) (*Prometheus, error) {
	for i := range s {
		if s[i].Parsed.Matches(alert) {
			return &s[i], nil
		}
	}
	return nil, fmt.Errorf("no Prometheus is configured for this alert: the matchers of none of %s match its labels, so nothing was asked; hint: add matchers, or an entry without any as the last one, to the prometheus list", s.names())
}

// Named returns the server with a name.
func (s Servers) Named(name string) (*Prometheus, error) {
	for i := range s {
		if s[i].Name == name {
			return &s[i], nil
		}
	}
	if s.names() == "" {
		return nil, fmt.Errorf("no Prometheus is called %q: the configuration has one, without a name; hint: leave the name out", name)
	}
	return nil, fmt.Errorf("no Prometheus is called %q; hint: use one of %s", name, s.names())
}

// Choose returns the server for a question: by name if there is one, or else by the alert's labels.
// known may be only some of these; it is an error if they leave the server open.
func (s Servers) Choose(name string, known model.LabelSet) (*Prometheus, error) {
	if name != "" {
		return s.Named(name)
	}
	if len(s) == 1 {
		return &s[0], nil
	}
	for i := range s {
		unknown := slices.ContainsFunc(s[i].Parsed, func(m *labels.Matcher) bool { _, ok := known[model.LabelName(m.Name)]; return !ok })
		fits := !slices.ContainsFunc(s[i].Parsed, func(m *labels.Matcher) bool {
			v, ok := known[model.LabelName(m.Name)]
			return ok && !m.Matches(string(v))
		})
		switch {
		case fits && unknown:
			return nil, fmt.Errorf("it is unclear which Prometheus is meant: there are %s; hint: name one of them, or give the alert labels that choose one", s.names())
		case fits:
			return &s[i], nil
		}
	}
	return s.Of(known)
}

// Only returns the server for a question as the only one, for all alerts. See [Servers.Choose].
func (s Servers) Only(name string, known model.LabelSet) (Servers, error) {
	chosen, err := s.Choose(name, known)
	if err != nil {
		return nil, err
	}
	only := *chosen
	only.Matchers, only.Parsed = nil, nil
	return Servers{only}, nil
}

// names lists the names of the servers; empty if they have none.
func (s Servers) names() string {
	var names []string
	for _, p := range s {
		if p.Name != "" {
			names = append(names, p.Name)
		}
	}
	return strings.Join(names, ", ")
}

// Asks reports whether an alert that the matchers match may belong to the i-th server; false is
// certain.
func (s Servers) Asks(i int, alerts labels.Matchers) bool {
	return !disjoint(s[i].Parsed, alerts) && !disjoint(alerts, s[i].Parsed) &&
		!slices.ContainsFunc(s[:i], func(earlier Prometheus) bool { return covers(earlier.Parsed, alerts) })
}

// MarshalYAML writes a single server without a name like in a file.
func (s Servers) MarshalYAML() (any, error) {
	if len(s) == 1 && s[0].Name == "" {
		return s[0], nil
	}
	return []Prometheus(s), nil
}

// Title names the server for people, as in `Prometheus "eu" at http://prometheus:9090`.
func (p *Prometheus) Title() string {
	if p.Name == "" {
		return fmt.Sprintf("Prometheus at %s", p.URL)
	}
	return fmt.Sprintf("Prometheus %q at %s", p.Name, p.URL)
}

// Asked is the server for people: its URL, and its name if there is one.
func (p *Prometheus) Asked() string {
	if p.Name == "" {
		return p.URL.String()
	}
	return fmt.Sprintf("%s (%s)", p.URL, p.Name)
}

// Client returns the settings of the HTTP client, including the headers.
func (p *Prometheus) Client() commonconfig.HTTPClientConfig {
	h := p.HTTPConfig
	if len(p.Headers) == 0 {
		return h
	}
	all := map[string]commonconfig.Header{}
	if h.HTTPHeaders != nil {
		maps.Copy(all, h.HTTPHeaders.Headers)
	}
	for name, value := range p.Headers {
		all[name] = commonconfig.Header{Secrets: []commonconfig.Secret{value}}
	}
	h.HTTPHeaders = &commonconfig.Headers{Headers: all}
	return h
}

// checkServers checks the Prometheus servers, and that each may have alerts.
func (d *decoder) checkServers(c *Config) {
	all, isList := c.Prometheus, d.isList("prometheus")
	if len(all) == 0 && !d.isRefused("prometheus") {
		d.at("prometheus.url", "is missing", "write the address of the server, such as http://host:port")
	}
	if !isList && len(all) == 1 {
		d.checkAlone(&all[0])
		return
	}
	names := map[string]bool{}
	for i := range all {
		path := fmt.Sprintf("prometheus[%d]", i)
		all[i].Parsed = d.parseMatchers(all[i].Matchers, path)
		d.checkPrometheus(path, &all[i])
		if all[i].Name == "" {
			d.at(path+".name", "is missing", "every server of a list has a name, which reports and metrics show")
		}
		d.unique(names, all[i].Name, path+".name")
		d.checkReached(all[:i+1], path)
	}
	if n := len(all); n > 0 && len(all[n-1].Matchers) > 0 {
		p := d.places["prometheus"]
		c.Warnings = append(c.Warnings, Mistake{
			File: d.file, Line: p.line, Column: p.column, What: "prometheus has no entry without matchers, so nothing is asked about alerts that none matches",
			Hint: "add one as the last, or leave it so if there are no such alerts",
		})
	}
}

// isList reports whether a path is a list.
func (d *decoder) isList(path string) bool {
	_, has := d.places[path+"[0]"]
	return has
}

// checkAlone checks the only server of a file without a list.
func (d *decoder) checkAlone(p *Prometheus) {
	d.checkPrometheus("prometheus", p)
	for key, given := range map[string]bool{"name": p.Name != "", "matchers": p.Matchers != nil} {
		if given {
			d.at("prometheus."+key, "is only for one of several servers", "make a list of prometheus:, or leave it out")
		}
	}
}

// checkReached checks that some alerts belong to the last server.
func (d *decoder) checkReached(all Servers, path string) {
	last := all[len(all)-1]
	if d.unread(last, path) {
		return
	}
	for i, earlier := range all[:len(all)-1] {
		before := fmt.Sprintf("prometheus[%d]", i)
		if d.unread(earlier, before) || !covers(earlier.Parsed, last.Parsed) {
			continue
		}
		if len(earlier.Matchers) == 0 {
			d.at(before, fmt.Sprintf("(%q) has no matchers, so %q behind it is asked about no alert", earlier.Name, last.Name), "give it matchers, or make it the last one")
		} else {
			d.at(path+".matchers", fmt.Sprintf("are of no alert: %q comes before %q and matches every alert that it matches", earlier.Name, last.Name), "put it before the other, or narrow that one's matchers")
		}
		return
	}
}

// unread reports whether some matchers of a server could not be parsed, which is a mistake already.
func (d *decoder) unread(p Prometheus, path string) bool {
	return len(p.Parsed) < len(p.Matchers) || d.isRefused(path+".matchers")
}

func (d *decoder) checkPrometheus(path string, p *Prometheus) {
	d.checkServer(path, p.URL, &p.HTTPConfig)
	d.checkHeaders(path, p)
	if p.RulesURL != nil {
		d.checkURL(path+".rules_url", p.RulesURL)
	}
	for _, c := range []struct {
		key      string
		n, usual int
	}{
		{"max_concurrent_queries", p.MaxConcurrentQueries, 4},
		{"max_series", p.MaxSeries, 20_000},
		{"max_queries", p.MaxQueries, 500},
		{"max_samples", p.MaxSamples, 5_000_000},
		{"max_bytes", p.MaxBytes, 64 << 20},
	} {
		if c.n < 1 {
			d.at(path+"."+c.key, fmt.Sprintf("is %d", c.n), fmt.Sprintf("allow at least 1, or leave it out for %d", c.usual))
		}
	}
	if p.QueryTimeout <= 0 {
		d.at(path+".query_timeout", "is zero", "write a duration such as 10s, or leave it out")
	}
	if p.MaxTime <= 0 {
		d.at(path+".max_time", "is zero", "write a duration such as 1m, or leave it out")
	}
}
