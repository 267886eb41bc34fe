// SPDX-License-Identifier: Apache-2.0

package promtest_test

import (
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/promql/promtest"
)

func get(t *testing.T, s *promtest.Server, path string, form url.Values) (int, string) {
	t.Helper()
	resp, err := http.Get(s.URL + path + "?" + form.Encode())
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, strings.TrimSpace(string(body))
}

func TestTheServerAnswersAsPrometheusDoes(t *testing.T) {
	s := promtest.New(t, "load 1m\na{x=\"1\"} 0+1x10\na{x=\"2\"} 5x10\n")
	s.SetRules("R")
	s.SetAlerts(promtest.Alert{Labels: map[string]string{"alertname": "R"}, State: "firing", ActiveAt: time.Unix(60, 0).UTC()})
	span := url.Values{"start": {"0"}, "end": {"120"}}
	with := func(more ...string) url.Values {
		v := url.Values{}
		for k, x := range span {
			v[k] = x
		}
		for i := 0; i < len(more); i += 2 {
			v.Add(more[i], more[i+1])
		}
		return v
	}
	for _, c := range []struct {
		path string
		form url.Values
		code int
		want string
	}{
		{"/api/v1/query", url.Values{"query": {"sum(a)"}, "time": {"60"}}, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[60,"6"]}]}}`},
		{"/api/v1/query", url.Values{"query": {"7"}, "time": {"60.5"}}, 200, `{"status":"success","data":{"resultType":"scalar","result":[60.5,"7"]}}`},
		{"/api/v1/query", url.Values{"query": {"sort(a)"}, "time": {"60"}, "limit": {"1"}}, 200, `{"status":"success","data":{"resultType":"vector","result":[{"metric":{"__name__":"a","x":"1"},"value":[60,"1"]}]},"warnings":["results truncated due to limit"]}`},
		{"/api/v1/query", url.Values{"query": {"sum("}, "time": {"60"}}, 400, `"errorType":"bad_data"`},
		{"/api/v1/query_range", with("query", "sum(a)", "step", "60"), 200, `"values":[[0,"5"],[60,"6"],[120,"7"]]`},
		{"/api/v1/query_range", with("query", "a", "step", "0.01"), 400, "11,000 points"},
		{"/api/v1/series", with("match[]", "a"), 200, `{"status":"success","data":[{"__name__":"a","x":"1"},{"__name__":"a","x":"2"}]}`},
		{"/api/v1/labels", with("match[]", "a"), 200, `["__name__","x"]`},
		{"/api/v1/label/x/values", with("match[]", "a"), 200, `["1","2"]`},
		{"/api/v1/rules", nil, 200, `"name":"R"`},
		{"/api/v1/alerts", nil, 200, `"activeAt":"1970-01-01T00:01:00Z"`},
	} {
		code, body := get(t, s, c.path, c.form)
		if code != c.code || !strings.Contains(body, c.want) {
			t.Errorf("%s %v: %d %s", c.path, c.form, code, body)
		}
	}
	if n := len(s.Requests()); n != 11 {
		t.Errorf("%d requests are remembered", n)
	}
}

func TestRequestsFailOnDemand(t *testing.T) {
	s := promtest.New(t, "load 1m\na 1x10\n")
	s.Fail("/api/v1/query a", promtest.Failure{Status: 422, Type: "execution", Text: "no"})
	if code, body := get(t, s, "/api/v1/query", url.Values{"query": {"a"}, "time": {"0"}}); code != 422 || !strings.Contains(body, `"errorType":"execution","error":"no"`) {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := get(t, s, "/api/v1/query", url.Values{"query": {"a+0"}, "time": {"0"}}); code != 200 {
		t.Errorf("another query: %d", code)
	}
}

// failing is a test that records its failure.
type failing struct {
	testing.TB
	failed bool
}

func (f *failing) Errorf(string, ...any) { f.failed = true }

func TestAnUnknownRequestFailsTheTest(t *testing.T) {
	f := &failing{TB: t}
	s := promtest.New(f, "load 1m\na 1x10\n")
	if code, _ := get(t, s, "/api/v1/targets", nil); code != 404 || !f.failed {
		t.Errorf("%d, failed %v", code, f.failed)
	}
}
