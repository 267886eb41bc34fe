// SPDX-License-Identifier: Apache-2.0

package config

import (
	"errors"
	"fmt"
	"math"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/analysis"
)

// at adds a mistake at the value of a path, or at the nearest enclosing value that exists. It
// ignores values that could not be read, which is a mistake already.
func (d *decoder) at(path, what, hint string) {
	if d.isRefused(path) {
		return
	}
	where := path
	for where != "" && d.places[where] == (place{}) {
		where = parent(where)
	}
	var p place // the whole file has no place
	if where != "" {
		p = d.places[where]
	}
	d.add(p, path+" "+what, hint)
}

// checkMain checks a main file, except what involves several files.
func (d *decoder) checkMain(c *Config) {
	d.checkServers(c)
	seen := map[string]bool{}
	for i := range c.Alertmanagers {
		am, path := &c.Alertmanagers[i], fmt.Sprintf("alertmanagers[%d]", i)
		d.checkServer(path, am.URL, &am.HTTPConfig)
		if u := am.URL.Reveal(); u != nil {
			if seen[u.String()] {
				d.at(path+".url", "is listed twice", "list every peer once")
			}
			seen[u.String()] = true
		}
	}
	if c.Grafana != nil {
		d.checkServer("grafana", c.Grafana.URL, &c.Grafana.HTTPConfig)
	}
	for i := range c.RecoveryWebhooks {
		h, path := &c.RecoveryWebhooks[i], fmt.Sprintf("recovery_webhooks[%d]", i)
		d.checkServer(path, h.URL, &h.HTTPConfig)
		d.oneOf(path+".min_confidence", string(h.MinConfidence), "high", "medium", "low")
	}
	for path, trust := range map[string]Trust{"expressions.from_alerts": c.Expressions.FromAlerts, "expressions.from_api": c.Expressions.FromAPI} {
		d.oneOf(path, string(trust), string(TrustAny), string(TrustRules), string(TrustNever))
	}
	d.checkAnalysis("analysis", c.Analysis)
	for i, glob := range c.RuleFiles {
		path := fmt.Sprintf("rule_files[%d]", i)
		if _, err := filepath.Match(glob, ""); err != nil || glob == "" {
			d.at(path, fmt.Sprintf("is %q, which is not a pattern", glob), "write a path with *, ? or [a-z], such as rules/*.yml")
		}
	}
	d.checkIgnored(c)
	d.checkChanges(c)
	d.checkTracing(c.Tracing)
	d.checkContext(c.Context)
	d.checkRules(c.Rules)
	d.checkCatalogue(c.Candidates)
	c.Warnings = append(c.Warnings, d.warnings(c)...)
}

// checkServer checks how to reach a server. Validate also normalises the settings (a bearer token
// becomes an authorization).
func (d *decoder) checkServer(path string, u address, h *commonconfig.HTTPClientConfig) {
	d.checkURL(path+".url", u)
	err := errors.Join(h.Validate(), h.TLSConfig.Validate())
	if h.OAuth2 != nil {
		err = errors.Join(err, h.OAuth2.TLSConfig.Validate())
	}
	if err != nil {
		d.at(path+".http_config", "is contradictory: "+strings.ReplaceAll(err.Error(), "\n", "; "), "the keys are those of Prometheus' http_config")
	}
}

// address is a [URL] or a [HookURL].
type address interface {
	Reveal() *url.URL
	String() string
}

func (d *decoder) checkURL(path string, a address) {
	switch u := a.Reveal(); {
	case u == nil:
		d.at(path, "is missing", "write the address of the server, such as http://host:port")
	case u.Scheme != "http" && u.Scheme != "https", u.Host == "":
		d.at(path, fmt.Sprintf("is %q, which is not an http address", a), "write http:// or https:// and the host")
	case hasPassword(u):
		d.at(path, "contains a password", "write it to a file and name it under http_config: basic_auth: password_file")
	}
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}

