// SPDX-License-Identifier: Apache-2.0

package document

import (
	"reflect"

	"github.com/prometheus/alertmanager/template"

	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

// operation is one method of one path.
type operation struct {
	id, method, path string
	summary          string
	tag              string
	params           []param
	takes            []content // request bodies; empty: none
	answers          map[int]answer
	guard            string // configuration key of the token file; empty: none
	loads            bool   // it reads a report from disk, which can fail
}

// answer is the answer with one status.
type answer struct {
	means   string
	content content
	either  bool // a page, text or JSON, depending on who answers
	next    bool // it has a Link header to the next page
}

// content is a body: its media type, and the Go type if it is JSON.
type content struct {
	media string       // empty: application/json if of is set, otherwise no body
	of    reflect.Type // nil: text
	also  reflect.Type // nil, or an alternative type
}

// Tags of operations.
const (
	reading    = "reports"
	telling    = "for senders"
	assistants = "for assistants"
	pages      = "pages"
	operations = "operations"
)

// notification is a webhook message of Alertmanager.
type notification struct {
	template.Data
	Version         string `json:"version"`
	GroupKey        string `json:"groupKey"`
	TruncatedAlerts uint64 `json:"truncatedAlerts"`
}

// failure is why a request was not answered.
type failure struct {
	Error string `json:"error"` // what is wrong, with the value; then, behind "hint:", what to do
}

// kept is the outcome for the changes of a message.
type kept struct {
	Changes []changelog.Told `json:"changes"` // in the order of the message
}

// recorded is the outcome for the events of a message.
type recorded struct {
	Events int `json:"events"` // of the message
	Kept   int `json:"kept"`   // those that are of use
}

func json[T any]() content { return content{of: reflect.TypeFor[T]()} }

func text(media string) content { return content{media: media} }

// fails is an answer with an error.
func fails(means string) answer { return answer{means: means, content: json[failure]()} }

// says is an answer in plain text.
func says(means string) answer { return answer{means: means, content: text("text/plain")} }

// page is a page for people.
func page(means string) answer { return answer{means: means, content: text("text/html")} }

// table lists all operations, in the order of the document.
func table() []operation {
	return append(append(api(), people()...), operating()...)
}

func api() []operation {
	notFound, badQuery := fails("no such report or incident; it may have expired"), fails("a parameter can't be read")
	list := func(of content) answer {
		return answer{means: "a part of the list, the newest first", content: of, next: true}
	}
	one := func(of content) answer { return answer{means: "what was asked for", content: of} }
	return []operation{
		{
			id: "listReports", method: "GET", path: "/api/v1/reports", tag: reading, summary: "Lists reports. They are without their queries, charts and graph.",
			params: append(listed("alertname", "fingerprint", "incident", "prometheus", "status", "open", "judged", "match"), searched()...), answers: map[int]answer{200: list(json[[]report.Report]()), 400: badQuery},
		},
		{
			id: "getReport", loads: true, method: "GET", path: "/api/v1/reports/{id}", tag: reading, summary: "Returns a report.",
			answers: map[int]answer{200: one(json[report.Report]()), 404: notFound},
		},
		{
			id: "giveFeedback", loads: true, method: "POST", path: "/api/v1/reports/{id}/feedback", tag: reading, summary: "Takes what somebody says of a report, and returns it.",
			takes: []content{json[web.Said]()}, answers: map[int]answer{200: one(json[report.Report]()), 400: fails("the body can't be read, or is too large"), 404: notFound},
		},
		{
			id: "listIncidents", method: "GET", path: "/api/v1/incidents", tag: reading, summary: "Lists incidents: what the reports of one alert group have in common.",
			params: listed("alertname", "fingerprint", "incident", "prometheus", "status", "open", "judged", "match"), answers: map[int]answer{200: list(json[[]report.Incident]()), 400: badQuery},
		},
		{
			id: "getIncident", method: "GET", path: "/api/v1/incidents/{id}", tag: reading, summary: "Returns an incident.",
			answers: map[int]answer{200: one(json[report.Incident]()), 404: notFound},
		},
		{
			id: "listCases", method: "GET", path: "/api/v1/cases", tag: reading, summary: "Lists cases: what incidents of one time and cause have in common.",
			params: listed("alertname", "incident", "open"), answers: map[int]answer{200: list(json[[]report.Case]()), 400: badQuery},
		},
		{
			id: "getCase", method: "GET", path: "/api/v1/cases/{id}", tag: reading, summary: "Returns a case.",
			answers: map[int]answer{200: one(json[report.Case]()), 404: notFound},
		},
		{
			id: "explain", method: "POST", path: "/api/v1/explain", tag: reading, summary: "Explains an alert or an expression now. Nothing is stored or sent.",
			takes: []content{json[receiver.Ask]()},
			answers: map[int]answer{
				200: {means: "the report, even if it only says why there is no answer", content: json[report.Report]()},
				400: fails("the body can't be read or makes no sense"), 403: fails("the configuration forbids it (`expressions.from_api`, `explain_api`)"),
				404: fails("no such alert"), 413: fails("the body is larger than 1 MiB"),
				502: fails("Prometheus does not answer"), 504: fails("it took longer than a minute"),
			},
		},
		{
			id: "listChanges", method: "GET", path: "/api/v1/changes", tag: reading, summary: "Lists the changes that were posted, or read from Grafana.",
			params: append(listed("match"), from, to), answers: map[int]answer{200: list(json[[]changelog.Change]()), 400: badQuery},
		},
		{
			id: "postChanges", method: "POST", path: "/api/v1/changes", tag: telling, summary: "Takes a change, or a list of at most 1000.", guard: "changes.token_file",
			params: []param{{name: "format", about: "the sender, if the body is not in culprit's own format", words: []string{"flux", "launchdarkly", "terraform"}}},
			takes:  []content{{of: reflect.TypeFor[changelog.Posted](), also: reflect.TypeFor[[]changelog.Posted]()}},
			answers: map[int]answer{
				200: {means: "every change is stored on disk", content: json[kept]()},
				400: fails("the body is invalid; nothing of it was stored"), 413: fails("the body is larger than 256 KiB"),
			},
		},
		{
			id: "postNotification", method: "POST", path: "/api/v1/webhook", tag: telling, summary: "Takes a notification of Alertmanager.",
			takes: []content{json[notification]()},
			answers: map[int]answer{
				202: {means: "every alert is stored on disk, already has its report, or is too large and left to the reconcile loop"},
				400: says("the body is not a notification of Alertmanager"), 413: says("the body is larger than 512 MiB"),
			},
		},
		{
			id: "postEvents", method: "POST", path: "/api/v1/alertmanager/events", tag: telling, guard: "alertmanager_events.token_file",
			summary: "Takes events of Alertmanager's event recorder (`event_recorder.webhook_outputs`): one, or a list.", takes: []content{json[any]()},
			answers: map[int]answer{
				200: {means: "the useful part is stored on disk", content: json[recorded]()},
				400: fails("the body is not from the event recorder; nothing of it was stored"),
				404: fails("it is switched off (`alertmanager_events`)"), 413: fails("the body is larger than 8 MiB"),
			},
		},
		{
			id: "callTool", method: "POST", path: "/mcp", tag: assistants, guard: "mcp.token_file",
			summary: "Takes a message of the Model Context Protocol (streamable HTTP without sessions). Its tools are in the answer to `tools/list`, and not in this document.",
			takes:   []content{json[any]()},
			answers: map[int]answer{
				200: {means: "the answer, a message of JSON-RPC; it may be an error", content: json[map[string]any]()}, 202: {means: "it was a notification"},
				400: fails("it is no message of the protocol, or of a version that is not spoken here"),
				404: fails("it is switched off (`mcp`)"), 413: fails("the body is larger than 64 KiB"),
			},
		},
		{
			id: "getDocument", method: "GET", path: "/api/v1/openapi.json", tag: operations, summary: "Returns this document.",
			answers: map[int]answer{200: {means: "the document", content: json[map[string]any]()}},
		},
	}
}

func people() []operation {
	shown, notFound := page("the page"), page("no such report or incident; it may have expired")
	list := map[int]answer{200: shown, 400: page("a parameter can't be read")}
	one := map[int]answer{200: shown, 404: notFound}
	form := []content{text("application/x-www-form-urlencoded")}
	return []operation{
		{
			id: "showReports", method: "GET", path: "/", tag: pages, summary: "The page of reports.",
			params: append(listed("alertname", "fingerprint", "incident", "prometheus", "status", "open", "judged", "match"), searched()...), answers: list,
		},
		{id: "showReport", loads: true, method: "GET", path: "/reports/{id}", tag: pages, summary: "The page of a report.", answers: one},
		{
			id: "explainAgain", loads: true, method: "POST", path: "/reports/{id}/explain", tag: pages, takes: form,
			summary: "Looks at a report's alert again. A look at the whole of an alert that fires may become its report; any other is shown as a page, and not stored. The form may have up to eight fields such as `only=path=/pay` and `without=version=v2`.",
			answers: map[int]answer{
				200: shown, 303: {means: "the look is the alert's report now; back to it"},
				400: page("the form can't be read"), 404: notFound, 504: page("it took longer than a minute"),
				403: {means: "the configuration does not allow it (`explain_api`), or a page of another site has made a browser send it", either: true},
			},
		},
		{
			id: "judgeReport", loads: true, method: "POST", path: "/reports/{id}/feedback", tag: pages, takes: form, summary: "Takes the form of a report's page: the fields `says` and `was`.",
			answers: map[int]answer{303: {means: "it was taken; back to the report"}, 400: page("the form can't be read"), 404: notFound},
		},
		{id: "showIncident", method: "GET", path: "/incidents/{id}", tag: pages, summary: "The page of an incident.", answers: one},
		{id: "showCases", method: "GET", path: "/cases", tag: pages, summary: "The page of cases.", params: listed("alertname", "incident", "open"), answers: list},
		{id: "showCase", method: "GET", path: "/cases/{id}", tag: pages, summary: "The page of a case.", answers: one},
		{id: "showChanges", method: "GET", path: "/changes", tag: pages, summary: "The page of changes.", params: append(listed("match"), from, to), answers: list},
		{
			id: "showAlert", loads: true, method: "GET", path: "/a/{fingerprint}", tag: pages, summary: "The page of the latest report of an alert. Notifications may link to it before there is one.",
			params:  []param{{name: "look", about: "how often the page has looked already for a report that is not there"}},
			answers: map[int]answer{200: shown, 202: page("the first report is being made; the page looks again"), 404: notFound},
		},
		{
			id: "getStatic", method: "GET", path: "/static/{name}", tag: pages, summary: "The script or the style sheet of the pages.",
			answers: map[int]answer{200: {means: "the file", content: text("text/*")}, 404: notFound},
		},
	}
}

func operating() []operation {
	reloaded := map[int]answer{200: says("the configuration was loaded"), 500: says("it can't be used, and why; the previous one stays in force")}
	return []operation{
		{
			id: "healthy", method: "GET", path: "/-/healthy", tag: operations, summary: "Whether the process lives. It fails only if a restart would help.",
			answers: map[int]answer{200: says("it lives")},
		},
		{
			id: "ready", method: "GET", path: "/-/ready", tag: operations, summary: "Whether alerts can be taken, and if not, what it waits for.",
			answers: map[int]answer{200: says("alerts are taken")},
		},
		{id: "reload", method: "POST", path: "/-/reload", tag: operations, summary: "Loads the configuration again.", answers: reloaded},
		{id: "reloadWithPut", method: "PUT", path: "/-/reload", tag: operations, summary: "Loads the configuration again.", answers: reloaded},
		{
			id: "metrics", method: "GET", path: "/metrics", tag: operations, summary: "Metrics for Prometheus.",
			answers: map[int]answer{200: says("metrics")},
		},
	}
}
