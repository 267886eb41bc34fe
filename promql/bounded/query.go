// SPDX-License-Identifier: Apache-2.0

package bounded

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	v1 "github.com/prometheus/client_golang/api/prometheus/v1"
	"github.com/prometheus/common/model"
)

// Question is one query. With Step 0 it is an instant query at End.
type Question struct {
	Query      string
	Start, End time.Time
	Step       time.Duration
	Timeout    time.Duration // for the server; 0: its own default

	Series  int // largest number to keep; 0: all
	Samples int // largest number to keep; 0: all
}

// Query sends a query. The warnings are the server's. The error is a [*Cut] if the value is
// incomplete, and a [*v1.Error] if the server refused the query or its response can't be read.
func (c *Client) Query(ctx context.Context, q Question) (model.Value, []string, error) {
	resp, err := c.ask(ctx, q)
	if err != nil {
		return nil, nil, err
	}
	defer resp.Body.Close()
	if resp.StatusCode/100 != 2 {
		return nil, nil, refusal(resp)
	}
	m := c.meter(ctx, resp.Body, c.most)
	defer m.close()
	return newStream(m, c.metrics, q).value()
}

// ask sends a POST, or a GET if the server requires that.
func (c *Client) ask(ctx context.Context, q Question) (*http.Response, error) {
	u := c.URL("/api/v1/query", nil)
	if q.Step != 0 {
		u = c.URL("/api/v1/query_range", nil)
	}
	form := q.form().Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, u.String(), strings.NewReader(form))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header["Idempotency-Key"] = nil // marks it as safe to retry on another connection
	resp, err := c.send(req)
	if err != nil || !wantsGet(resp.StatusCode) {
		return resp, err
	}
	resp.Body.Close()
	u.RawQuery += "&" + form
	if req, err = http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil); err != nil {
		return nil, err
	}
	return c.send(req)
}

// wantsGet says whether a server or a proxy refuses POST; a redirect of one is not followed.
func wantsGet(status int) bool {
	switch status {
	case http.StatusForbidden, http.StatusMethodNotAllowed, http.StatusNotImplemented:
		return true
	default:
		return status/100 == 3
	}
}

func (q Question) form() url.Values {
	f := url.Values{"query": {q.Query}}
	if q.Series > 0 {
		f.Set("limit", strconv.Itoa(q.Series+1)) // one more, to know whether there are more
	}
	if q.Timeout > 0 {
		f.Set("timeout", q.Timeout.String())
	}
	if q.Step == 0 {
		f.Set("time", seconds(q.End))
		return f
	}
	f.Set("start", seconds(q.Start))
	f.Set("end", seconds(q.End))
	f.Set("step", strconv.FormatFloat(q.Step.Seconds(), 'f', -1, 64))
	return f
}

func seconds(t time.Time) string {
	return strconv.FormatFloat(float64(t.Unix())+float64(t.Nanosecond())/1e9, 'f', -1, 64)
}

// refusal returns the error of a response without success.
func refusal(resp *http.Response) error {
	body, err := io.ReadAll(io.LimitReader(resp.Body, errorBytes))
	if err != nil {
		return err
	}
	var said struct{ ErrorType, Error string }
	if json.Unmarshal(body, &said) == nil && said.Error != "" {
		return Refused(v1.ErrorType(said.ErrorType), said.Error)
	}
	code := resp.StatusCode
	text := fmt.Sprintf("%d %s", code, http.StatusText(code))
	switch code / 100 {
	case 3:
		return Refused(v1.ErrBadResponse, text+"; hint: configure the address that it redirects to")
	case 4:
		if code == http.StatusUnauthorized || code == http.StatusForbidden {
			text += "; hint: check the credentials in prometheus.http_config"
		}
		return Refused(v1.ErrClient, text)
	case 5:
		return Refused(v1.ErrServer, text)
	default:
		return Refused(v1.ErrBadResponse, text)
	}
}

// Refused returns an error from the server, shortened.
func Refused(kind v1.ErrorType, text string) *v1.Error {
	return &v1.Error{Type: v1.ErrorType(short(cmp.Or(string(kind), string(v1.ErrClient)))), Msg: short(text)}
}

func short(text string) string {
	if len(text) > mostSaid {
		text = text[:mostSaid] + "…"
	}
	return strings.ToValidUTF8(text, "")
}

// badAnswer describes a response that can't be read.
type badAnswer struct{ what string }

func (e *badAnswer) Error() string { return e.what }

// malformed returns the error of a response that can't be read.
func malformed(err error) error {
	var own *badAnswer
	if !errors.As(err, &own) {
		return Refused(v1.ErrBadResponse, "the answer is not JSON: "+err.Error())
	}
	return Refused(v1.ErrBadResponse, "the answer can't be read: "+own.what)
}
