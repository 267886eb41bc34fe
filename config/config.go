// SPDX-License-Identifier: Apache-2.0

// Package config is what the user wrote, read strictly and checked.
//
// [Load] reads the main file and its rule files and returns plain data, or
// every mistake at once, each with file, line, reason and hint ([Errors]). The
// package knows YAML and Alertmanager's matcher syntax. It does not parse
// PromQL: promql.Check does, with the positions that are kept in [Source], so
// that `culprit check config`, `culprit serve` and a reload share one
// judgement.
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
// What a rule leaves out is told from the alert itself, and so is everything
// about an alert that no rule matches, unless `unmatched_alerts:` is switched
// off or `ignore_alerts:` has it. All that can be written stands in the types below, under the keys of
// their yaml tags.
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
	Prometheus       Prometheus        `yaml:"prometheus"`
	Alertmanagers    []Alertmanager    `yaml:"alertmanagers,omitempty"`
	Grafana          *Grafana          `yaml:"grafana,omitempty"`
	RecoveryWebhooks []RecoveryWebhook `yaml:"recovery_webhooks,omitempty"`
	Publish          Publish           `yaml:"publish"`
	Analysis         analysis.Options  `yaml:"analysis,omitempty"`
	RuleFiles        []string          `yaml:"rule_files,omitempty"`
	Rules            []Rule            `yaml:"rules,omitempty"`  // of this file, then of the rule files in order
	UnmatchedAlerts  Toggle            `yaml:"unmatched_alerts"` // explained by their own expression; default on
	Expressions      Expressions       `yaml:"expressions"`
	ExplainAPI       Toggle            `yaml:"explain_api"` // POST /api/v1/explain; default on

	// IgnoreAlerts are left alone, but for a rule that names them: an alert that all
	// matchers of one line match. Default: Watchdog, InfoInhibitor and culprit's own.
	IgnoreAlerts []string `yaml:"ignore_alerts"`

	// Changes says what is known of changes that people and machines have made, and
	// who may tell of them.
	Changes Changes `yaml:"changes"`

	// Context says what else is known of an alert: whose it is, and where to look next.
	Context Context `yaml:"context,omitempty"`

	// Candidates is a catalogue for rules that name no candidates, and for alerts
	// without a rule. It comes before the well-known exporters.
	Candidates []Known `yaml:"candidates,omitempty"`

	CandidateSource Source            `yaml:"-"` // where the catalogue and its texts stand
	ContextSource   Source            `yaml:"-"` // the same of the context
	Ignored         []labels.Matchers `yaml:"-"` // IgnoreAlerts, parsed

	Warnings []Mistake `yaml:"-"` // what is legal and hardly meant
}

// Prometheus is the server that is asked.
type Prometheus struct {
	URL                  *URL                          `yaml:"url"`
	RulesURL             *URL                          `yaml:"rules_url,omitempty"` // of the server that evaluates the rules, such as vmalert's, if it is another; it gets the same http_config
	HTTPConfig           commonconfig.HTTPClientConfig `yaml:"http_config,omitempty"`
	MaxConcurrentQueries int                           `yaml:"max_concurrent_queries,omitempty"` // default 4
	QueryTimeout         model.Duration                `yaml:"query_timeout,omitempty"`          // default 10s
	MaxSeries            int                           `yaml:"max_series,omitempty"`             // per analysis; default 20000
	MaxQueries           int                           `yaml:"max_queries,omitempty"`            // per analysis; default 500
	MaxSamples           int                           `yaml:"max_samples,omitempty"`            // per analysis; default 5000000
	MaxBytes             int                           `yaml:"max_bytes,omitempty"`              // of one answer; default 67108864, which is 64 MiB
	MaxTime              model.Duration                `yaml:"max_time,omitempty"`               // per analysis; default 1m
}

// Alertmanager is one peer of a cluster. Every peer must be listed.
type Alertmanager struct {
	URL        *URL                          `yaml:"url"`
	HTTPConfig commonconfig.HTTPClientConfig `yaml:"http_config,omitempty"`
	Receiver   string                        `yaml:"receiver,omitempty"` // culprit's, by its name there; default: the one that its webhook names
}

// Grafana is where region annotations go.
type Grafana struct {
	URL        *URL                          `yaml:"url"`
	HTTPConfig commonconfig.HTTPClientConfig `yaml:"http_config,omitempty"`
}

// RecoveryWebhook is told every incident with its ranked causes.
type RecoveryWebhook struct {
	URL           *HookURL                      `yaml:"url"`
	HTTPConfig    commonconfig.HTTPClientConfig `yaml:"http_config,omitempty"`
	SecretFile    string                        `yaml:"secret_file,omitempty"`    // key of the HMAC signature
	MinConfidence analysis.Confidence           `yaml:"min_confidence,omitempty"` // high, medium or low; default low
}

// Publish says which write-backs are made.
type Publish struct {
	AlertAnnotations   Toggle          `yaml:"alert_annotations"`
	SilenceComments    SilenceComments `yaml:"silence_comments"`
	GrafanaAnnotations Toggle          `yaml:"grafana_annotations"`
}

