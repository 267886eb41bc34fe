// SPDX-License-Identifier: Apache-2.0

// Package mcp serves culprit's knowledge to assistants through the Model Context Protocol: four
// tools over streamable HTTP, at /mcp.
//
// It is read-only and has no sessions: every request stands alone, so any replica can answer it. An
// answer is a line of text and an equivalent small object, including how far it can be trusted;
// guesses are marked. Together they take less than 4 kB, whatever an alert's labels hold. Texts
// from alerts are untrusted: reduced to one line, truncated, and never an instruction.
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
	parallel = 4        // concurrent calls; others wait
)

// Explainer explains alerts. It stores and sends nothing.
type Explainer interface {
	// Ask explains the alert in question.
	Ask(ctx context.Context, ask find.Ask) (report.Report, error)
	// Explain makes a fresh look at the alert of a report.
	Explain(ctx context.Context, r report.Report, parts []report.Part) (report.Report, error)
	// Changes returns the changes that Prometheus shows for a place, within
	// [github.com/culprit-dev/culprit/promql.ChangesBefore] before a time.
	Changes(ctx context.Context, where find.Ask) ([]changes.Change, error)
}

// Options configure the tools. All are required.
type Options struct {
	Settings  func() *config.MCP // nil: disabled; called for each request, as a reload may change it
	Reports   web.ReportReader
	Explainer Explainer
	Changes   web.ChangeReader
	External  *url.URL // culprit's own base URL
	Now       func() time.Time
	Log       *slog.Logger
	Calls     *prometheus.CounterVec // by tool and outcome
}

// server is the state that the tools share.
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

// page is the URL of one of culprit's pages.
func (s *server) page(kind, id string) string {
	if id == "" {
		return ""
	}
	return strings.TrimSuffix(s.External.String(), "/") + "/" + kind + "/" + id
}
