// SPDX-License-Identifier: Apache-2.0

package lab_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strconv"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/storage"

	"github.com/culprit-dev/culprit/examples/lab"
)

// noon is a full hour at which tests can run every day.
func noon() time.Time { return time.Now().Truncate(24 * time.Hour).Add(-12 * time.Hour) }

// history starts a Prometheus that has watched a shop from one time to another.
func history(t *testing.T, shop *lab.Shop, from, to time.Time) *lab.Prometheus {
	t.Helper()
	return startPrometheus(t, lab.PrometheusOptions{History: func(ctx context.Context, db storage.Appendable) error {
		return shop.Backfill(ctx, db, from, to, 15*time.Second)
	}})
}

// value queries a single number.
func value(t *testing.T, p *lab.Prometheus, at time.Time, query string, args ...any) float64 {
	t.Helper()
	var result struct{ Result []struct{ Value [2]any } }
	q := fmt.Sprintf(query, args...)
	text := data(t, p, "/api/v1/query", url.Values{"query": {q}, "time": {strconv.FormatInt(at.Unix(), 10)}})
	if err := json.Unmarshal([]byte(text), &result); err != nil {
		t.Fatal(err)
	}
	if len(result.Result) != 1 {
		t.Fatalf("%s has %d values, want one", q, len(result.Result))
	}
	v, err := strconv.ParseFloat(result.Result[0].Value[1].(string), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

const errorRatio = `sum(rate(http_requests_total{%[1]s,code=~"5.."}[5m])) / sum(rate(http_requests_total{%[1]s}[5m]))`

func TestAShopThatIsWholeIsRealistic(t *testing.T) {
	end := noon()
	p := history(t, lab.NewShop(7), end.Add(-24*time.Hour), end)
	biggest := value(t, p, end, `max(sum by (path) (rate(http_requests_total[1h])))`)
	smallest := value(t, p, end, `min(sum by (path) (rate(http_requests_total[1h])))`)
	if biggest < 500*smallest {
		t.Errorf("paths carry %.3g to %.3g requests a second, want almost three magnitudes", smallest, biggest)
	}
	day := value(t, p, end, `max_over_time(sum(rate(http_requests_total[5m]))[1d:5m]) / min_over_time(sum(rate(http_requests_total[5m]))[1d:5m])`)
	if day < 1.5 || day > 6 {
		t.Errorf("the best hour has %.2f times the traffic of the worst, want a rhythm", day)
	}
	if fractions := value(t, p, end, `sum(http_requests_total - floor(http_requests_total))`); fractions != 0 {
		t.Errorf("counters count parts of requests: %v", fractions)
	}
	if resets := value(t, p, end, `sum(resets({__name__=~".+_total"}[1d]))`); resets != 0 {
		t.Errorf("%v counters went backwards", resets)
	}
	worst := value(t, p, end, `max_over_time(max(sum by (service) (rate(http_requests_total{code=~"5.."}[2m])) / sum by (service) (rate(http_requests_total[2m])))[23h:1m])`)
	if worst > 0.02 {
		t.Errorf("a whole shop has an error ratio of %.3f somewhere, above the 0.02 of its alert", worst)
	}
}

func TestASpikeIsWhereItsTruthSaysAndNowhereElse(t *testing.T) {
	end := noon()
	shop := lab.NewShop(7)
	fault, err := shop.Inject(lab.Fault{Kind: lab.Spike, Start: end.Add(-10 * time.Minute), Lead: 2 * time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	p := history(t, shop, end.Add(-time.Hour), end)
	truth := fault.Truth()
	place := fmt.Sprintf(`path=%q,version=%q`, truth.Labels["path"], truth.Labels["version"])
	if r := value(t, p, end, errorRatio, place); r < 0.5 {
		t.Errorf("the place has an error ratio of %.3f, want most", r)
	}
	for _, innocent := range []string{
		`service="checkout",version="v2.3.1"`, `service="checkout",path!="/api/checkout/pay"`, `service="payment"`, `service="catalog"`,
	} {
		if r := value(t, p, end, errorRatio, innocent); r > 0.02 {
			t.Errorf("%s has an error ratio of %.3f", innocent, r)
		}
	}
	before, lead := fault.Start.Add(-3*time.Minute), fault.Start.Add(-30*time.Second)
	if was, is := value(t, p, before, `sum(db_connections_in_use{service="payment"})`), value(t, p, lead, `sum(db_connections_in_use{service="payment"})`); is < 3*was {
		t.Errorf("the connections of payment go from %v to %v before the errors, want them to move first", was, is)
	}
	if was, is := value(t, p, before, `sum(db_connections_in_use{service!="payment"})`), value(t, p, end, `sum(db_connections_in_use{service!="payment"})`); is > 2*was {
		t.Errorf("the connections of the others go from %v to %v", was, is)
	}
	if r := value(t, p, lead, errorRatio, `service="checkout"`); r > 0.02 {
		t.Errorf("errors before the start: %.3f", r)
	}
}

func TestADropIsInItsRegionAndEndsWhenItIsHealed(t *testing.T) {
	end := noon()
	shop := lab.NewShop(7)
	fault, err := shop.Inject(lab.Fault{Kind: lab.Drop, Start: end.Add(-20 * time.Minute), Lead: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	healed := end.Add(-10 * time.Minute)
	shop.Heal(healed)
	p := history(t, shop, end.Add(-time.Hour), end)
	region := fault.Truth().Labels["region"]
	fall := func(at time.Time, matcher string) float64 {
		const q = `sum(rate(orders_total{%[1]s}[5m])) / sum(rate(orders_total{%[1]s}[5m] offset 20m))`
		return value(t, p, at, q, matcher)
	}
	if f := fall(healed, fmt.Sprintf("region=%q", region)); f > 0.3 {
		t.Errorf("orders of %s fall to %.2f, want a tenth", region, f)
	}
	if f := fall(healed, fmt.Sprintf("region!=%q", region)); f < 0.7 {
		t.Errorf("orders elsewhere fall to %.2f", f)
	}
	if f := fall(healed, ""); f > 0.75 {
		t.Errorf("all orders fall to %.2f only: the busiest region should show in the total", f)
	}
	if f := value(t, p, end, `sum(rate(orders_total{region=%q}[5m])) / sum(rate(orders_total{region=%[1]q}[5m] offset 25m))`, region); f < 0.7 {
		t.Errorf("healed orders are at %.2f", f)
	}
}

func TestTheSameSeedMakesTheSameShop(t *testing.T) {
	end := noon()
	count := func(seed uint64) float64 {
		p := history(t, lab.NewShop(seed), end.Add(-time.Hour), end)
		return value(t, p, end, `sum(http_requests_total)`)
	}
	if a, b := count(1), count(1); a != b {
		t.Errorf("seed 1 made %v requests, then %v", a, b)
	}
	if a, b := count(1), count(2); a == b {
		t.Errorf("seeds 1 and 2 both made %v requests", a)
	}
}

func TestAFaultOfAnUnknownKindIsRefused(t *testing.T) {
	if _, err := lab.NewShop(1).Inject(lab.Fault{Kind: "flood"}); err == nil {
		t.Error("no error")
	}
}

func TestTheShopCanBeScraped(t *testing.T) {
	shop := lab.NewShop(1)
	w := httptest.NewRecorder()
	shop.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	format := expfmt.ResponseFormat(w.Result().Header)
	if format.FormatType() != expfmt.TypeTextPlain {
		t.Errorf("the content type is %s", format)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(w.Body.Bytes()))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"http_requests_total", "db_connections_in_use", "orders_total", "queue_depth"} {
		if families[name] == nil {
			t.Errorf("%s is not exposed", name)
		}
	}
}

func TestALiveShopWritesUntilItIsStopped(t *testing.T) {
	p := startPrometheus(t, lab.PrometheusOptions{})
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	if err := lab.NewShop(1).Run(ctx, p, 100*time.Millisecond); err != nil {
		t.Fatal(err)
	}
	if n := value(t, p, time.Now().Add(time.Second), `max(count_over_time(queue_depth[1m]))`); n < 2 || n > 5 {
		t.Errorf("%v samples in half a second at ten a second", n)
	}
}
