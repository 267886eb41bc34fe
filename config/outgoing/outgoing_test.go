// SPDX-License-Identifier: Apache-2.0

package outgoing

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	commonconfig "github.com/prometheus/common/config"
)

const canary = "hunter2"

// stranger is a server to which nothing may come.
func stranger(t *testing.T) *httptest.Server {
	var asked atomic.Int32
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	t.Cleanup(func() {
		s.Close()
		if n := asked.Load(); n > 0 {
			t.Errorf("the stranger was asked %d times", n)
		}
	})
	return s
}

func client(t *testing.T, address string, conf commonconfig.HTTPClientConfig) *Client {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(u, conf)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func get(t *testing.T, c *Client, address string) (*http.Response, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	return c.Do(req)
}

func TestNoRedirectLeadsToAnotherServer(t *testing.T) {
	other := stranger(t)
	secure := httptest.NewTLSServer(http.RedirectHandler(other.URL+"/steal?token="+canary, http.StatusFound))
	t.Cleanup(secure.Close)
	plain := httptest.NewServer(http.RedirectHandler(other.URL+"/steal?token="+canary, http.StatusTemporaryRedirect))
	t.Cleanup(plain.Close)
	conf := commonconfig.HTTPClientConfig{
		FollowRedirects: true,
		TLSConfig:       commonconfig.TLSConfig{InsecureSkipVerify: true},
		HTTPHeaders:     &commonconfig.Headers{Headers: map[string]commonconfig.Header{"X-Token": {Secrets: []commonconfig.Secret{canary}}}},
	}
	for _, s := range []*httptest.Server{plain, secure} {
		_, err := get(t, client(t, s.URL, conf), s.URL+"/a?b="+canary)
		if !errors.Is(err, ErrElsewhere) || !strings.Contains(err.Error(), strings.TrimPrefix(other.URL, "http://")) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", s.URL, err)
		}
	}
}

func TestRedirectsOnTheSameServerAreFollowed(t *testing.T) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/" {
			http.Redirect(w, r, "/below", http.StatusFound)
		}
	}))
	t.Cleanup(s.Close)
	for follow, want := range map[bool]int{true: http.StatusOK, false: http.StatusFound} {
		resp, err := get(t, client(t, s.URL, commonconfig.HTTPClientConfig{FollowRedirects: follow}), s.URL)
		if err != nil || resp.StatusCode != want {
			t.Fatalf("%v: %v", resp, err)
		}
		resp.Body.Close()
	}
}

// Libraries that make requests put their own query in the place of the address's.
func TestTheQueryOfTheAddressGoesWithEveryRequest(t *testing.T) {
	var asked string
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { asked = r.URL.RawQuery }))
	t.Cleanup(s.Close)
	for _, c := range []struct{ address, request, want string }{
		{"", "?a=1", "a=1"},
		{"?token=" + canary, "", "token=" + canary},
		{"?token=" + canary, "?a=1", "a=1&token=" + canary},
		{"?token=" + canary, "?token=" + canary + "&a=1", "token=" + canary + "&a=1"},
		{"?a=0&tenant=x&tenant=y", "?a=1", "a=1&tenant=x&tenant=y"},
	} {
		resp, err := get(t, client(t, s.URL+"/prom"+c.address, commonconfig.HTTPClientConfig{}), s.URL+"/prom/api"+c.request)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if asked != c.want {
			t.Errorf("%q with %q: %q", c.address, c.request, asked)
		}
	}
}

func TestTheTokenServerCantSendTheSecretOn(t *testing.T) {
	other := stranger(t)
	tokens := httptest.NewServer(http.RedirectHandler(other.URL, http.StatusTemporaryRedirect))
	t.Cleanup(tokens.Close)
	s := httptest.NewServer(http.NotFoundHandler())
	t.Cleanup(s.Close)
	c := client(t, s.URL, commonconfig.HTTPClientConfig{
		FollowRedirects: true,
		OAuth2:          &commonconfig.OAuth2{ClientID: "culprit", ClientSecret: canary, TokenURL: tokens.URL},
	})
	if _, err := get(t, c, s.URL); !errors.Is(err, ErrElsewhere) || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
}

