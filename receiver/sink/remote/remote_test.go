// SPDX-License-Identifier: Apache-2.0

package remote

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/config"
)

func client(t *testing.T, address string, opts Options) *Client {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	opts.Name, opts.URL = "Grafana", config.NewURL(u)
	c, err := New(opts)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func serve(t *testing.T, h http.HandlerFunc) string {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

func TestEveryAnswerHasItsReason(t *testing.T) {
	for status, want := range map[int]Reason{
		301: Redirected, 308: Redirected, 400: Refused, 401: Unauthorized, 403: Unauthorized, 404: NotFound,
		409: Refused, 413: Refused, 429: Overloaded, 500: ServerError, 502: ServerError, 503: Overloaded, 504: ServerError,
	} {
		url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			io.WriteString(w, "the  server's\nwords")
		})
		err := client(t, url, Options{}).Do(t.Context(), Request{Op: "write", Method: "POST", Body: []byte("{}")}, nil)
		var e *Error
		if !errors.As(err, &e) || e.Reason != want || e.Status != status || e.Text != "the server's words" {
			t.Errorf("%d: %+v", status, err)
		}
		retryable := status == 429 || status >= 500
		if Retryable(err) != retryable || ReasonOf(err) != want {
			t.Errorf("%d: retryable is %v", status, Retryable(err))
		}
	}
}

func TestAServerThatIsDownOrHangsIsRetryable(t *testing.T) {
	release := make(chan struct{})
	hanging := serve(t, func(http.ResponseWriter, *http.Request) { <-release })
	defer close(release)
	c := client(t, hanging, Options{Timeout: 20 * time.Millisecond})
	if err := c.Do(t.Context(), Request{Op: "read", Method: "GET"}, nil); ReasonOf(err) != Timeout || !Retryable(err) {
		t.Errorf("a server that hangs: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.Do(ctx, Request{Op: "read", Method: "GET"}, nil); ReasonOf(err) != Canceled || !Retryable(err) {
		t.Errorf("a caller that gave up: %v", err)
	}
	down := httptest.NewServer(nil)
	down.Close()
	err := client(t, down.URL, Options{}).Do(t.Context(), Request{Op: "read", Method: "GET"}, nil)
	if ReasonOf(err) != Network || !Retryable(err) || !strings.Contains(err.Error(), "is it up") {
		t.Errorf("a server that is down: %v", err)
	}
}

func TestAnAnswerThatIsTooLargeOrNoJSONIsRefused(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "<html>a proxy</html>") })
	var into map[string]any
	err := client(t, url, Options{}).Do(t.Context(), Request{Op: "read", Method: "GET"}, &into)
	if ReasonOf(err) != Malformed || Retryable(err) {
		t.Errorf("HTML: %v", err)
	}
	err = client(t, url, Options{MaxBody: 19}).Do(t.Context(), Request{Op: "read", Method: "GET"}, &into)
	if ReasonOf(err) != TooLarge || Retryable(err) {
		t.Errorf("20 bytes where 19 are allowed: %v", err)
	}
	if err := client(t, url, Options{MaxBody: 20}).Do(t.Context(), Request{Op: "read", Method: "GET"}, nil); err != nil {
		t.Errorf("20 bytes where 20 are allowed: %v", err)
	}
}

func TestReadsFollowRedirectsOnTheirServerAndWritesDoNot(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/below" && r.Method == http.MethodGet {
			io.WriteString(w, "{}")
			return
		}
		http.Redirect(w, r, "/below", http.StatusTemporaryRedirect)
	})
	c := client(t, url, Options{HTTPConfig: commonconfig.HTTPClientConfig{FollowRedirects: true}})
	if err := c.Do(t.Context(), Request{Op: "read", Method: "GET"}, nil); err != nil {
		t.Errorf("GET: %v", err)
	}
	err := c.Do(t.Context(), Request{Op: "write", Method: "POST", Body: []byte(`{"secret":1}`)}, nil)
	if ReasonOf(err) != Redirected {
		t.Errorf("POST: %v", err)
	}
}

