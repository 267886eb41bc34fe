// SPDX-License-Identifier: Apache-2.0

// Package config reads and checks the configuration.
//
// [Load] reads the main file and its rule files and returns plain data, or
// every mistake at once, each with file, line, reason and hint ([Errors]). The
// package knows YAML and Alertmanager's matcher syntax. It does not parse
// PromQL: promql.Check does, with the positions that are kept in [Source], so
// that `culprit check config`, `culprit serve` and a reload agree.
//
// The smallest useful file:
//
//	prometheus:
//	  url: http://prometheus:9090
//	alertmanagers:
//	  - url: http://alertmanager:9093
//	rules:
//	  - name: checkout errors
//	    matchers: ['alertname="CheckoutErrors"', 'service=~"checkout|cart"']
//
// Rules are tried in order, those of the main file first, then those of
// `rule_files:`; [Config.Rule] returns the first whose matchers all match.
// What a rule leaves out is derived from the alert itself, and so is everything
// about an alert that no rule matches, unless `unmatched_alerts:` is switched
// off or `ignore_alerts:` lists it. The types below define all keys, by their yaml
// tags.
//
// Files that hold secrets and globs are relative to the directory of the file
// that names them. Anchors, aliases and merge keys (<<) are understood.
package config

import (
	"github.com/prometheus/alertmanager/pkg/labels"
	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
)

// Config is the whole configuration.
type Config struct {
	Prometheus       Servers           `yaml:"prometheus"`                  // the Prometheus-compatible server to query, or a list of servers, of which each alert has one
	Alertmanagers    []Alertmanager    `yaml:"alertmanagers,omitempty"`     // every peer of the Alertmanager cluster
	Grafana          *Grafana          `yaml:"grafana,omitempty"`           // the Grafana that gets region annotations
	RecoveryWebhooks []RecoveryWebhook `yaml:"recovery_webhooks,omitempty"` // receivers of incidents with their ranked causes
	Publish          Publish           `yaml:"publish"`                     // which write-backs are enabled
	Analysis         analysis.Options  `yaml:"analysis,omitempty"`          // settings of the methods; a rule can override them
	RuleFiles        []string          `yaml:"rule_files,omitempty"`        // glob patterns of rule files, relative to this file; each file has the one key `rules`
	Rules            []Rule            `yaml:"rules,omitempty"`             // how alerts are explained; the first rule that matches is used, and rules of rule files come after those of this file
	UnmatchedAlerts  Toggle            `yaml:"unmatched_alerts"`            // explain alerts that no rule matches, from their own expression
	Expressions      Expressions       `yaml:"expressions"`                 // which PromQL from outside the configuration is evaluated
	ExplainAPI       Toggle            `yaml:"explain_api"`                 // serve POST /api/v1/explain, and let pages ask again

	// RuleAnnotations are read from the alerting rules that Prometheus has loaded, for what no
	// rule of culprit says: `culprit_candidates`, `culprit_breakdown`, `culprit_topology` and
	// `culprit_window`; default false
	RuleAnnotations Toggle `yaml:"rule_annotations"`

	// IgnoreAlerts are matchers of alerts that are not explained unless a rule names
	// them; all matchers of one line must match; default ['alertname=~"Watchdog|InfoInhibitor|Culprit.*"']
	IgnoreAlerts []string `yaml:"ignore_alerts"`

	// Changes are what people and machines report, such as deployments.
	Changes Changes `yaml:"changes"`

	// AlertmanagerEvents are events that Alertmanager's event recorder posts, with a token of
	// this file; without the section none are taken, and with {} those of anybody.
	AlertmanagerEvents *AlertmanagerEvents `yaml:"alertmanager_events,omitempty"`

	// MCP are read-only tools for assistants at /mcp, by the Model Context Protocol, with a token of
	// this file; without the section there are none, and with {} anybody may use them.
	MCP *MCP `yaml:"mcp,omitempty"`

	// Tracing sends traces of culprit itself to an OTLP receiver; default off
	Tracing *Tracing `yaml:"tracing,omitempty"`

	// Context is what a report shows beside the causes: facts, and links to logs and traces.
	Context Context `yaml:"context,omitempty"`

	// Candidates are queries for alerts without a rule and for rules without candidates;
	// they come before the built-in ones for well-known exporters.
	Candidates []Known `yaml:"candidates,omitempty"`

	CandidateSource Source            `yaml:"-"` // where the catalogue and its texts stand
	ContextSource   Source            `yaml:"-"` // the same of the context
	Ignored         []labels.Matchers `yaml:"-"` // IgnoreAlerts, parsed

	Warnings []Mistake `yaml:"-"` // what is legal and hardly meant
	Missing  []Mistake `yaml:"-"` // files of secrets and keys that can't be read here
}

