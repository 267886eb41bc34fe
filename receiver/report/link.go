// SPDX-License-Identifier: Apache-2.0

package report

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// LinkTo is the data for the template of a link.
type LinkTo struct {
	Labels   model.LabelSet // of the alert and the found place
	From, To time.Time
	TraceID  string // of an exemplar, for trace links only
}

// linkData is what templates see.
type linkData struct {
	Labels   map[string]linkValue
	From, To time.Time
	TraceID  linkValue
}

// linkValue is foreign text in a URL. It always prints escaped, so that it can't be more than a
// value.
type linkValue string

func (v linkValue) String() string { return escape(string(v)) }

// Format implements fmt.Formatter, because no verb may print the raw text.
func (v linkValue) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.String()) }

// inJSON escapes a text for use inside a JSON string.
func inJSON(v linkValue) (linkValue, error) {
	text, err := json.Marshal(string(v))
	if err != nil {
		return "", err
	}
	return linkValue(text[1 : len(text)-1]), nil
}

// linkFunctions format several labels: as matchers of LogQL and PromQL, or conditions of KQL.
// Missing labels are left out. json escapes what is inside JSON.
func linkFunctions(set model.LabelSet) template.FuncMap {
	each := func(format, between string, names []string) (linkValue, error) {
		var parts []string
		for _, name := range names {
			if v := set[model.LabelName(name)]; v != "" {
				parts = append(parts, fmt.Sprintf(format, name, strconv.Quote(string(v))))
			}
		}
		if len(parts) == 0 {
			return "", errNoLabel
		}
		return linkValue(strings.Join(parts, between)), nil
	}
	return template.FuncMap{
		"selector": func(names ...string) (linkValue, error) { return each("%s=%s", ", ", names) },
		"kql":      func(names ...string) (linkValue, error) { return each("%s:%s", " and ", names) },
		"json":     inJSON,
		"quoted":   func(name string) (linkValue, error) { return each("%[2]s", "", []string{name}) },
	}
}

var errNoLabel = errors.New("there is no such label")

// escape escapes a value for any part of a URL after the host.
func escape(v string) string { return strings.ReplaceAll(url.QueryEscape(v), "+", "%20") }

// literalHost matches templates with a fixed host: no label value may choose where a link leads.
func literalHost() *regexp.Regexp { return regexp.MustCompile(`^https?://[^/?#{}@\s]+(?:[/?#]|$)`) }

// Fill fills in the template of a link. ok is false if it refers to a missing label.
func (to LinkTo) Fill(text string) (address string, ok bool) {
	address, err := to.fill(text)
	return address, err == nil
}

func (to LinkTo) fill(text string) (string, error) {
	if !literalHost().MatchString(text) {
		return "", errors.New("it must begin with http:// or https:// and a host that is written out")
	}
	t, err := template.New("link").Funcs(linkFunctions(to.Labels)).Option("missingkey=error").Parse(text)
	if err != nil {
		return "", err
	}
	data := linkData{Labels: map[string]linkValue{}, From: to.From.UTC(), To: to.To.UTC(), TraceID: linkValue(to.TraceID)}
	for name, v := range to.Labels {
		if v != "" {
			data.Labels[string(name)] = linkValue(v)
		}
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return "", err
	}
	address := strings.ReplaceAll(b.String(), " ", "%20")
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return "", errors.New("it is not the address of a web page")
	}
	return address, nil
}

// maxLink is the maximum length of a URL, in bytes: browsers and servers refuse longer ones.
const maxLink = 8 << 10

// LinksOf fills in the configured links.
func LinksOf(c config.Context, to LinkTo) (links []Link) {
	for _, l := range c.Links {
		if address, ok := to.Fill(l.URL); ok && len(address) <= maxLink {
			links = append(links, Link{l.Name, address})
		}
	}
	return links
}

// CheckLinks validates the templates of links, with a value for every label.
func CheckLinks(c *config.Config) []config.Mistake {
	var mistakes []config.Mistake
	check := func(path, text string) {
		if err := tryLink(text); err != nil {
			mistakes = append(mistakes, config.Mistake{
				File: c.ContextSource.File, Line: c.ContextSource.Lines[path], What: fmt.Sprintf("%s: %v", path, err),
				Hint: `write an address such as https://logs.example.org/?q={{ .Labels.service }}&from={{ .From.UnixMilli }}&to={{ .To.UnixMilli }}`,
			})
		}
	}
	for i, l := range c.Context.Links {
		check(fmt.Sprintf("context.links[%d].url", i), l.URL)
	}
	if t := c.Context.Traces; t != nil {
		check("context.traces.url", t.URL)
	}
	return mistakes
}

// tryLink fills in a template for an alert that has all labels in it.
func tryLink(text string) error {
	set := model.LabelSet{}
	for _, m := range regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_]*`).FindAllString(text, -1) {
		set[model.LabelName(m)] = "x"
	}
	_, err := LinkTo{Labels: set, From: time.Unix(0, 0), To: time.Unix(0, 0), TraceID: "x"}.fill(text)
	return err
}
