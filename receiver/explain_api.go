// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/body"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Bounds of `POST /api/v1/explain`: a person who asks must not slow down the
// alerts.
const (
	maxAskBytes   = 1 << 20
	maxAsking     = 2 // at a time
	explainWithin = time.Minute
)

// explainer is `POST /api/v1/explain`.
type explainer struct {
	live    func() *live
	changes explain.ChangeLog
	now     func() time.Time
	turn    chan struct{}
	most    time.Duration // that a look may take

	renew func(ctx context.Context, found report.Report) (stored bool, err error) // nil: no look is stored
}

func newExplainer(live func() *live, log explain.ChangeLog, now func() time.Time) *explainer {
	return &explainer{live: live, changes: log, now: now, turn: make(chan struct{}, maxAsking), most: explainWithin}
}

// Ask is the body of `POST /api/v1/explain`: an alert by its labels, an expression, or
// both.
type Ask struct {
	Labels     model.LabelSet `json:"labels,omitempty"`     // of an alert; those that tell it from others suffice
	Expr       string         `json:"expr,omitempty"`       // PromQL, with or without the condition of an alert
	At         askedTime      `json:"at,omitempty"`         // when it began: RFC 3339, Unix seconds, or how long ago, such as 2h; empty: now
	Until      askedTime      `json:"until,omitempty"`      // when it ended; empty: it goes on
	Prometheus string         `json:"prometheus,omitempty"` // name of the one to ask, if there are several; empty: the labels tell which
}

// askedTime is a time as [find.Time] reads it: RFC 3339, Unix seconds, also as
// a number, or how long ago.
type askedTime string

// UnmarshalJSON is part of json.Unmarshaler.
func (t *askedTime) UnmarshalJSON(text []byte) error {
	var number json.Number // takes a quoted number, too
	if err := json.Unmarshal(text, &number); err == nil {
		*t = askedTime(number)
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return fmt.Errorf("%s is not a time: write it in quotes, or as Unix seconds", text)
	}
	*t = askedTime(s)
	return nil
}

// ServeHTTP answers
//
//	200  the report, also one that says only why there is nothing to say
//	400  the question can't be read, or can't be meant like that
//	403  the configuration does not allow it
//	404  there is no such alert
//	413  the body is too large
//	502  Prometheus doesn't answer
//	503  others are asking already
//	504  it took longer than a minute
//
// The work ends with the request.
func (h *explainer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	leave, err := h.enter()
	if err != nil {
		w.Header().Set("Retry-After", "5")
		body.Answer(w, http.StatusServiceUnavailable, err)
		return
	}
	defer leave()
	ask, err := h.read(w, r)
	if err != nil {
		body.Answer(w, statusOfAsk(err), err)
		return
	}
	rep, err := h.within(r.Context(), ask)
	if err != nil {
		body.Answer(w, statusOfAsk(err), err)
		return
	}
	body.Answer(w, http.StatusOK, rep)
}

// enter takes a turn, or says that others have them all.
func (h *explainer) enter() (leave func(), err error) {
	select {
	case h.turn <- struct{}{}:
		return func() { <-h.turn }, nil
	default:
		return nil, errBusy
	}
}

// within answers a question in time.
func (h *explainer) within(ctx context.Context, ask find.Ask) (report.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, h.most)
	defer cancel()
	rep, err := h.explain(ctx, ask)
	if ctx.Err() != nil {
		err = fmt.Errorf("it took longer than %s: %w", h.most, ctx.Err())
	}
	return rep, err
}

func (h *explainer) read(w http.ResponseWriter, r *http.Request) (find.Ask, error) {
	var body Ask
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxAskBytes))
	dec.DisallowUnknownFields()
	err := dec.Decode(&body)
	if err == nil {
		if _, end := dec.Token(); !errors.Is(end, io.EOF) {
			err = errors.New("there is more after it")
		}
	}
	if err != nil {
		return find.Ask{}, fmt.Errorf(`%w: the body must be JSON such as {"labels": {"alertname": "HighErrors"}}, with labels, expr, at, until and prometheus: %w`,
			find.ErrUnclear, err)
	}
	ask := find.Ask{Prometheus: body.Prometheus, Labels: body.Labels, Expr: body.Expr}
	if ask.At, err = find.Time(string(body.At), h.now()); err != nil {
		return ask, err
	}
	ask.Until, err = find.Time(string(body.Until), h.now())
	return ask, err
}

func (h *explainer) explain(ctx context.Context, ask find.Ask) (report.Report, error) {
	live := h.live()
	server, err := ask.Server(live.config.Prometheus)
	if err != nil {
		return report.Report{}, err
	}
	finder, err := find.New(*server)
	if err != nil {
		return report.Report{}, err
	}
	defer finder.Close()
	if err := allowed(ctx, live.config, finder, ask); err != nil {
		return report.Report{}, err
	}
	subject, err := finder.Resolve(ctx, ask, h.now())
	if err != nil {
		return report.Report{}, err
	}
	q := explain.QuestionOf(live.config, subject)
	q.Prometheus, q.Changes = server.Name, h.changes
	return explain.ReportBy(ctx, live.servers, q), nil
}

// errBusy is the error of a question while others are answered.
var errBusy = errors.New("two other requests are being answered: try again in a few seconds")

// errNotAllowed is the error of a question that the configuration forbids.
var errNotAllowed = errors.New("the configuration does not allow this")

func errSwitchedOff() error { return fmt.Errorf("%w: explain_api is switched off", errNotAllowed) }

// allowed says whether a question may be asked with the credentials of culprit.
func allowed(ctx context.Context, cfg *config.Config, finder *find.Finder, ask find.Ask) error {
	trust := cfg.Expressions.FromAPI
	switch {
	case !cfg.ExplainAPI.Enabled:
		return errSwitchedOff()
	case ask.Expr == "", trust == config.TrustAny:
		return nil
	case trust == config.TrustNever:
		return fmt.Errorf("%w: expressions.from_api is never; hint: name an alert by its labels", errNotAllowed)
	}
	rules, err := finder.Rules(ctx)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(rules, func(r v1.AlertingRule) bool { return expr.Same(r.Query, ask.Expr) }) {
		return fmt.Errorf("%w: expressions.from_api is known_rules, and no alerting rule of Prometheus has this expression", errNotAllowed)
	}
	return nil
}

// statusOfAsk says whose fault an error is.
func statusOfAsk(err error) int {
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return http.StatusRequestEntityTooLarge
	case errors.Is(err, errNotAllowed):
		return http.StatusForbidden
	case errors.Is(err, find.ErrUnclear):
		return http.StatusBadRequest
	case errors.Is(err, find.ErrNotFound):
		return http.StatusNotFound
	case errors.Is(err, context.DeadlineExceeded):
		return http.StatusGatewayTimeout
	default:
		return http.StatusBadGateway
	}
}