// Prometheus is a server that culprit queries.
type Prometheus struct {
	Name     string   `yaml:"name,omitempty"`     // unique name, shown in reports, logs and metrics; required in a list, and only there
	Matchers []string `yaml:"matchers,omitempty"` // matchers of the alerts for which this server is queried, only in a list; the first server that matches is the only one that is queried; default every alert, which only the last of the list may have

	URL                  *URL                           `yaml:"url"`                              // base URL of the HTTP API
	RulesURL             *URL                           `yaml:"rules_url,omitempty"`              // base URL of the server that evaluates the rules, such as vmalert, if it is a different one; it uses the same `http_config`; default url
	Headers              map[string]commonconfig.Secret `yaml:"headers,omitempty"`                // headers to add to each request, such as `X-Scope-OrgID: shop`; values of files are named in `http_config.http_headers`
	HTTPConfig           commonconfig.HTTPClientConfig  `yaml:"http_config"`                      // HTTP client settings
	MaxConcurrentQueries int                            `yaml:"max_concurrent_queries,omitempty"` // queries in flight; default 4
	QueryTimeout         model.Duration                 `yaml:"query_timeout,omitempty"`          // timeout of one query; default 10s
	MaxSeries            int                            `yaml:"max_series,omitempty"`             // series that one analysis may read; default 20000
	MaxQueries           int                            `yaml:"max_queries,omitempty"`            // queries that one analysis may send; default 500
	MaxSamples           int                            `yaml:"max_samples,omitempty"`            // samples that one analysis may read; default 5000000
	MaxBytes             int                            `yaml:"max_bytes,omitempty"`              // bytes that are read of one response (64 MiB unless set); default 67108864
	MaxTime              model.Duration                 `yaml:"max_time,omitempty"`               // time that the queries of one analysis may take; default 1m

	Parsed labels.Matchers `yaml:"-"` // Matchers, parsed
}

// Alertmanager is one peer of a cluster. Every peer must be listed.
type Alertmanager struct {
	URL        *URL                          `yaml:"url"`                // base URL of the peer
	HTTPConfig commonconfig.HTTPClientConfig `yaml:"http_config"`        // HTTP client settings
	Receiver   string                        `yaml:"receiver,omitempty"` // name of the receiver that notifies culprit; default the receiver that the webhook reports
}

// Grafana is the server that gets region annotations.
type Grafana struct {
	URL        *URL                          `yaml:"url"`         // base URL
	HTTPConfig commonconfig.HTTPClientConfig `yaml:"http_config"` // HTTP client settings; a service account token goes here
}

// RecoveryWebhook receives each incident with its ranked causes.
type RecoveryWebhook struct {
	URL           *HookURL                      `yaml:"url"`                   // where the incident is posted; logs and pages show only its host
	HTTPConfig    commonconfig.HTTPClientConfig `yaml:"http_config"`           // HTTP client settings
	SecretFile    string                        `yaml:"secret_file,omitempty"` // file with the key that signs each message (HMAC-SHA256)
	MinConfidence Confidence                    `yaml:"min_confidence"`        // send an incident only if a cause has at least this confidence; default low
}

