// SPDX-License-Identifier: Apache-2.0

// Package mcp serves what culprit knows to assistants, by the Model Context
// Protocol: four tools over streamable HTTP, at /mcp.
//
// It is read-only and keeps no session: each request is answered by itself, so any
// replica can answer it. An answer is one line of text and a small object that says
// the same, with how far it can be trusted; a guess is marked as one. All of it
// together takes less than 4 kB, whatever an alert's labels hold. Texts of alerts are
// foreign: they are kept on one line, cut, and never an instruction.
package mcp

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/gate"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/web"
)

const (
	maxBody  = 64 << 10 // of a request
	parallel = 4        // calls that are answered at a time; others wait
)

// Explainer looks at alerts. It stores nothing and tells nobody.
type Explainer interface {
	// Ask explains the alert that a question names.
	Ask(ctx context.Context, ask find.Ask) (report.Report, error)
	// Explain looks once more at the alert of a report.
	Explain(ctx context.Context, r report.Report, parts []report.Part) (report.Report, error)
	// Changes are those that the Prometheus of a place tells of, in the time before
	// another one that [github.com/culprit-dev/culprit/promql.ChangesBefore] names.
	Changes(ctx context.Context, where find.Ask) ([]changes.Change, error)
}

// Options are where things are. All must be set.
type Options struct {
	Settings  func() *config.MCP // nil: it is switched off; asked for each request, as a reload may change it
	Reports   web.ReportReader
	Explainer Explainer
	Changes   web.ChangeReader
	External  *url.URL // culprit's own address, as users reach it
	Now       func() time.Time
	Log       *slog.Logger
	Calls     *prometheus.CounterVec // of the tools, by tool and outcome
}

// server is what the tools share.
type server struct {
	Options
	tools map[string]tool
	turn  chan struct{}
}

// New returns the handler of /mcp. It answers, before the protocol has its say,
//
//	401  the token is missing or another
//	403  a page of another site has made a browser send this
//	404  it is switched off
func New(opt Options) http.Handler {
	s := &server{Options: opt, turn: make(chan struct{}, parallel)}
	s.tools = map[string]tool{
		"explain_alert": toolOf(s.explainAlert), "list_reports": toolOf(s.listReports), "get_report": toolOf(s.getReport), "what_changed": toolOf(s.whatChanged),
	}
	door := &gate.Gate{Key: "mcp.token_file", File: s.tokenFile, Now: opt.Now, Log: opt.Log}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if opt.Settings() == nil {
			body.Answer(w, http.StatusNotFound, errOff)
			return
		}
		if err := door.Admit(r); err != nil {
			w.Header().Set("WWW-Authenticate", "Bearer")
			body.Answer(w, http.StatusUnauthorized, err)
			return
		}
		if err := s.sameSite(r); err != nil {
			body.Answer(w, http.StatusForbidden, err)
			return
		}
		s.serve(w, r)
	})
}

var errOff = errors.New("there are no tools for assistants here; hint: set mcp: {} in the configuration")

func (s *server) tokenFile() string {
	if set := s.Settings(); set != nil {
		return set.TokenFile
	}
	return ""
}

// page is the address of a page of culprit.
func (s *server) page(kind, id string) string {
	if id == "" {
		return ""
	}
	return strings.TrimSuffix(s.External.String(), "/") + "/" + kind + "/" + id
}
