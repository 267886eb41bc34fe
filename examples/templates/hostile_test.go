// SPDX-License-Identifier: Apache-2.0

package templates_test

import (
	"encoding/json"
	"fmt"
	"html"
	"io"
	"log"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/PuerkitoBio/goquery"
	"github.com/prometheus/alertmanager/alert"
	"github.com/prometheus/alertmanager/featurecontrol"
	"github.com/prometheus/alertmanager/matcher/compat"
	"github.com/prometheus/common/model"
	"github.com/prometheus/common/promslog"
	"pgregory.net/rapid"
)

// TestMain chooses how matchers are parsed, as Alertmanager's main function does, and silences
// net/http's log about connections that the tests close.
func TestMain(m *testing.M) {
	compat.InitFromFlags(promslog.NewNopLogger(), featurecontrol.NoopFlags{})
	log.SetOutput(io.Discard)
	os.Exit(m.Run())
}

// The limits of the services, in characters unless noted.
const (
	slackBlocks, slackText, slackHeader, slackURL, slackAll = 50, 3000, 150, 3000, 13000
	slackAttachment                                         = 40000
	pagerdutySummary                                        = 1024
	opsgenieMessage, opsgenieDescription                    = 130, 15000
	teamsBytes                                              = 28 << 10
)

// hostile are texts with a special meaning somewhere on the way.
func hostile() []string {
	return []string{
		`"`, `\`, `\"`, "a\nb", "a\r\nBcc: x@example.org", "\t", "\x00\x1b[31m", "\u0085\u2028\ufeff", "\xff\xfe",
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `</p></body>`, `&lt;b&gt;&amp;`, `javascript:alert(1)`,
		`<!channel>`, `<!here|here>`, `<@U123>`, `<https://evil.example|Report>`, `*bold* _it_ ~no~`, "```code```", `:fire:`, `#general`,
		`[Report](https://evil.example)`, `![x](https://evil.example/x.png)`, `<https://evil.example>`, "# heading", "| a | b |",
		`{"blocks":[]}`, `","x":"`, `null`, `true`, `12`, `- a`, `a: b`, `{{ .Alerts }}`, `{{`, `%s %!d`, `$1 ${1}`, `+ +`, `a=b,c="d"}`, `'`, `🔥 é 漢`,
		strings.Repeat("long ", 400), strings.Repeat("<", 2000), strings.Repeat("漢", 1500), strings.Repeat(`"\`, 1000),
		"https://evil.example/\"><b>", "https://evil.example/a|b> <!channel>", "https://e.example/) [x](https://evil.example",
	}
}

// hostileAlerts are alerts with such a text in every place, in groups of several sizes.
func hostileAlerts(text string, n int) (model.LabelSet, []*alert.Alert) {
	v := model.LabelValue(text)
	if !v.IsValid() {
		v = model.LabelValue(strings.ToValidUTF8(text, "\ufffd")) // Alertmanager accepts no others
	}
	name := model.LabelValue(fmt.Sprintf("%.30s", v))
	groups := model.LabelSet{"alertname": "A" + name, "namespace": v}
	var list []*alert.Alert
	for i := range n {
		a := firing(model.LabelSet{"severity": v, "a": model.LabelValue(fmt.Sprint("pod-", i, "-")) + v, "a.b": v}, model.LabelSet{
			"summary": v, "description": v, "runbook_url": v, "dashboard_url": "https://e.example/" + v,
			"culprit_summary": v, "culprit_causes": "1. " + v + "\n2. " + v, "culprit_report": "https://culprit.example.org/" + v, "culprit_incident": "2 alerts: " + v,
		})
		for name, value := range groups {
			a.Labels[name] = value
		}
		// culprit's own texts are bounded, whatever the labels.
		for name, most := range map[model.LabelName]int{"culprit_summary": 200, "culprit_causes": 1024, "culprit_report": 1024, "culprit_incident": 200} {
			if text := string(a.Annotations[name]); len(text) > most {
				a.Annotations[name] = model.LabelValue(strings.ToValidUTF8(text[:most], ""))
			}
		}
		list = append(list, a)
	}
	return groups, list
}

func TestNoLabelBreaksAMessage(t *testing.T) {
	w := newWorld(t)
	for i, text := range hostile() {
		for _, n := range []int{1, 20, 130} {
			if n > 20 && i%8 > 0 || n > 1 && len(text) > 1000 && i%2 > 0 {
				continue // it is tried with some
			}
			group, alerts := hostileAlerts(text, n)
			for _, receiver := range receivers() {
				if !t.Run(fmt.Sprintf("%s, %d of %.12q", receiver, n, text), func(t *testing.T) { holds(t, w, receiver, group, alerts) }) {
					return
				}
			}
		}
	}
}

func TestNoTextBreaksAMessage(t *testing.T) {
	w := newWorld(t)
	rapid.Check(t, func(r *rapid.T) {
		group, alerts := hostileAlerts(rapid.String().Draw(r, "text"), rapid.IntRange(1, 3).Draw(r, "n"))
		for _, receiver := range receivers() {
			holds(r, w, receiver, group, alerts)
		}
	})
}

// tester is the common part of a test and a property.
type tester interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
	Fatal(...any)
}

// holds notifies a receiver, and checks that the service would accept the request and that nothing
// in it comes from an unexpected place.
func holds(t tester, w world, receiver string, group model.LabelSet, alerts []*alert.Alert) {
	t.Helper()
	requests, mails := w.notify(t, receiver, group, alerts...)
	if len(requests)+len(mails) == 0 {
		t.Fatalf("%s was told nothing", receiver)
	}
	for _, r := range requests {
		if !json.Valid(r.Body) || !utf8.Valid(r.Body) {
			t.Fatalf("not JSON: %q", r.Body)
		}
		check := map[string]func(tester, []byte, []*alert.Alert){
			"slack": checkBlocks, "slack-updated": checkSlack, "pagerduty": checkPagerDuty, "opsgenie": checkOpsgenie, "jsm": checkOpsgenie, "teams": checkTeams,
		}[receiver]
		check(t, r.Body, alerts)
	}
	for _, m := range mails {
		checkMail(t, m, alerts)
	}
}

// decode decodes JSON into a type.
func decode[T any](t tester, body []byte) (v T) {
	t.Helper()
	if err := json.Unmarshal(body, &v); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	return v
}

// most checks a length in characters.
func most(t tester, what, text string, limit int) {
	t.Helper()
	if n := utf8.RuneCountInString(text); n > limit {
		t.Errorf("%s has %d characters of %d", what, n, limit)
	}
}

// checkMrkdwn checks that a Slack text has no markup but links, and that these lead where the
// template says.
func checkMrkdwn(t tester, text string) {
	t.Helper()
	link := regexp.MustCompile(`<(https?://[^<>|\s]+)\|(Report|Runbook|Dashboard|Silence)>`)
	rest := link.ReplaceAllString(text, "")
	rest = regexp.MustCompile(`&(amp|lt|gt);|&[a-z]{0,3}$`).ReplaceAllString(rest, "")
	if strings.ContainsAny(rest, "<>&") {
		t.Errorf("something begins in %.300q", rest)
	}
}

func checkSlack(t tester, body []byte, alerts []*alert.Alert) {
	t.Helper()
	m := decode[struct {
		Attachments []struct {
			Title, Text, Fallback string
			Actions               []struct{ Text, URL string }
		}
	}](t, body)
	for _, a := range m.Attachments {
		for _, text := range []string{a.Title, a.Fallback, a.Text} {
			checkMrkdwn(t, text)
		}
		most(t, "the title", a.Title, 1024)
		for _, button := range a.Actions {
			checkPage(t, button.URL)
			if button.Text == "" || strings.Contains(button.URL, "evil") && len(alerts) > 1 {
				t.Errorf("the button %+v", button)
			}
		}
		if n := strings.Count(a.Text, "*A"); len(alerts) > 1 && n < min(len(alerts), 20) {
			t.Errorf("%d of %d alerts are named:\n%s", n, len(alerts), a.Text)
		}
		most(t, "the attachment", a.Text, slackAttachment)
	}
}

type slackBlock struct {
	Type      string
	Text      struct{ Type, Text string }
	Accessory *struct{ URL string }
	Elements  []struct {
		Text struct{ Text string }
		URL  string
	}
}

func checkBlocks(t tester, body []byte, alerts []*alert.Alert) {
	t.Helper()
	m := decode[struct {
		Text   string
		Blocks []slackBlock
	}](t, body)
	all, named := 0, 0
	if len(m.Blocks) == 0 || len(m.Blocks) > slackBlocks {
		t.Errorf("%d blocks", len(m.Blocks))
	}
	checkMrkdwn(t, m.Text)
	for _, b := range m.Blocks {
		all += utf8.RuneCountInString(b.Text.Text)
		if strings.Contains(b.Text.Text, "pod-") {
			named++
		}
		switch b.Type {
		case "header":
			most(t, "the header", b.Text.Text, slackHeader)
		case "section":
			most(t, "a section", b.Text.Text, slackText)
			checkMrkdwn(t, b.Text.Text)
			if b.Accessory != nil {
				checkPage(t, b.Accessory.URL)
			}
		case "actions":
			for _, e := range b.Elements {
				most(t, "a button's address", e.URL, slackURL)
				checkPage(t, e.URL)
			}
		default:
			t.Errorf("a block of type %q", b.Type)
		}
		if b.Type != "actions" && strings.TrimSpace(b.Text.Text) == "" && b.Text.Text == "" {
			t.Errorf("an empty block")
		}
	}
	if all > slackAll {
		t.Errorf("%d characters in all blocks", all)
	}
	if len(alerts) > 1 && named < min(len(alerts), 20) {
		t.Errorf("%d of %d alerts are named", named, len(alerts))
	}
}

// checkPage checks the address of a link.
func checkPage(t tester, address string) {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" || u.Host == "" {
		t.Errorf("%q leads nowhere: %v", address, err)
	}
}

func checkPagerDuty(t tester, body []byte, alerts []*alert.Alert) {
	t.Helper()
	m := decode[struct {
		Payload struct {
			Summary, Severity string
			CustomDetails     struct{ Alerts []map[string]string } `json:"custom_details"`
		}
		Links []struct{ HRef string }
	}](t, body)
	most(t, "the summary", m.Payload.Summary, pagerdutySummary)
	if m.Payload.Summary == "" || strings.ContainsAny(m.Payload.Summary, "\r\n") {
		t.Errorf("the summary %q", m.Payload.Summary)
	}
	if !slices.Contains([]string{"critical", "error", "warning", "info"}, m.Payload.Severity) {
		t.Errorf("the severity %q", m.Payload.Severity)
	}
	list := m.Payload.CustomDetails.Alerts
	if len(list) != min(len(alerts), 51) {
		t.Fatalf("%d of %d alerts", len(list), len(alerts))
	}
	for _, l := range m.Links {
		checkPage(t, l.HRef)
	}
	if len(body) > 512000 {
		t.Errorf("%d bytes", len(body))
	}
}

func checkOpsgenie(t tester, body []byte, alerts []*alert.Alert) {
	t.Helper()
	m := decode[struct {
		Message, Description, Priority string
		Details                        map[string]string
	}](t, body)
	most(t, "the message", m.Message, opsgenieMessage)
	most(t, "the description", m.Description, opsgenieDescription)
	if strings.ContainsAny(m.Message+m.Description, "<>") || strings.ContainsAny(m.Message, "\r\n") {
		t.Errorf("markup in %q, %q", m.Message, m.Description)
	}
	if m.Priority != "" && !regexp.MustCompile(`^P[1-5]$`).MatchString(m.Priority) {
		t.Errorf("the priority %q", m.Priority)
	}
	if n := strings.Count(m.Description, "pod-"); m.Description != "" && len(alerts) > 1 && n < min(len(alerts), 20) {
		t.Errorf("%d of %d alerts are named", n, len(alerts))
	}
}

func checkTeams(t tester, body []byte, alerts []*alert.Alert) {
	t.Helper()
	if len(body) > teamsBytes {
		t.Errorf("%d bytes", len(body))
	}
	m := decode[struct {
		Attachments []struct {
			Content struct{ Body []struct{ Text string } }
		}
	}](t, body)
	link := regexp.MustCompile(`(^|[^\\])\[(Report|Runbook|Dashboard|Silence|Silence all of them)\]\(https://[^()<>\s]+\)`)
	escaped := regexp.MustCompile("\\\\[\\\\`*\\[\\]<>#]")
	for _, b := range m.Attachments[0].Content.Body {
		rest := strings.ReplaceAll(escaped.ReplaceAllString(link.ReplaceAllString(b.Text, "$1"), ""), "**", "")
		if strings.ContainsAny(rest, "[]<>`*#") {
			t.Errorf("something begins in %q", rest)
		}
	}
	if n := strings.Count(m.Attachments[0].Content.Body[1].Text, "**"); len(alerts) > 1 && n < 2*min(len(alerts), 20) {
		t.Errorf("%d of %d alerts are named", n/2, len(alerts))
	}
}

func checkMail(t tester, text string, alerts []*alert.Alert) {
	t.Helper()
	head, _, _ := strings.Cut(text, "\r\n\r\n")
	if strings.Contains(head, "\nBcc:") {
		t.Errorf("a header of a label: %s", head)
	}
	subject, plain, body := parts(t, text)
	if strings.ContainsAny(subject, "\r\n") || subject == "" {
		t.Errorf("the subject %q", subject)
	}
	page, err := goquery.NewDocumentFromReader(strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if n := page.Find("script, img, iframe, body body").Length(); n > 0 {
		t.Errorf("%d foreign elements", n)
	}
	page.Find("a").Each(func(_ int, a *goquery.Selection) { checkPage(t, a.AttrOr("href", "")) })
	if n := page.Find("body > div").Length(); n != min(len(alerts), 100) {
		t.Errorf("%d of %d alerts", n, len(alerts))
	}
	if n := strings.Count(plain, "pod-"); n < min(len(alerts), 100) {
		t.Errorf("%d of %d alerts are named", n, len(alerts))
	}
}

// silencesIn returns the links to the silence form in a text.
func silencesIn(text string) (filters []string) {
	for _, m := range regexp.MustCompile(`/#/silences/new\?filter=([^\s"|)]+)`).FindAllStringSubmatch(text, -1) {
		filters = append(filters, m[1])
	}
	return filters
}

// TestASilenceLinkMatchesTheAlert parses the links of all messages as Alertmanager parses matchers:
// they match what fires, and nothing else.
func TestASilenceLinkMatchesTheAlert(t *testing.T) {
	w := newWorld(t)
	for _, value := range []string{"plain", `a "b" \ c`, "two words + more", "line\nbreak", "é漢🔥", `}"{=~,`, "%41", "&lt;<b>", "a.b"} {
		v := model.LabelValue(value)
		a := firing(model.LabelSet{"severity": "page", "pod": v, "a.b": v, "ü ": "1"}, nil)
		other := model.LabelSet{"pod": "another"}
		for _, receiver := range receivers() {
			requests, mails := w.notify(t, receiver, group, a)
			text := ""
			for _, r := range requests {
				text += fmt.Sprintf("%v\n", decode[any](t, r.Body)) // texts without JSON's escapes
			}
			for _, m := range mails {
				_, _, page := parts(t, m)
				text += html.UnescapeString(page)
			}
			links := silencesIn(text)
			if len(links) != 1 {
				t.Fatalf("%s has %d links: %s", receiver, len(links), text)
			}
			filter, err := url.PathUnescape(strings.TrimRight(links[0], "]}"))
			if err != nil {
				t.Fatal(err)
			}
			matchers, err := compat.Matchers(filter, "test")
			if err != nil {
				t.Errorf("%s: %s: %v", receiver, filter, err)
				continue
			}
			if !matchers.Matches(a.Labels) || matchers.Matches(other) || len(matchers) != len(a.Labels) {
				t.Errorf("%s: %s does not match %v", receiver, filter, a.Labels)
			}
		}
	}
}