// Publish enables and disables write-backs.
type Publish struct {
	AlertAnnotations   Toggle          `yaml:"alert_annotations"`   // annotate the alert in Alertmanager
	SilenceComments    SilenceComments `yaml:"silence_comments"`    // annotate silences
	GrafanaAnnotations Toggle          `yaml:"grafana_annotations"` // annotate Grafana, if `grafana` is set
}

// Changes configures the changes that people and machines report: deployments,
// feature flags, configuration.
type Changes struct {
	Queries   bool            `yaml:"queries"`              // query Prometheus for changes before the onset, with up to five queries for each analysis; default true
	TokenFile string          `yaml:"token_file,omitempty"` // file with the token that POST /api/v1/changes requires; default no token is required
	Lifetime  model.Duration  `yaml:"lifetime,omitempty"`   // how long a change is kept; a new value takes effect at the next start; default 30d
	Grafana   *GrafanaChanges `yaml:"grafana,omitempty"`    // read annotations of the Grafana in `grafana.url` as changes; `{}` reads all of them; default none are read
}

// AlertmanagerEvents configures who may post the events of Alertmanager's event
// recorder. They are shown with the reports of their alerts.
type AlertmanagerEvents struct {
	TokenFile string `yaml:"token_file,omitempty"` // file with the token that POST /api/v1/alertmanager/events requires; default no token is required
}

// MCP configures who may use the tools for assistants.
type MCP struct {
	TokenFile string `yaml:"token_file,omitempty"` // file with the token that /mcp requires, as bearer token; default no token is required
}

// GrafanaChanges selects Grafana annotations that are changes. Annotations of culprit
// and of Grafana's alert rules are never changes.
type GrafanaChanges struct {
	Tags       []string `yaml:"tags,omitempty"`       // an annotation must have one of these tags; default any
	Dashboards []string `yaml:"dashboards,omitempty"` // an annotation must be on one of the dashboards with these UIDs; default any
}

// Expressions restricts which PromQL from outside the configuration culprit
// evaluates with its own credentials: `any`, `known_rules` (only the expressions of
// alerting rules that Prometheus has loaded) or `never`.
type Expressions struct {
	FromAlerts Trust `yaml:"from_alerts,omitempty"` // expressions in the generatorURL of an alert; default any
	FromAPI    Trust `yaml:"from_api,omitempty"`    // expressions in POST /api/v1/explain; default any
}

// Confidence is the name of a confidence level; the empty one sets no minimum.
type Confidence string

// Trust is how far an expression from outside is trusted; the empty one is any.
type Trust string

// The kinds of trust.
const (
	TrustAny   Trust = "any"
	TrustRules Trust = "known_rules"
	TrustNever Trust = "never"
)

// Toggle switches one thing on or off.
type Toggle struct {
	Enabled bool `yaml:"enabled"` // on or off; default true
}

// SilenceComments configures what is written on silences.
type SilenceComments struct {
	UpdateExisting bool `yaml:"update_existing"` // append the causes to the comment of a silence that a person created; default true
	CreateNote     bool `yaml:"create_note"`     // create a note of culprit's own: a silence whose matchers contradict each other, so that it silences nothing; default false
}

// Rule configures how the alerts that it matches are explained.
type Rule struct {
	Name       string            `yaml:"name"`                 // unique name, shown in reports
	Matchers   []string          `yaml:"matchers"`             // matchers of the alerts, in Alertmanager's syntax; all must match
	Target     *Target           `yaml:"target,omitempty"`     // the KPI; default the alert's own expression
	Targets    []Target          `yaml:"targets,omitempty"`    // several KPIs, in place of `target`
	Breakdown  *Breakdown        `yaml:"breakdown,omitempty"`  // labels to split the KPI by; `[]` disables the breakdown; default derived from its expression and series
	Candidates []Candidate       `yaml:"candidates,omitempty"` // queries whose series may be causes; default the top-level candidates, then the well-known exporters
	Window     Window            `yaml:"window,omitempty"`     // time range that an analysis covers
	Topology   *Topology         `yaml:"topology,omitempty"`   // call graph of the services; default inferred from the metrics of meshes, service graphs and clients
	Grafana    GrafanaPlace      `yaml:"grafana,omitempty"`    // where the annotation is shown; default the alert's annotations `__dashboardUid__` and `__panelId__`, or `grafana_dashboard`
	Analysis   *analysis.Options `yaml:"analysis,omitempty"`   // settings of the methods for this rule; default those of the file

	Parsed labels.Matchers `yaml:"-"` // Matchers, parsed
	Source Source          `yaml:"-"` // where the rule and its texts stand
}

