// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

// foreign has the parsers for messages of senders with a fixed format, by its name (?format=…). A
// message without a change yields none.
func foreign() map[string]func(body []byte) ([]Posted, error) {
	return map[string]func([]byte) ([]Posted, error){"flux": flux, "launchdarkly": launchDarkly, "terraform": terraform}
}

// readForeign parses and checks a message in a foreign format.
func readForeign(r io.Reader, format string, now time.Time, lifetime time.Duration) ([]Change, error) {
	parse, ok := foreign()[format]
	if !ok {
		return nil, unclear("format is %.40q; hint: use one of %s, or leave it out", format, strings.Join(slices.Sorted(maps.Keys(foreign())), ", "))
	}
	body, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	list, err := parse(body)
	if err != nil {
		return nil, fmt.Errorf("%w: %w; hint: format=%s takes what that sends, without a template", errUnclear, err, format)
	}
	all := make([]Change, 0, len(list))
	for _, p := range list {
		p.Source, p.Title = format, clip(p.Title, maxTitle)
		p.From, p.To = clip(p.From, maxValue), clip(p.To, maxValue)
		c, err := p.change(now, lifetime)
		if err != nil {
			return nil, err
		}
		all = append(all, c)
	}
	return all, nil
}

// flux parses an event of Flux' notification controller (provider generic). Only applying and
// rolling back are changes.
func flux(body []byte) ([]Posted, error) {
	var e struct {
		Object struct {
			Kind, Namespace, Name string
		} `json:"involvedObject"`
		Severity  string            `json:"severity"`
		Timestamp moment            `json:"timestamp"`
		Message   string            `json:"message"`
		Reason    string            `json:"reason"`
		Metadata  map[string]string `json:"metadata"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if e.Object.Kind == "" || e.Object.Name == "" {
		return nil, errors.New("it has no involvedObject")
	}
	if e.Severity != "info" || !strings.HasSuffix(e.Reason, "Succeeded") || e.Reason == "TestSucceeded" {
		return nil, nil
	}
	p := Posted{
		Title: e.Object.Kind + " " + e.Object.Name + ": " + firstLine(e.Message), At: e.Timestamp,
		Labels: map[string]string{"namespace": e.Object.Namespace, strings.ToLower(e.Object.Kind): e.Object.Name},
	}
	for _, key := range slices.Sorted(maps.Keys(e.Metadata)) {
		switch name := key[strings.LastIndexByte(key, '/')+1:]; name {
		case "revision":
			p.To = cmp.Or(p.To, e.Metadata[key])
		case "app_version":
			p.To = e.Metadata[key]
		case "service", "app", "cluster", "env", "workload", "team":
			p.Labels[name] = e.Metadata[key] // from eventMetadata of the Alert, or summary
		}
	}
	return []Posted{p}, nil
}

// launchDarkly parses an entry of LaunchDarkly's audit log, as its webhooks send it. Only flags and
// segments are changes.
func launchDarkly(body []byte) ([]Posted, error) {
	var e struct {
		ID        string `json:"_id"`
		Date      int64  `json:"date"` // milliseconds
		Kind      string `json:"kind"`
		Name      string `json:"name"`
		TitleVerb string `json:"titleVerb"`
		Accesses  []struct{ Action, Resource string }
		Member    struct{ Email string }
		Links     struct {
			Site struct{ Href string }
		} `json:"_links"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if e.ID == "" || e.Date == 0 {
		return nil, errors.New("it has no _id or no date")
	}
	if e.Kind != "flag" && e.Kind != "segment" {
		return nil, nil
	}
	p := Posted{
		ID: e.ID, Title: e.Kind + " " + e.Name + ": " + cmp.Or(e.TitleVerb, "changed"), At: moment{time.UnixMilli(e.Date)}, Labels: map[string]string{},
	}
	if len(e.Accesses) > 0 {
		p.Labels = resourceOf(e.Accesses[0].Resource)
		switch {
		case strings.Contains(e.TitleVerb, "turned on"):
			p.From, p.To = "off", "on"
		case strings.Contains(e.TitleVerb, "turned off"):
			p.From, p.To = "on", "off"
		}
	}
	if strings.HasPrefix(e.Links.Site.Href, "/") {
		p.URL = "https://app.launchdarkly.com" + e.Links.Site.Href
	}
	return []Posted{p}, nil
}

// resourceOf extracts labels from a resource such as proj/shop:env/production:flag/new-cart;beta.
func resourceOf(resource string) map[string]string {
	set := map[string]string{}
	for part := range strings.SplitSeq(resource, ":") {
		kind, name, ok := strings.Cut(part, "/")
		name, _, _ = strings.Cut(name, ";")
		if as := map[string]string{"proj": "project", "env": "env", "flag": "flag", "segment": "segment"}[kind]; ok && as != "" {
			set[as] = name
		}
	}
	return set
}

// terraform parses a run notification of HCP Terraform or Terraform Enterprise. Only an applied run
// is a change.
func terraform(body []byte) ([]Posted, error) {
	var e struct {
		RunID         string `json:"run_id"`
		RunURL        string `json:"run_url"`
		RunMessage    string `json:"run_message"`
		Workspace     string `json:"workspace_name"`
		Organization  string `json:"organization_name"`
		Notifications []struct {
			Trigger   string `json:"trigger"`
			Status    string `json:"run_status"`
			UpdatedAt moment `json:"run_updated_at"`
		} `json:"notifications"`
	}
	if err := json.Unmarshal(body, &e); err != nil {
		return nil, err
	}
	if len(e.Notifications) == 0 {
		return nil, errors.New("it has no notifications")
	}
	for _, n := range e.Notifications {
		if n.Status != "applied" {
			continue // nothing was applied; a test message has no status
		}
		return []Posted{{
			ID: e.RunID, Title: "terraform " + e.Workspace + ": " + firstLine(e.RunMessage), At: n.UpdatedAt, URL: e.RunURL,
			Labels: map[string]string{"workspace": e.Workspace, "organization": e.Organization},
		}}, nil
	}
	return nil, nil
}

// firstLine is the first line of a text, without control characters.
func firstLine(text string) string {
	text, _, _ = strings.Cut(strings.TrimSpace(text), "\n")
	return strings.Map(func(r rune) rune {
		if control(r) {
			return -1
		}
		return r
	}, text)
}

// clip shortens a text at a character boundary, and marks the cut.
func clip(text string, most int) string {
	text = firstLine(strings.ToValidUTF8(text, ""))
	if len(text) <= most {
		return text
	}
	cut := most - len("…")
	for cut > 0 && !utf8.RuneStart(text[cut]) {
		cut--
	}
	return text[:cut] + "…"
}
