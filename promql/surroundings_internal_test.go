// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// The server answers in any order, with more series than are reported.
func TestReportedFactsIgnoreOrderOfSeries(t *testing.T) {
	var series []string
	for i := range 3 * maxFacts {
		series = append(series, fmt.Sprintf(`{"metric":{"owner":"o%02d"},"value":[0,"1"]}`, i))
	}
	r := rand.New(rand.NewPCG(1, 2))
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		r.Shuffle(len(series), func(i, j int) { series[i], series[j] = series[j], series[i] })
		fmt.Fprintf(w, `{"status":"success","data":{"resultType":"vector","result":[%s]}}`, strings.Join(series, ","))
	}))
	t.Cleanup(s.Close)
	var u config.URL
	if err := u.UnmarshalText([]byte(s.URL)); err != nil {
		t.Fatal(err)
	}
	var first []model.LabelSet
	for range 3 {
		f, err := NewFetcher(config.Prometheus{URL: &u}, nil)
		if err != nil {
			t.Fatal(err)
		}
		told, err := f.labelSets(t.Context(), "owners", time.Unix(60, 0))
		if err != nil || len(told) != maxFacts {
			t.Fatalf("%d, %v", len(told), err)
		}
		if first == nil {
			first = told
		}
		if !slices.EqualFunc(first, told, model.LabelSet.Equal) {
			t.Errorf("%v, and then %v", first, told)
		}
	}
}
