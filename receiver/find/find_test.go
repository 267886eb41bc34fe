// SPDX-License-Identifier: Apache-2.0

package find_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/promtest"
	"github.com/culprit-dev/culprit/receiver/find"
)

// history is an hour in which Errors fires twice for the shop, once restored after a restart, and
// once for the mail, after being pending.
const history = `load 1m
ALERTS_FOR_STATE{alertname="Errors",service="shop"} _x9 600x10 stale _x9 1800x5 1740x5
ALERTS{alertname="Errors",service="shop",alertstate="pending"} _x9 1x1
ALERTS{alertname="Errors",service="shop",alertstate="firing"} _x11 1x8 stale _x10 1x10
ALERTS_FOR_STATE{alertname="Errors",service="mail"} _x19 1200x30
ALERTS{alertname="Errors",service="mail",alertstate="pending"} _x19 1x30
value{service="shop"} 1x40
value{service="mail"} 1x29 7x10
`

const rules = `{"type":"alerting","name":"Errors","query":"value > 0","duration":120,"labels":{"severity":"page"},"health":"ok","state":"inactive"},
 {"type":"alerting","name":"Errors","query":"value > 5","duration":60,"labels":{},"health":"ok","state":"firing","alerts":[
  {"labels":{"alertname":"Errors","service":"b"},"state":"pending","activeAt":"1970-01-01T00:10:00Z"},
  {"labels":{"alertname":"Errors","service":"c"},"state":"firing","activeAt":"1970-01-01T00:20:00Z","annotations":{"summary":"c"}},
  {"labels":{"alertname":"Errors","service":"d"},"state":"firing","activeAt":"1970-01-01T00:15:00Z"}]}`

func newFinder(t *testing.T, rules string) *find.Finder {
	t.Helper()
	s := promtest.New(t, history)
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
		fmt.Fprintf(w, `{"status":"success","data":{"groups":[{"name":"g","file":"f","interval":15,"rules":[%s]}]}}`, rules)
	}))
	t.Cleanup(front.Close)
	cfg, err := config.Parse("test", []byte("prometheus: {url: "+front.URL+"}"))
	if err != nil {
		t.Fatal(err)
	}
	f, err := find.New(cfg.Prometheus[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Close)
	return f
}

func at(seconds int64) time.Time { return time.Unix(seconds, 0).UTC() }

func services(as []find.Alert) string {
	var names []string
	for _, a := range as {
		names = append(names, string(a.Labels["service"]))
	}
	return strings.Join(names, " ")
}

func TestFiringAlertsComeBeforePendingOnes(t *testing.T) {
	found, err := newFinder(t, rules).Firing(t.Context(), nil, at(2400))
	if err != nil || services(found) != "d c b" {
		t.Fatalf("%s %v", services(found), err)
	}
	c := found[1]
	if !c.StartsAt.Equal(at(1260)) || !c.Onset.Equal(at(1200)) || c.Annotations["summary"] != "c" {
		t.Errorf("%+v", c)
	}
	if expr := expressionOf(t, c); expr != "value > 5" {
		t.Errorf("its expression is %q", expr)
	}
	if !found[2].Pending || !found[2].StartsAt.Equal(at(600)) {
		t.Errorf("%+v", found[2])
	}
}

