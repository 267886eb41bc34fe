// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/config/outgoing"
)

// Reason classifies the failure of a request. It is a closed set, so that it can label a metric.
type Reason string

// The reasons of a failure.
const (
	Network      Reason = "network"      // no connection, or it broke
	Timeout      Reason = "timeout"      // no complete answer in time
	Canceled     Reason = "canceled"     // culprit itself cancelled, as on shutdown
	Overloaded   Reason = "overloaded"   // 429 or 503
	ServerError  Reason = "server_error" // another 5xx
	Unauthorized Reason = "unauthorized" // 401 or 403
	NotFound     Reason = "not_found"    // 404
	Refused      Reason = "refused"      // another 4xx
	Redirected   Reason = "redirected"   // 3xx that is not followed
	Malformed    Reason = "malformed"    // an answer of an unexpected form
	TooLarge     Reason = "too_large"    // an answer over the limit
)

// Retryable reports whether the same request may succeed later.
func (r Reason) Retryable() bool {
	switch r {
	case Network, Timeout, Canceled, Overloaded, ServerError:
		return true
	default:
		return false
	}
}

func (r Reason) hint() string {
	switch r {
	case Network:
		return "is it up, and is the address right?"
	case Timeout:
		return "it is slow or hangs; it is tried again"
	case Unauthorized:
		return "check its http_config: the credentials are missing, wrong or may not do this"
	case Redirected:
		return "configure the address that it redirects to"
	case TooLarge:
		return "is it the right server? culprit goes on without this answer"
	case Malformed:
		return "is there another server at this address?"
	default:
		return ""
	}
}

// Error is a failed request.
type Error struct {
	Op      string // what was attempted
	Server  string // kind of server
	Address string // URL without secrets
	Reason  Reason
	Status  int           // HTTP status; 0: no answer
	Text    string        // what the server said, shortened
	After   time.Duration // from Retry-After; 0: none
	Err     error         // cause, if any
}

// Error says what failed and why, then what to do.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Op + " at " + e.Server + " " + e.Address + ": ")
	switch {
	case e.Status != 0:
		b.WriteString(strconv.Itoa(e.Status) + " " + http.StatusText(e.Status))
		if e.Text != "" {
			b.WriteString(": " + e.Text)
		}
	case e.Reason == Timeout:
		b.WriteString("no answer in time")
	case e.Err != nil:
		b.WriteString(e.Err.Error())
	default:
		b.WriteString(string(e.Reason))
	}
	if hint := e.Reason.hint(); hint != "" {
		b.WriteString(" (" + hint + ")")
	}
	return b.String()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Retryable reports whether the request that failed with err may succeed later. It is false for
// errors of other packages.
func Retryable(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Reason.Retryable()
}

// ReasonOf returns why a request failed; empty for nil and errors of other packages.
func ReasonOf(err error) Reason {
	var e *Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return ""
}

// from classifies an error without a complete answer. ctx is the caller's: if it was cancelled, the
// server is not to blame.
func (e *Error) from(ctx context.Context, err error) error {
	e.Err = err
	var t interface{ Timeout() bool }
	switch {
	case errors.Is(err, errTooLarge):
		e.Reason = TooLarge
	case errors.Is(err, outgoing.ErrElsewhere):
		e.Reason = Redirected
	case errors.Is(ctx.Err(), context.Canceled):
		e.Reason = Canceled
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &t) && t.Timeout():
		e.Reason = Timeout
	default:
		e.Reason = Network
	}
	return e
}

// answered classifies an answer that is not 2xx.
func (e *Error) answered(resp *http.Response, body []byte) error {
	e.Status, e.Text = resp.StatusCode, quote(body)
	if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 {
		e.After = time.Duration(seconds) * time.Second
	}
	switch s := resp.StatusCode; {
	case s == http.StatusTooManyRequests, s == http.StatusServiceUnavailable:
		e.Reason = Overloaded
	case s >= 500:
		e.Reason = ServerError
	case s == http.StatusUnauthorized, s == http.StatusForbidden:
		e.Reason = Unauthorized
	case s == http.StatusNotFound:
		e.Reason = NotFound
	case s >= 400:
		e.Reason = Refused
	default:
		e.Reason = Redirected
	}
	return e
}

// quote shortens an answer to one line.
func quote(body []byte) string {
	text := strings.ToValidUTF8(strings.Join(strings.Fields(string(body)), " "), "")
	if len(text) > quoted {
		text = strings.ToValidUTF8(text[:quoted], "") + "…"
	}
	return text
}
