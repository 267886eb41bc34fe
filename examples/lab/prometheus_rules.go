// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/rules"
)

// rulesFile is the file name that the rules appear under.
const rulesFile = "rules.yml"

// textLoader loads rules from memory.
type textLoader struct {
	text   string
	parser parser.Parser
	logger *slog.Logger
}

var _ rules.GroupLoader = textLoader{}

func (l textLoader) Load(_ string, ignoreUnknown bool, names model.ValidationScheme) (*rulefmt.RuleGroups, []error) {
	return rulefmt.Parse([]byte(l.text), ignoreUnknown, names, l.parser, l.logger)
}

func (l textLoader) Parse(query string) (parser.Expr, error) { return l.parser.ParseExpr(query) }

// newRules makes a rule manager that sends alerts through notify.
func (p *Prometheus) newRules(notify rules.NotifyFunc) *rules.Manager {
	return rules.NewManager(&rules.ManagerOptions{
		ExternalURL:     &url.URL{Scheme: "http", Host: strings.TrimPrefix(p.url, "http://")},
		QueryFunc:       rules.EngineQueryFunc(p.engine, p.db),
		NotifyFunc:      notify,
		Appendable:      p.db,
		Queryable:       p.db,
		Logger:          p.options.Logger,
		OutageTolerance: time.Hour,
		ForGracePeriod:  10 * time.Minute,
		ResendDelay:     p.options.ResendDelay,
		GroupLoader:     textLoader{text: p.options.Rules, parser: p.parser, logger: p.options.Logger},
		Parser:          p.parser,
	})
}

// startRules starts evaluating the rules.
func (p *Prometheus) startRules() error {
	p.rules = p.newRules(rules.SendAlerts(p.notifier, p.url))
	done := make(chan struct{})
	go func() {
		defer close(done)
		p.rules.Run()
	}()
	p.closers = append(p.closers, func() error {
		p.rules.Stop()
		<-done
		return nil
	})
	if p.options.Rules == "" {
		return nil
	}
	external := labels.FromMap(p.options.ExternalLabels)
	return p.rules.Update(p.options.EvaluationInterval, []string{rulesFile}, external, p.url, nil)
}

// recallStep is the evaluation interval over the past.
const recallStep = 15 * time.Second

// recall evaluates the rules over the range given in the options.
func (p *Prometheus) recall(ctx context.Context) error {
	if p.options.Recall == nil {
		return nil
	}
	nobody := func(context.Context, string, ...*rules.Alert) {}
	external := labels.FromMap(p.options.ExternalLabels)
	groups, errs := p.newRules(nobody).LoadGroups(recallStep, external, p.url, nil, false, rulesFile)
	if len(errs) > 0 {
		return errors.Join(errs...)
	}
	from, to := p.options.Recall()
	for _, g := range groups {
		for _, r := range g.AlertingRules() {
			r.SetRestored(true) // it writes ALERTS only when restored
		}
		for t := from; t.Before(to); t = t.Add(recallStep) {
			g.Eval(ctx, t)
		}
	}
	return ctx.Err()
}

// The types below are the JSON of /api/v1/alerts and /api/v1/rules.

type jsonAlert struct {
	Labels          labels.Labels `json:"labels"`
	Annotations     labels.Labels `json:"annotations"`
	State           string        `json:"state"`
	ActiveAt        *time.Time    `json:"activeAt,omitempty"`
	KeepFiringSince *time.Time    `json:"keepFiringSince,omitempty"`
	Value           string        `json:"value"`
}

type jsonRule struct {
	State          string           `json:"state,omitempty"`
	Name           string           `json:"name"`
	Query          string           `json:"query"`
	Duration       *float64         `json:"duration,omitempty"`
	KeepFiringFor  *float64         `json:"keepFiringFor,omitempty"`
	Labels         labels.Labels    `json:"labels"`
	Annotations    *labels.Labels   `json:"annotations,omitempty"`
	Alerts         []jsonAlert      `json:"alerts,omitempty"`
	Health         rules.RuleHealth `json:"health"`
	LastError      string           `json:"lastError,omitempty"`
	EvaluationTime float64          `json:"evaluationTime"`
	LastEvaluation time.Time        `json:"lastEvaluation"`
	Type           string           `json:"type"`
}

type jsonGroup struct {
	Name           string     `json:"name"`
	File           string     `json:"file"`
	Rules          []jsonRule `json:"rules"`
	Interval       float64    `json:"interval"`
	Limit          int        `json:"limit"`
	EvaluationTime float64    `json:"evaluationTime"`
	LastEvaluation time.Time  `json:"lastEvaluation"`
}

// alertList is the data of /api/v1/alerts.
func alertList(active []*rules.Alert) []jsonAlert {
	list := make([]jsonAlert, 0, len(active))
	for _, a := range active {
		j := jsonAlert{
			Labels:      a.Labels,
			Annotations: a.Annotations,
			State:       a.State.String(),
			ActiveAt:    &a.ActiveAt,
			Value:       strconv.FormatFloat(a.Value, 'e', -1, 64),
		}
		if !a.KeepFiringSince.IsZero() {
			j.KeepFiringSince = &a.KeepFiringSince
		}
		list = append(list, j)
	}
	return list
}

// groupList is the data of /api/v1/rules; typ is alert, record or empty.
func groupList(groups []*rules.Group, typ string) []jsonGroup {
	list := make([]jsonGroup, 0, len(groups))
	for _, g := range groups {
		j := jsonGroup{
			Name:           g.Name(),
			File:           g.File(),
			Rules:          []jsonRule{},
			Interval:       g.Interval().Seconds(),
			Limit:          g.Limit(),
			EvaluationTime: g.GetEvaluationTime().Seconds(),
			LastEvaluation: g.GetLastEvaluation(),
		}
		for _, r := range g.Rules() {
			switch rule := r.(type) {
			case *rules.AlertingRule:
				if typ != "record" {
					j.Rules = append(j.Rules, alertingRule(rule))
				}
			case *rules.RecordingRule:
				if typ != "alert" {
					j.Rules = append(j.Rules, newRule(rule, "recording"))
				}
			}
		}
		list = append(list, j)
	}
	return list
}

// newRule fills in what alerting and recording rules have in common.
func newRule(r rules.Rule, typ string) jsonRule {
	j := jsonRule{
		Name:           r.Name(),
		Query:          r.Query().String(),
		Labels:         r.Labels(),
		Health:         r.Health(),
		EvaluationTime: r.GetEvaluationDuration().Seconds(),
		LastEvaluation: r.GetEvaluationTimestamp(),
		Type:           typ,
	}
	if err := r.LastError(); err != nil {
		j.LastError = err.Error()
	}
	return j
}

// alertingRule adds the fields of alerting rules to newRule.
func alertingRule(r *rules.AlertingRule) jsonRule {
	j := newRule(r, "alerting")
	hold, keep, annotations := r.HoldDuration().Seconds(), r.KeepFiringFor().Seconds(), r.Annotations()
	j.State = r.State().String()
	j.Duration, j.KeepFiringFor, j.Annotations = &hold, &keep, &annotations
	j.Alerts = alertList(r.ActiveAlerts())
	return j
}