func expressionOf(t *testing.T, a find.Alert) string {
	t.Helper()
	u, err := url.Parse(a.GeneratorURL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("g0.expr")
}

func TestWithoutRulesTheAlertsAreThoseThatAreRemembered(t *testing.T) {
	found, err := newFinder(t, "").Firing(t.Context(), nil, at(2400))
	if err != nil || services(found) != "shop" {
		t.Fatalf("%s %v", services(found), err)
	}
	if a := found[0]; a.GeneratorURL != "" || !a.Onset.Equal(at(1740)) || a.Labels["alertstate"] != "" {
		t.Errorf("%+v", a)
	}
}

func TestAlertsOfThePast(t *testing.T) {
	found, err := newFinder(t, rules).At(t.Context(), nil, at(720))
	if err != nil || services(found) != "shop" {
		t.Fatalf("%s %v", services(found), err)
	}
	if a := found[0]; !a.Onset.Equal(at(600)) || expressionOf(t, a) != "value > 5" {
		t.Errorf("%+v", a)
	}
}

func TestEachTimeThatAnAlertFiredCounts(t *testing.T) {
	found, err := newFinder(t, rules).Between(t.Context(), nil, at(0), at(2400), time.Minute)
	if err != nil || len(found) != 2 {
		t.Fatalf("%+v %v", found, err)
	}
	for i, want := range []struct{ onset, starts, last int64 }{{600, 660, 1140}, {1800, 1860, 2400}} {
		a := found[i]
		if !a.Onset.Equal(at(want.onset)) || !a.StartsAt.Equal(at(want.starts)) || !a.Last.Equal(at(want.last)) {
			t.Errorf("%d: %s %s %s", i, a.Onset, a.StartsAt, a.Last)
		}
	}
}

func TestLabelsMayBeThoseOfAlertmanagerOrFewer(t *testing.T) {
	f := newFinder(t, rules)
	for _, c := range []struct {
		labels model.LabelSet
		want   string
	}{
		{model.LabelSet{"alertname": "Errors", "service": "c", "replica": "A"}, "c"},
		{model.LabelSet{"alertname": "Errors", "service": "b"}, "b"},
		{model.LabelSet{"alertname": "Errors"}, "d"},
		{model.LabelSet{"alertname": "Errors", "service": "z"}, ""},
		{model.LabelSet{"service": "c"}, "c"},
	} {
		s, err := f.Resolve(t.Context(), find.Ask{Labels: c.labels}, at(2400))
		if string(s.Alert.Labels["service"]) != c.want || (c.want == "") != errors.Is(err, find.ErrNotFound) {
			t.Errorf("%s: %s %v", c.labels, s.Alert.Labels, err)
		}
	}
}

func TestAnExpressionBeginsWithItsValues(t *testing.T) {
	f := newFinder(t, "")
	s, err := f.Resolve(t.Context(), find.Ask{Expr: "value > 5"}, at(2400))
	if err != nil || s.Alert.Labels["service"] != "mail" || !s.Onset.Equal(at(1800)) {
		t.Errorf("%s %s %v", s.Alert.Labels, s.Onset, err)
	}
	s, err = f.Resolve(t.Context(), find.Ask{Expr: "value"}, at(2400))
	if err != nil || len(s.Alert.Labels) != 0 || !s.Onset.Equal(at(2100)) {
		t.Errorf("%s %s %v", s.Alert.Labels, s.Onset, err)
	}
}

func TestAMissingAlertIsAnsweredWithThoseThatExist(t *testing.T) {
	f := newFinder(t, rules)
	for _, c := range []struct {
		ask  find.Ask
		want []string
	}{
		{find.Ask{Matchers: matchers(t, "Nope")}, []string{"active are: Errors;", "hint: give a time (at)"}},
		{find.Ask{Matchers: matchers(t, "Erors")}, []string{"active are: Errors;", `hint: did you mean "Errors"? Else give a time (at)`}},
		{find.Ask{Matchers: matchers(t, "Erors"), At: at(60)}, []string{`hint: did you mean "Errors"? Else give an end (until)`}},
		{find.Ask{Matchers: matchers(t, "Erors"), At: at(60), Until: at(120)}, []string{`hint: did you mean "Errors"? Else give the expression (expr)`}},
		{find.Ask{Matchers: matchers(t, "Errors", `service="z"`)}, []string{`{alertname="Errors", service="d"}, {alertname="Errors", service="c"}`}},
		{find.Ask{Matchers: matchers(t, "Errors"), At: at(60)}, []string{"firing at 1970-01-01T00:01:00Z", "hint: give an end (until)"}},
		{find.Ask{Matchers: matchers(t, "Errors"), At: at(60), Until: at(9999)}, []string{"1970-01-01T02:46:39Z is in the future"}},
		{find.Ask{Expr: "value", Until: at(60)}, []string{"ends at 1970-01-01T00:01:00Z", "hint: say when it begins (at)"}},
	} {
		_, err := f.Resolve(t.Context(), c.ask, at(2400))
		for _, want := range c.want {
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%+v: %v; it should say %s", c.ask, err, want)
			}
		}
	}
}