// oneOf checks a word against the legal ones. Empty means the default.
func (d *decoder) oneOf(path, word string, legal ...string) {
	if word != "" && !slices.Contains(legal, word) {
		d.at(path, fmt.Sprintf("is %q", word), suggest(word, legal))
	}
}

// upTo checks that a number is from 0 to high, both legal.
func (d *decoder) upTo(path string, x, high float64) {
	if !(0 <= x && x <= high) { // also catches NaN
		d.at(path, fmt.Sprintf("is %v", x), fmt.Sprintf("write a number from 0 to %v", high))
	}
}

// checkAnalysis checks the settings of the methods.
func (d *decoder) checkAnalysis(path string, o analysis.Options) {
	if hint, gone := analysis.GoneMode(o.Labels.Mode); gone {
		d.at(path+".labels.mode", fmt.Sprintf("is %q, which is gone", o.Labels.Mode), hint)
	} else {
		d.oneOf(path+".labels.mode", o.Labels.Mode, analysis.LabelModes()...)
	}
	d.upTo(path+".labels.min_change", o.Labels.MinChange, 1)
	d.upTo(path+".labels.t_ep", o.Labels.TEP, 1)
	d.upTo(path+".labels.t_eep", o.Labels.TEEP, 1)
	d.upTo(path+".labels.top", float64(o.Labels.Top), 1000)
	d.oneOf(path+".series.method", o.Series.Method, analysis.SeriesMethods()...)
	d.oneOf(path+".series.preset", o.Series.Preset, "robust", "paper")
	d.oneOf(path+".series.candidate_ad", o.Series.CandidateAD, "report", "pre", "off")
	d.oneOf(path+".series.transform", o.Series.Transform, "none", "ranks", "hinge")
	d.upTo(path+".series.top", float64(o.Series.Top), 1000)
	d.upTo(path+".graph.alpha", o.Graph.Alpha, 0.5)
	d.upTo(path+".graph.max_k", float64(o.Graph.MaxK), 10)
}

// duplicates finds rules with the name of an earlier one.
func duplicates(rules []Rule) Errors {
	var errs Errors
	first := map[string]*Rule{}
	for i := range rules {
		r := &rules[i]
		if r.Name == "" {
			continue
		}
		if was, twice := first[r.Name]; twice {
			errs = append(errs, Mistake{
				File: r.Source.File, Line: r.Source.Lines["name"], What: fmt.Sprintf("a second rule is called %q", r.Name),
				Hint: fmt.Sprintf("rename one; the first is at %s:%d", was.Source.File, was.Source.Lines["name"]),
			})
			continue
		}
		first[r.Name] = r
	}
	return errs
}

// warnings finds what is legal but probably a mistake.
func (d *decoder) warnings(c *Config) Errors {
	var w Errors
	warn := func(path, what, hint string) {
		p := d.places[path]
		w = append(w, Mistake{File: d.file, Line: p.line, Column: p.column, What: what, Hint: hint})
	}
	if len(c.Alertmanagers) == 0 && (c.Publish.AlertAnnotations.Enabled || c.Publish.SilenceComments.UpdateExisting) {
		warn("alertmanagers", "there are no alertmanagers, so nothing is written on alerts and silences", "list every peer under alertmanagers:")
	}
	for _, path := range d.inlineSecrets() {
		warn(path, path+" holds a secret", "write it to a file and name it as "+lastKey(path)+"_file, so that this file can be shown")
	}
	return w
}

// inlineSecrets returns the paths of secrets in the file, sorted.
func (d *decoder) inlineSecrets() []string {
	var found []string
	for path := range d.places {
		switch {
		case !strings.Contains(path, "http_config."), strings.Contains(path, "http_headers."):
		case slices.Contains([]string{"password", "credentials", "client_secret", "bearer_token", "key"}, lastKey(path)):
			found = append(found, path)
		}
	}
	slices.Sort(found)
	return found
}

// lastKey returns the last key of a path.
func lastKey(path string) string { return path[strings.LastIndexByte(path, '.')+1:] }

// finite reports whether x is neither NaN nor infinite.
func finite(x float64) bool { return !math.IsNaN(x) && !math.IsInf(x, 0) }
