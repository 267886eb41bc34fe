// SPDX-License-Identifier: Apache-2.0

// Package promapi serves the query API of Prometheus over a storage and the real
// engine: a thin layer with the responses of Prometheus 3.
//
// The server's own package for this (web/api/v1) would bring OpenAPI, remote write
// and OpenTelemetry's collector with it: a hundred more packages, for nothing that a
// client of queries sees.
package promapi

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"

	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/util/annotations"
)

// API serves queries on a storage.
type API struct {
	Storage storage.Queryable
	Engine  *promql.Engine
	Parser  parser.Parser // for selectors
}

// Handler handles a request whose form is parsed.
type Handler func(*http.Request) (Answer, error)

// Routes maps path patterns to handlers.
func (a API) Routes() map[string]Handler {
	return map[string]Handler{
		"/api/v1/query":               a.query,
		"/api/v1/query_range":         a.queryRange,
		"/api/v1/series":              a.series,
		"/api/v1/labels":              a.labelNames,
		"/api/v1/label/{name}/values": a.labelValues,
	}
}

// Mux returns a mux of handlers.
func Mux(routes ...map[string]Handler) *http.ServeMux {
	mux := http.NewServeMux()
	for _, some := range routes {
		for path, h := range some {
			mux.HandleFunc(path, func(w http.ResponseWriter, r *http.Request) { respond(w, r, h) })
		}
	}
	return mux
}

// Static returns a handler with a constant answer.
func Static(data any) Handler {
	return func(*http.Request) (Answer, error) { return Answer{Data: data}, nil }
}

// Error is an error with the API's type and status.
type Error struct {
	Type   string // such as bad_data
	Status int
	Err    error
}

func (e *Error) Error() string { return e.Err.Error() }

// Unwrap implements the interface of package errors.
func (e *Error) Unwrap() error { return e.Err }

// BadData is the error of an invalid request.
func BadData(format string, args ...any) error {
	return &Error{"bad_data", http.StatusBadRequest, fmt.Errorf(format, args...)}
}

// Answer is a successful answer. Data is encoded as JSON unless it already is.
type Answer struct {
	Data     any
	Warnings annotations.Annotations
}

// envelope wraps every answer of the API.
type envelope struct {
	Status    string   `json:"status"`
	Data      any      `json:"data,omitempty"`
	ErrorType string   `json:"errorType,omitempty"`
	Error     string   `json:"error,omitempty"`
	Warnings  []string `json:"warnings,omitempty"`
	Infos     []string `json:"infos,omitempty"`
}

// respond writes an answer or an error.
func respond(w http.ResponseWriter, r *http.Request, h Handler) {
	var a Answer
	err := r.ParseForm()
	if err == nil {
		a, err = h(r)
	}
	if err != nil {
		Refuse(w, err)
		return
	}
	body := envelope{Status: "success", Data: a.Data}
	body.Warnings, body.Infos = a.Warnings.AsStrings(r.Form.Get("query"), 10, 10)
	write(w, http.StatusOK, body)
}

// Refuse writes an error.
func Refuse(w http.ResponseWriter, err error) {
	failure := nameOf(err)
	write(w, failure.Status, envelope{Status: "error", ErrorType: failure.Type, Error: failure.Error()})
}

func write(w http.ResponseWriter, status int, body envelope) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}

// nameOf converts an error as Prometheus does.
func nameOf(err error) *Error {
	var api *Error
	var canceled promql.ErrQueryCanceled
	var timeout promql.ErrQueryTimeout
	var failed promql.ErrStorage
	switch {
	case errors.As(err, &api):
		return api
	case errors.As(err, &canceled), errors.Is(err, context.Canceled):
		return &Error{"canceled", 499, err}
	case errors.As(err, &timeout):
		return &Error{"timeout", http.StatusServiceUnavailable, err}
	case errors.As(err, &failed):
		return &Error{"internal", http.StatusInternalServerError, err}
	}
	return &Error{"execution", http.StatusUnprocessableEntity, err}
}
