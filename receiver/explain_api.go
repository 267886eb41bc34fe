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

// Limits of `POST /api/v1/explain`: people who ask must not slow down alerts.
const (
	maxAskBytes   = 1 << 20
	maxAsking     = 2 // concurrently
	explainWithin = time.Minute
)

// explainer serves `POST /api/v1/explain`.
type explainer struct {
	live    func() *live
	changes explain.ChangeLog
	now     func() time.Time
	slots   chan struct{}
	timeout time.Duration // time limit of one look

	renew func(ctx context.Context, found report.Report) (stored bool, err error) // nil: looks are not stored
}

func newExplainer(live func() *live, log explain.ChangeLog, now func() time.Time) *explainer {
	return &explainer{live: live, changes: log, now: now, slots: make(chan struct{}, maxAsking), timeout: explainWithin}
}

// Ask is the body of `POST /api/v1/explain`: the labels of an alert, an expression, or both.
type Ask struct {
	Labels     model.LabelSet `json:"labels,omitempty"`     // enough of the alert's labels to identify it
	Expr       string         `json:"expr,omitempty"`       // PromQL, with or without the alert's comparison
	At         askedTime      `json:"at,omitempty"`         // start: RFC 3339, Unix seconds, or how long ago, such as 2h; empty: now
	Until      askedTime      `json:"until,omitempty"`      // end; empty: ongoing
	Prometheus string         `json:"prometheus,omitempty"` // name of the server, if there are several; empty: chosen by the labels
}

// askedTime is a time in any format of [find.Time]; Unix seconds may also be a JSON number.
type askedTime string

// UnmarshalJSON implements json.Unmarshaler.
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
// The work is cancelled with the request.
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

// enter takes a slot, or returns errBusy.
func (h *explainer) enter() (leave func(), err error) {
	select {
	case h.slots <- struct{}{}:
		return func() { <-h.slots }, nil
	default:
		return nil, errBusy
	}
}

// within answers a question within the time limit.
func (h *explainer) within(ctx context.Context, ask find.Ask) (report.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, h.timeout)
	defer cancel()
	rep, err := h.explain(ctx, ask)
	if ctx.Err() != nil {
		err = fmt.Errorf("it took longer than %s: %w", h.timeout, ctx.Err())
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

// errBusy means that all slots are taken.
var errBusy = errors.New("two other requests are being answered: try again in a few seconds")

// errNotAllowed means that the configuration forbids the question.
var errNotAllowed = errors.New("the configuration does not allow this")

func errSwitchedOff() error { return fmt.Errorf("%w: explain_api is switched off", errNotAllowed) }

// allowed reports whether a question may be asked with culprit's own credentials.
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

// statusOfAsk maps an error to its HTTP status.
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