func TestErrorsDontRepeatTheAddress(t *testing.T) {
	s := httptest.NewServer(http.NotFoundHandler())
	s.Close()
	_, err := get(t, client(t, s.URL, commonconfig.HTTPClientConfig{}), s.URL+"/hook/"+canary+"?key="+canary)
	if err == nil || strings.Contains(err.Error(), canary) {
		t.Errorf("%v", err)
	}
}

func TestHostsAreTheSameWithTheirUsualPort(t *testing.T) {
	for pair, want := range map[[2]string]bool{
		{"http://a", "http://a:80/x"}:              true,
		{"https://a:443", "https://a"}:             true,
		{"http://a", "https://a"}:                  false,
		{"https://a", "http://a"}:                  false,
		{"http://a:9090", "http://a:9091"}:         false,
		{"http://a.example", "http://b.a.example"}: false,
	} {
		a, _ := url.Parse(pair[0])
		b, _ := url.Parse(pair[1])
		if same(a, b) != want {
			t.Errorf("%v: %v", pair, !want)
		}
	}
}

func TestAHangingTokenServerBlocksNobody(t *testing.T) {
	held := make(chan struct{})
	tokens := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-held }))
	t.Cleanup(tokens.Close)
	t.Cleanup(func() { close(held) })
	c := client(t, tokens.URL, commonconfig.HTTPClientConfig{
		OAuth2: &commonconfig.OAuth2{ClientID: "culprit", ClientSecret: canary, TokenURL: tokens.URL},
	})
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, tokens.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Do(req); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
}

// echo is a server that repeats all that it was sent, with a status.
func echo(t *testing.T, status int) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(status)
		user, password, _ := r.BasicAuth()
		body, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintln(w, "nothing for", r.Header, r.RequestURI, user, password, string(body))
	}))
	t.Cleanup(s.Close)
	return s
}

func TestRepeatedCredentialsAreRemovedFromErrors(t *testing.T) {
	s := echo(t, http.StatusForbidden)
	for name, conf := range map[string]commonconfig.HTTPClientConfig{
		"basic":   {BasicAuth: &commonconfig.BasicAuth{Username: "ann", Password: canary}},
		"bearer":  {Authorization: &commonconfig.Authorization{Type: "Bearer", Credentials: canary}},
		"headers": {HTTPHeaders: &commonconfig.Headers{Headers: map[string]commonconfig.Header{"X-Token": {Values: []string{canary}}}}},
		"address": {},
	} {
		base := strings.Replace(s.URL, "://", "://ann:"+canary+"@", 1) + "/?token=" + canary + "%2F" + canary
		if name != "address" {
			base = s.URL
		}
		resp, err := get(t, client(t, base, conf), base)
		if err != nil {
			t.Fatal(err)
		}
		said, err := io.ReadAll(resp.Body)
		if err != nil || !strings.Contains(string(said), "nothing for") || !strings.Contains(string(said), hidden) {
			t.Errorf("%s: %s %v", name, said, err)
		}
		basic := base64.StdEncoding.EncodeToString([]byte("ann:" + canary))
		if strings.Contains(string(said), canary) || strings.Contains(string(said), basic) {
			t.Errorf("%s: the secret is told: %s", name, said)
		}
	}
}

func TestErrorsOfATokenServerAreHidden(t *testing.T) {
	s := echo(t, http.StatusUnauthorized)
	for _, params := range []map[string]string{nil, {"password": canary, "grant_type": "password"}} {
		c := client(t, s.URL, commonconfig.HTTPClientConfig{
			OAuth2: &commonconfig.OAuth2{ClientID: "culprit", ClientSecret: canary, TokenURL: s.URL, EndpointParams: params},
		})
		if _, err := get(t, c, s.URL); err == nil || strings.Contains(err.Error(), canary) || !strings.Contains(err.Error(), "401") {
			t.Errorf("%v", err)
		}
	}
}
