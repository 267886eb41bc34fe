// SPDX-License-Identifier: Apache-2.0

package promapi_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/promql/promtest"
)

// answer is the result of a search for series, names or values.
type answer struct {
	Status   string            `json:"status"`
	Data     []json.RawMessage `json:"data"`
	Warnings []string          `json:"warnings"`
}

func (a answer) list() []string {
	var list []string
	for _, d := range a.Data {
		list = append(list, string(d))
	}
	return list
}

func ask(t *testing.T, s *promtest.Server, path string, form url.Values) answer {
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
	var a answer
	if err := json.Unmarshal(body, &a); err != nil || a.Data == nil && a.Status != "error" {
		t.Fatalf("%s %v: %s (%v)", path, form, body, err)
	}
	return a
}

// Series, names and values are searched alike: two selectors find the union, a limit truncates
// the list and says so, and nothing outside of the time range is found.
func TestSearchesBehaveAlike(t *testing.T) {
	s := promtest.New(t, `load 1m
a{x="1",y="1"} 1x10
a{x="2",z="1"} 1x10
b{x="2"} 1x10
b{x="3",w="1"} 1x10
`)
	for _, path := range []string{"/api/v1/series", "/api/v1/labels", "/api/v1/label/x/values"} {
		of := func(limit string, selectors ...string) answer {
			form := url.Values{"match[]": selectors, "start": {"0"}, "end": {"600"}}
			if limit != "" {
				form.Set("limit", limit)
			}
			return ask(t, s, path, form)
		}
		all := of("", "a", "b").list()
		each := slices.Concat(of("", "a").list(), of("", "b").list())
		slices.Sort(each)
		if sorted := slices.Sorted(slices.Values(all)); !slices.Equal(sorted, slices.Compact(each)) {
			t.Errorf("%s: together %v, one by one %v", path, all, each)
		}
		if again := of("", "a", "a", "b").list(); !slices.Equal(again, all) {
			t.Errorf("%s: %v with a selector twice, %v with it once", path, again, all)
		}
		for n := range len(all) + 2 {
			got, want, cut := of(fmt.Sprint(n), "a", "b"), all, n > 0 && n < len(all)
			if cut {
				want = all[:n]
			}
			if !slices.Equal(got.list(), want) || cut != strings.Contains(strings.Join(got.Warnings, ""), "truncated") {
				t.Errorf("%s, at most %d of %v: %v, warnings %v", path, n, all, got.list(), got.Warnings)
			}
		}
		if later := ask(t, s, path, url.Values{"match[]": {"a"}, "start": {"9000"}, "end": {"9600"}}); len(later.Data) > 0 {
			t.Errorf("%s: %v long after the last sample", path, later.list())
		}
		for _, wrong := range []url.Values{{"match[]": {"a{"}}, {"match[]": {"a"}, "limit": {"-1"}}, {"match[]": {"a"}, "start": {"soon"}}} {
			if a := ask(t, s, path, wrong); a.Status != "error" {
				t.Errorf("%s %v: %v, want an error", path, wrong, a.list())
			}
		}
	}
	if a := ask(t, s, "/api/v1/series", url.Values{}); a.Status != "error" {
		t.Errorf("series without a selector: %v, want an error", a.list())
	}
	if a := ask(t, s, "/api/v1/labels", url.Values{}); len(a.Data) != 5 {
		t.Errorf("names without a selector: %v, want all five", a.list())
	}
}
