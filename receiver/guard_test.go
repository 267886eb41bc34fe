// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// answered sends a request with headers "name: value" and returns its status.
func answered(t *testing.T, d *Daemon, method, path, body string, headers ...string) (int, http.Header) {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+d.Address().String()+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range headers {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Set(name, value)
	}
	resp, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	_, _ = io.Copy(io.Discard, resp.Body)
	return resp.StatusCode, resp.Header
}

// The headers are those of forms and scripts of other sites in Chromium, Firefox and older
// browsers, and those of Alertmanager, curl and people.
func TestAPageOfAnotherSiteChangesNothing(t *testing.T) {
	d := lonely(t, nil)
	own := "Origin: http://" + d.Address().String()
	for name, c := range map[string]struct {
		headers []string
		refused bool
	}{
		"Alertmanager":                    {[]string{"Content-Type: application/json", "User-Agent: Alertmanager/0.34.2"}, false},
		"curl --json":                     {[]string{"Content-Type: application/json"}, false},
		"curl -d":                         {[]string{"Content-Type: application/x-www-form-urlencoded"}, false},
		"no type":                         {nil, false},
		"a person's bookmark":             {[]string{"Sec-Fetch-Site: none"}, false},
		"a page of ours":                  {[]string{"Sec-Fetch-Site: same-origin", own}, false},
		"a script of another site":        {[]string{"Sec-Fetch-Site: cross-site", "Origin: https://evil.example.org", "Content-Type: application/json"}, true},
		"a page of a neighbour":           {[]string{"Sec-Fetch-Site: same-site", "Origin: https://blog.example.org"}, true},
		"an older browser":                {[]string{"Origin: https://evil.example.org"}, true},
		"a sandboxed frame":               {[]string{"Origin: null"}, true},
		"a form that writes JSON as text": {[]string{"Content-Type: text/plain"}, true},
		"a form of parts":                 {[]string{"Content-Type: multipart/form-data; boundary=x"}, true},
	} {
		for path, body := range map[string]string{
			"/api/v1/webhook": message("Site"), "/api/v1/explain": `{"expr":"up"}`, "/-/reload": "", "/api/v1/changes": `{"title":"a"}`,
			"/reports/aaaaaaaaaaaaaaaa/feedback": "says=right", "/api/v1/reports/aaaaaaaaaaaaaaaa/feedback": `{"says":"right"}`,
		} {
			for _, method := range []string{http.MethodPost, http.MethodPut} {
				status, _ := answered(t, d, method, path, body, c.headers...)
				if got := status == http.StatusForbidden || status == http.StatusUnsupportedMediaType; got != c.refused {
					t.Errorf("%s: %s %s is answered %d", name, method, path, status)
				}
			}
		}
	}
}

func TestMethodsAndHeadersOfEveryPath(t *testing.T) {
	d := lonely(t, func(opt *Options) { opt.ExternalURL = "https://ops.example.org/culprit/{x}" })
	for _, prefix := range []string{"", "/culprit/%7Bx%7D"} {
		for path, allow := range map[string]string{
			"/api/v1/webhook": "POST", "/api/v1/explain": "POST", "/api/v1/changes": "GET, HEAD, POST", "/-/reload": "POST, PUT", "/metrics": "GET, HEAD", "/-/ready": "GET, HEAD", "/": "GET, HEAD",
			"/api/v1/reports": "GET, HEAD", "/reports/aaaaaaaaaaaaaaaa": "GET, HEAD", "/reports/aaaaaaaaaaaaaaaa/feedback": "POST", "/api/v1/reports/aaaaaaaaaaaaaaaa/feedback": "POST", "/nothing": "GET, HEAD",
		} {
			for _, method := range []string{"OPTIONS", "DELETE", "TRACE", "PATCH"} {
				status, header := answered(t, d, method, prefix+path, "")
				if status != http.StatusMethodNotAllowed || header.Get("Allow") != allow || header.Get("Access-Control-Allow-Origin") != "" {
					t.Errorf("%s %s%s: status %d, allow %q", method, prefix, path, status, header.Get("Allow"))
				}
			}
			get, header := answered(t, d, http.MethodGet, prefix+path, "")
			if head, _ := answered(t, d, http.MethodHead, prefix+path, ""); head != get {
				t.Errorf("HEAD %s%s is answered %d, GET %d", prefix, path, head, get)
			}
			if header.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("GET %s%s: %v", prefix, path, header)
			}
		}
	}
}

func TestALongQueryIsRefused(t *testing.T) {
	d := lonely(t, nil)
	for _, path := range []string{"/", "/api/v1/reports", "/api/v1/incidents", "/changes", "/api/v1/changes"} {
		status, _ := answered(t, d, http.MethodGet, path+"?match="+url.QueryEscape(strings.Repeat(`a=~".{1000}",`, 300)), "")
		if status != http.StatusBadRequest {
			t.Errorf("%s is answered %d", path, status)
		}
	}
}

// After a reload the pages link to the new Grafana.
func TestLinksFollowTheConfiguration(t *testing.T) {
	d := lonely(t, nil)
	if got := d.servers(); got.Grafana != nil || got.Prometheus[0].Host != "127.0.0.1:1" {
		t.Fatalf("%+v", got)
	}
	pages := d.pages(nil) // from before the reload
	text := "prometheus: {url: 'http://prometheus.example.org'}\ngrafana: {url: 'https://grafana.example.org'}\n"
	if err := os.WriteFile(d.opt.ConfigFile, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if status, _ := answered(t, d, http.MethodPost, "/-/reload", ""); status != http.StatusOK {
		t.Fatalf("a reload is answered %d", status)
	}
	if got := pages.Servers(); got.Grafana == nil || got.Grafana.Host != "grafana.example.org" || got.Prometheus[0].Host != "prometheus.example.org" {
		t.Errorf("%+v", got)
	}
}