func matchers(t *testing.T, words ...string) labels.Matchers {
	t.Helper()
	ms, err := find.Matchers(words)
	if err != nil {
		t.Fatal(err)
	}
	return ms
}

// A hanging server costs one timeout, not one per kind of query.
func TestAServerThatDoesNotAnswerIsNamedAtOnce(t *testing.T) {
	var asked atomic.Int32
	hangs := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		<-r.Context().Done()
	}))
	t.Cleanup(hangs.Close)
	for address, want := range map[string]string{
		"http://127.0.0.1:1": "Prometheus at http://127.0.0.1:1 does not answer: dial tcp 127.0.0.1:1: connect: connection refused; hint: is it up",
		hangs.URL:            "Prometheus at " + hangs.URL + " does not answer: nothing came within 100ms",
	} {
		cfg, err := config.Parse("test", []byte("prometheus: {url: "+address+", query_timeout: 100ms}"))
		if err != nil {
			t.Fatal(err)
		}
		f, err := find.New(cfg.Prometheus[0])
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		_, err = f.Resolve(t.Context(), find.Ask{Matchers: matchers(t, "Errors")}, at(2400))
		if !errors.Is(err, find.ErrUnreachable) || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%v", err)
		}
		if _, err := f.Between(t.Context(), nil, at(0), at(60), time.Minute); !errors.Is(err, find.ErrUnreachable) {
			t.Errorf("%v", err)
		}
	}
	if n := asked.Load(); n != 2 {
		t.Errorf("two questions were asked in %d ways", n)
	}
}

func TestAlertsHaveNoNullInTheirJSON(t *testing.T) {
	f := newFinder(t, rules)
	for _, ask := range []find.Ask{
		{Matchers: matchers(t, "Errors")},
		{Matchers: matchers(t, "Errors"), At: at(720)},
		{Matchers: matchers(t, "Errors"), At: at(60), Until: at(120)},
		{Expr: "value > 5"},
		{Expr: "value"},
	} {
		s, err := f.Resolve(t.Context(), ask, at(2400))
		if err != nil {
			t.Fatal(err)
		}
		if text, err := json.Marshal(s.Alert); err != nil || strings.Contains(string(text), "null") {
			t.Errorf("%+v: %s %v", ask, text, err)
		}
	}
}

func TestTimes(t *testing.T) {
	now := at(1e9)
	for text, want := range map[string]int64{"": -62135596800, "600": 600, "10m": 1e9 - 600, "-1d": 1e9 - 86400, "1970-01-01T01:00:00+01:00": 0} {
		got, err := find.Time(text, now)
		if err != nil || got.Unix() != want {
			t.Errorf("%q: %s %v", text, got, err)
		}
	}
	for _, text := range []string{"NaN", "1e300", "noon", "10 m"} {
		if got, err := find.Time(text, now); !errors.Is(err, find.ErrUnclear) {
			t.Errorf("%q: %s %v", text, got, err)
		}
	}
}

// FuzzMatchers: whatever a person types becomes a question about just that, or an error.
func FuzzMatchers(f *testing.F) {
	for _, s := range []string{"Errors", `a="b"`, `a=~"b|c"`, `{a="b",c!="d"}`, `a="\""`, "a=\xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		ms, err := find.Matchers([]string{word})
		if err != nil && !errors.Is(err, find.ErrUnclear) {
			t.Errorf("%q: %v", word, err)
		}
		if err == nil && !strings.ContainsAny(word, "=~{") && !ms.Matches(model.LabelSet{"alertname": model.LabelValue(word)}) {
			t.Errorf("%q is no name of its own alert", word)
		}
	})
}