// Target is one KPI of a rule.
type Target struct {
	Name       string      `yaml:"name,omitempty"`       // name of the KPI; required if there are several
	Query      string      `yaml:"query,omitempty"`      // PromQL template of the KPI; a ratio is one query that divides two others; default the alert's own expression
	Weight     float64     `yaml:"weight,omitempty"`     // weight among several targets; default 1
	Kind       string      `yaml:"kind,omitempty"`       // what the KPI measures; default inferred from its name
	Breakdown  *Breakdown  `yaml:"breakdown,omitempty"`  // labels to split this KPI by; `[]` disables the breakdown; default those of the rule
	Candidates []Candidate `yaml:"candidates,omitempty"` // candidates of this KPI; default those of the rule
}

// Breakdown names the labels that a target is split by.
type Breakdown struct {
	Labels []string `yaml:"labels,omitempty"` // label names; `[]` disables the breakdown
}

// Candidate is one query whose series may be causes.
type Candidate struct {
	Name     string `yaml:"name"`                // what the query measures; shown in reports
	Query    string `yaml:"query"`               // PromQL template
	Kind     string `yaml:"kind,omitempty"`      // what the series measure; default inferred from the query
	Scale    string `yaml:"scale,omitempty"`     // scale of the regression: common keeps the unit that the series share, each scales every series by itself; default common for one query, each for several
	Positive bool   `yaml:"positive,omitempty"`  // the KPI can only rise with these series, as with costs that add up; default false
	Lags     []int  `yaml:"lags,omitempty,flow"` // steps, -60 to 60, by which shifted copies enter the regression; default none

	Default bool   `yaml:"-"` // not of the rule, but what is looked at if it names none
	From    string `yaml:"-"` // the exporter whose metric it is; empty: not known
	Own     bool   `yaml:"-"` // that exporter is the KPI's, too
}

// Known is a candidate of the catalogue. It is used for alerts that the matchers
// match and that have every label that its query uses.
type Known struct {
	Candidate `yaml:",inline"`
	Matchers  []string `yaml:"matchers,omitempty"` // matchers of the alerts it is for; default every alert

	Parsed labels.Matchers `yaml:"-"`
}

// Window is the time range that an analysis covers.
type Window struct {
	Incident model.Duration `yaml:"incident,omitempty"` // length of the incident; default from the onset to now
	Baseline model.Duration `yaml:"baseline,omitempty"` // length of the baseline before the incident, at least that of the incident; default chosen from the length of the incident and the history of the KPI
}

// Topology is the call graph, as edges or as a query whose series have caller
// and callee labels.
type Topology struct {
	Edges [][]string `yaml:"edges,omitempty,flow"` // pairs `[caller, callee]`
	Query string     `yaml:"query,omitempty"`      // PromQL template whose series have caller and callee labels, such as `client` and `server`
}

// GrafanaPlace is the dashboard and panel that show the annotation.
type GrafanaPlace struct {
	DashboardUID string `yaml:"dashboard_uid,omitempty"` // UID of the dashboard: what follows `/d/` in its address
	PanelID      int64  `yaml:"panel_id,omitempty"`      // number of the panel: what follows `viewPanel=` in its address
}

// Source remembers where the texts of a rule stand in their file. Keys of
// Lines are paths such as "target.query" or "targets[1].candidates[0].query",
// or "candidates[0].query" of the catalogue; the empty path is the rule itself.
type Source struct {
	File  string
	Path  string // of the rule in its file, such as "rules[3]"; empty: not a rule
	Lines map[string]int
}