// Changes are what others tell of: deployments, flags, configurations.
type Changes struct {
	TokenFile string          `yaml:"token_file,omitempty"` // the token that POST /api/v1/changes wants; default: whoever reaches the port may post
	Lifetime  model.Duration  `yaml:"lifetime,omitempty"`   // for which a change is kept; another one counts from the next start; default 30d
	Grafana   *GrafanaChanges `yaml:"grafana,omitempty"`    // annotations that are changes; default: none are read
}

// GrafanaChanges chooses annotations of the Grafana of grafana:. Those of culprit
// and of Grafana's alert rules are never among them.
type GrafanaChanges struct {
	Tags       []string `yaml:"tags,omitempty"`       // of which an annotation has one; default: any
	Dashboards []string `yaml:"dashboards,omitempty"` // uids, on one of which it is; default: anywhere
}

// Expressions says which PromQL of others is asked with the credentials of
// culprit: any, known_rules (an expression of a rule that Prometheus has) or
// never.
type Expressions struct {
	FromAlerts Trust `yaml:"from_alerts,omitempty"` // that stand in the generatorURL of an alert; default any
	FromAPI    Trust `yaml:"from_api,omitempty"`    // that POST /api/v1/explain is sent; default any
}

// Trust is how far an expression of others is trusted; the empty one is any.
type Trust string

// The kinds of trust.
const (
	TrustAny   Trust = "any"
	TrustRules Trust = "known_rules"
	TrustNever Trust = "never"
)

// Toggle switches one thing; the default is on.
type Toggle struct {
	Enabled bool `yaml:"enabled"`
}

// SilenceComments says what is done with silences.
type SilenceComments struct {
	UpdateExisting bool `yaml:"update_existing"` // default true
	CreateNote     bool `yaml:"create_note"`     // default false
}

// Rule says how one kind of alert is explained.
type Rule struct {
	Name       string            `yaml:"name"`
	Matchers   []string          `yaml:"matchers"` // as the user wrote them
	Target     *Target           `yaml:"target,omitempty"`
	Targets    []Target          `yaml:"targets,omitempty"`
	Breakdown  *Breakdown        `yaml:"breakdown,omitempty"`
	Candidates []Candidate       `yaml:"candidates,omitempty"`
	Window     Window            `yaml:"window,omitempty"`
	Topology   *Topology         `yaml:"topology,omitempty"`
	Grafana    GrafanaPlace      `yaml:"grafana,omitempty"`
	Analysis   *analysis.Options `yaml:"analysis,omitempty"`

	Parsed labels.Matchers `yaml:"-"` // Matchers, parsed
	Source Source          `yaml:"-"` // where the rule and its texts stand
}

// Target is one KPI of a rule.
type Target struct {
	Name       string      `yaml:"name,omitempty"`
	Query      string      `yaml:"query,omitempty"` // template; empty: the alert's own expression
	Weight     float64     `yaml:"weight,omitempty"`
	Kind       string      `yaml:"kind,omitempty"`
	Breakdown  *Breakdown  `yaml:"breakdown,omitempty"`
	Candidates []Candidate `yaml:"candidates,omitempty"`
}

// Breakdown names the labels that a target is split by.
type Breakdown struct {
	Labels []string `yaml:"labels,omitempty"`
}

// Candidate is one query whose series may be causes.
type Candidate struct {
	Name     string `yaml:"name"`
	Query    string `yaml:"query"` // template
	Kind     string `yaml:"kind,omitempty"`
	Scale    string `yaml:"scale,omitempty"` // each or common
	Positive bool   `yaml:"positive,omitempty"`
	Lags     []int  `yaml:"lags,omitempty,flow"`

	Default bool   `yaml:"-"` // not of the rule, but what is looked at if it names none
	From    string `yaml:"-"` // the exporter whose metric it is; empty: not known
	Own     bool   `yaml:"-"` // that exporter is the KPI's, too
}

// Known is a candidate of the catalogue. It is used for alerts that the matchers
// match and that have every label that its query names.
type Known struct {
	Candidate `yaml:",inline"`
	Matchers  []string `yaml:"matchers,omitempty"` // empty: every alert

	Parsed labels.Matchers `yaml:"-"`
}

// Window is the time that an analysis looks at.
type Window struct {
	Incident model.Duration `yaml:"incident,omitempty"` // 0: from the onset to now
	Baseline model.Duration `yaml:"baseline,omitempty"` // 0: chosen by the plan
}

// Topology is the call graph, as edges or as a query whose series have caller
// and callee labels.
type Topology struct {
	Edges [][]string `yaml:"edges,omitempty,flow"` // [caller, callee]
	Query string     `yaml:"query,omitempty"`      // template
}

// GrafanaPlace is where an annotation is shown.
type GrafanaPlace struct {
	DashboardUID string `yaml:"dashboard_uid,omitempty"`
	PanelID      int64  `yaml:"panel_id,omitempty"`
}

// Source remembers where the texts of a rule stand in their file. Keys of
// Lines are paths such as "target.query" or "targets[1].candidates[0].query",
// or "candidates[0].query" of the catalogue; the empty path is the rule itself.
type Source struct {
	File  string
	Lines map[string]int
}
