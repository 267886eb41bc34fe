// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"net/http"

	"github.com/culprit-dev/culprit/promql/promapi"
)

// handler routes the HTTP API.
func (p *Prometheus) handler() http.Handler {
	api := promapi.API{Storage: p.db, Engine: p.engine, Parser: p.parser}
	mux := promapi.Mux(api.Routes(), map[string]promapi.Handler{
		"/api/v1/query_exemplars":  p.queryExemplars,
		"/api/v1/rules":            p.listRules,
		"/api/v1/alerts":           p.listAlerts,
		"/api/v1/status/buildinfo": promapi.Static(map[string]string{"version": "3.15.0", "revision": "", "branch": "", "buildUser": "", "buildDate": "", "goVersion": ""}),
		"/api/v1/status/config":    p.statusConfig,
	})
	mux.HandleFunc("/-/healthy", ok)
	mux.HandleFunc("/-/ready", ok)
	return mux
}

func ok(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "Prometheus Server is Ready.") }

func (p *Prometheus) listAlerts(*http.Request) (promapi.Answer, error) {
	list := []jsonAlert{}
	for _, rule := range p.rules.AlertingRules() {
		list = append(list, alertList(rule.ActiveAlerts())...)
	}
	return promapi.Answer{Data: map[string]any{"alerts": list}}, nil
}

func (p *Prometheus) listRules(r *http.Request) (promapi.Answer, error) {
	groups := groupList(p.rules.RuleGroups(), r.Form.Get("type"))
	return promapi.Answer{Data: map[string]any{"groups": groups}}, nil
}

func (p *Prometheus) statusConfig(*http.Request) (promapi.Answer, error) {
	text, err := p.configText()
	return promapi.Answer{Data: map[string]string{"yaml": text}}, err
}
