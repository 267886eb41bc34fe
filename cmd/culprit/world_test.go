// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/promql/promtest"
)

// The story of the shop, in Unix seconds: /pay on version v2 begins to fail
// when its database runs out of connections.
const (
	shopBroken = 10800
	shopFiring = 10860
	shopEnd    = 11100
)

// errorRule is the alerting rule of the shop.
const errorRule = `{"type":"alerting","name":"ErrorsHigh","state":"firing","health":"ok","duration":60,"labels":{"severity":"page"},
 "query":"sum by (service) (rate(errors_total[1m])) / sum by (service) (rate(requests_total[1m])) > 0.05",
 "alerts":[{"labels":{"alertname":"ErrorsHigh","service":"shop","severity":"page"},"annotations":{"summary":"errors"},"state":"firing","activeAt":"1970-01-01T03:00:00Z","value":"0.1"}]}`

// shopScript is three healthy hours of a shop and five broken minutes, as a promqltest script.
func shopScript() string {
	var b strings.Builder
	b.WriteString("load 15s\n")
	series := func(name string, value func(i int) float64) {
		b.WriteString(name)
		for i := 0; i <= shopEnd/15; i++ {
			if v := value(i); v >= 0 {
				b.WriteString(" " + strconv.FormatFloat(v, 'g', 10, 64))
			} else {
				b.WriteString(" _")
			}
		}
		b.WriteString("\n")
	}
	for k, path := range []string{"/cart", "/pay", "/search"} {
		for _, version := range []string{"v1", "v2"} {
			requests, errors := 0.0, 0.0
			labels := fmt.Sprintf(`{service="shop",path=%q,version=%q}`, path, version)
			series("requests_total"+labels, func(i int) float64 { requests += traffic(i, k); return requests })
			series("errors_total"+labels, func(i int) float64 {
				share := .01
				if i*15 > shopBroken && path == "/pay" && version == "v2" {
					share = .4
				}
				errors += traffic(i, k) * share
				return errors
			})
		}
	}
	for k, service := range []string{"shop", "mail", "stock"} {
		series(fmt.Sprintf("db_connections{service=%q}", service), func(i int) float64 {
			if service == "shop" && i*15 > shopBroken-30 {
				return 90
			}
			return 10 + float64((i*(3+k))%4)
		})
	}
	since := func(at int, v float64) func(i int) float64 {
		return func(i int) float64 {
			if i*15 < at {
				return -1
			}
			return v
		}
	}
	series(`ALERTS_FOR_STATE{alertname="ErrorsHigh",service="shop",severity="page"}`, since(shopBroken, shopBroken))
	series(`ALERTS{alertname="ErrorsHigh",service="shop",severity="page",alertstate="firing"}`, since(shopFiring, 1))
	return b.String()
}

// traffic is the number of requests in 15 s, with some noise.
func traffic(i, k int) float64 { return 300 + float64((i*7+k*5)%40) }

// startShop starts a Prometheus with the shop in it, and rules as the JSON of
// /api/v1/rules.
func startShop(t testing.TB, rules ...string) string {
	t.Helper()
	return withRules(t, promtest.New(t, shopScript()), rules...)
}

// withRules puts rules into a Prometheus.
func withRules(t testing.TB, s *promtest.Server, rules ...string) string {
	t.Helper()
	target, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	proxy := httputil.NewSingleHostReverseProxy(target)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/api/v1/rules" {
			proxy.ServeHTTP(w, r)
			return
		}
		fmt.Fprintf(w, `{"status":"success","data":{"groups":[{"name":"shop","file":"shop.yml","interval":15,"rules":[%s]}]}}`, strings.Join(rules, ","))
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// startShopNow is startShop for queries about now, which it answers for the last moment of the
// shop.
func startShopNow(t testing.TB, rules ...string) string {
	t.Helper()
	shop := startShop(t, rules...)
	front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := r.ParseForm(); err != nil {
			t.Error(err)
		}
		for _, name := range []string{"time", "start", "end"} {
			if at, err := strconv.ParseFloat(r.Form.Get(name), 64); err == nil {
				r.Form.Set(name, strconv.FormatFloat(at-float64(time.Now().Unix()-shopEnd), 'f', 3, 64))
			}
		}
		resp, err := http.Get(shop + r.URL.Path + "?" + r.Form.Encode())
		if err != nil {
			t.Error(err)
			return
		}
		defer func() { _ = resp.Body.Close() }()
		w.WriteHeader(resp.StatusCode)
		_, _ = io.Copy(w, resp.Body) // the client may be gone
	}))
	t.Cleanup(front.Close)
	return front.URL
}

// call is one run of the command line.
type call struct {
	code     int
	out, err string
}

func culprit(t testing.TB, args ...string) call {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), args, streams{strings.NewReader(""), &out, &errs})
	return call{code, out.String(), errs.String()}
}

// into decodes the output.
func (c call) into(t testing.TB, v any) {
	t.Helper()
	if c.code != 0 {
		t.Fatalf("exit %d: %s", c.code, c.err)
	}
	if err := json.Unmarshal([]byte(c.out), v); err != nil {
		t.Fatalf("%v in %s", err, c.out)
	}
}

// golden compares text with a file of testdata. UPDATE=1 writes the file.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name)
	if os.Getenv("UPDATE") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("%s (-want +got):\n%s", name, d)
	}
}

func write(t testing.TB, name, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}