func TestNoRequestGoesToAnotherServer(t *testing.T) {
	asked := false
	target := serve(t, func(http.ResponseWriter, *http.Request) { asked = true })
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, target, http.StatusTemporaryRedirect)
	})
	c := client(t, url, Options{HTTPConfig: commonconfig.HTTPClientConfig{FollowRedirects: true}})
	for _, method := range []string{"GET", "POST"} {
		err := c.Do(t.Context(), Request{Op: "ask", Method: method, Body: []byte(`{"secret":1}`)}, nil)
		if ReasonOf(err) != Redirected || Retryable(err) {
			t.Errorf("%s: %v", method, err)
		}
	}
	if asked {
		t.Error("the other server was asked")
	}
}

func TestNoErrorShowsASecretOfTheAddress(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	secret := strings.Replace(down.URL, "http://", "http://ann:pass@", 1) + "/hook/token?key=value"
	u, err := url.Parse(secret)
	if err != nil {
		t.Fatal(err)
	}
	for name, address := range map[string]Address{"path shown": config.NewURL(u), "path hidden": config.NewHookURL(u)} {
		c, err := New(Options{Name: "hook", URL: address})
		if err != nil {
			t.Fatal(err)
		}
		err = c.Do(t.Context(), Request{Op: "write", Method: "POST"}, nil)
		for _, word := range []string{"ann", "pass", "key", "value"} {
			if strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q in %q", name, word, err)
			}
		}
		if strings.Contains(err.Error(), "token") != (name == "path shown") {
			t.Errorf("%s: %q", name, err)
		}
	}
}

func TestTheRequestIsSentAsAsked(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if r.URL.String() != "/prefix/api/v2/alerts?filter=a%3D%22b%22" || string(body) != `{"a":1}` || r.UserAgent() != "culprit" ||
			r.Header.Get("Content-Type") != "application/json" || r.Header.Get("X-One") != "1" {
			t.Errorf("%s %s %v %s", r.Method, r.URL, r.Header, body)
		}
		io.WriteString(w, `{"answer":42}`)
	})
	var into struct{ Answer int }
	err := client(t, url+"/prefix/", Options{}).Do(t.Context(), Request{
		Op: "write", Method: "POST", Path: "/api/v2/alerts", Query: map[string][]string{"filter": {`a="b"`}},
		Header: http.Header{"X-One": {"1"}}, Body: []byte(`{"a":1}`),
	}, &into)
	if err != nil || into.Answer != 42 {
		t.Errorf("%v %+v", err, into)
	}
}

func TestRetryAfterIsRead(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "7")
		w.WriteHeader(http.StatusTooManyRequests)
	})
	var e *Error
	if err := client(t, url, Options{}).Do(t.Context(), Request{Op: "write", Method: "POST"}, nil); !errors.As(err, &e) || e.After != 7*time.Second {
		t.Errorf("%v", err)
	}
}

func TestAServerWithoutAnAddressIsRefused(t *testing.T) {
	if _, err := New(Options{Name: "Grafana"}); err == nil || !strings.Contains(err.Error(), "Grafana: no URL") {
		t.Errorf("%v", err)
	}
}

func TestTheClockIsTheServers(t *testing.T) {
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", "Sun, 22 Nov 2026 04:46:57 GMT")
	})
	var at time.Time
	if err := client(t, url, Options{}).Do(t.Context(), Request{Op: "read", Method: "GET", Clock: &at}, nil); err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 11, 22, 4, 46, 57, 0, time.UTC); !at.Equal(want) {
		t.Errorf("%v, not %v", at, want)
	}
}

func TestTheSecretPathOfAHookIsNotRepeated(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Error(w, "there is no "+r.URL.Path+", no "+strings.TrimPrefix(r.URL.Path, "/services/"), http.StatusNotFound)
	}))
	t.Cleanup(s.Close)
	u, err := url.Parse(s.URL + "/services/hunter2")
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(Options{Name: "recovery webhook", URL: config.NewHookURL(u)})
	if err != nil {
		t.Fatal(err)
	}
	err = c.Do(t.Context(), Request{Op: "tell", Method: http.MethodPost}, nil)
	if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "there is no <secret>") {
		t.Errorf("%v", err)
	}
}
