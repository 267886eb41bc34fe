// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/grafana"
)

// recordedGrafana replays answers of Grafana 9.3.2 to searches of annotations, and records the
// requests.
func recordedGrafana(t *testing.T, asked *url.Values) config.Grafana {
	t.Helper()
	file, err := os.ReadFile("../sink/testdata/grafana-9.3.2.json")
	if err != nil {
		t.Fatal(err)
	}
	var recorded map[string]struct{ Response json.RawMessage }
	if err := json.Unmarshal(file, &recorded); err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet || r.URL.Path != "/api/annotations" {
			t.Errorf("nobody expected %s %s", r.Method, r.URL)
		}
		*asked = r.URL.Query()
		_, _ = w.Write(recorded["found"].Response)
	}))
	t.Cleanup(s.Close)
	var conf config.Grafana
	if err := yaml.Unmarshal([]byte("url: "+s.URL), &conf); err != nil {
		t.Fatal(err)
	}
	return conf
}

func TestAnnotationsOfGrafanaAreChanges(t *testing.T) {
	var asked url.Values
	conf := recordedGrafana(t, &asked)
	for name, c := range map[string]struct {
		choice config.GrafanaChanges
		want   []string
	}{
		"all":            {config.GrafanaChanges{}, []string{"dashboard, no panel", "region", "org-wide: HighErrorRatio", "dashboard, no panel", "region", "patched text only"}},
		"by tag":         {config.GrafanaChanges{Tags: []string{"dash", "other"}}, []string{"dashboard, no panel", "dashboard, no panel"}},
		"on a dashboard": {config.GrafanaChanges{Dashboards: []string{"svc-checkout"}}, []string{"dashboard, no panel", "region", "dashboard, no panel", "region"}},
		"on another":     {config.GrafanaChanges{Dashboards: []string{"svc-cart"}}, nil},
	} {
		g, err := NewGrafana(conf, c.choice)
		if err != nil {
			t.Fatal(err)
		}
		list, err := g.Read(t.Context(), noon, noon.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, c := range list {
			got = append(got, c.Title)
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if asked.Get("from") == "" || asked.Get("to") == "" || asked.Get("type") != "annotation" || len(asked["tags"]) != len(c.choice.Tags) {
			t.Errorf("%s: asked %v", name, asked)
		}
	}
}

func TestAnAnnotationTellsWhereAndWhen(t *testing.T) {
	var asked url.Values
	g, err := NewGrafana(recordedGrafana(t, &asked), config.GrafanaChanges{})
	if err != nil {
		t.Fatal(err)
	}
	a := grafana.Annotation{
		Ref: "7", DashboardUID: "svc-checkout", Time: noon.UnixMilli(), TimeEnd: noon.Add(time.Minute).UnixMilli(),
		Tags: []string{"deploy", "service:checkout", "version=v42", "https://x", "a b:c"}, Text: "<b>checkout</b> v42 &amp; more\n<script>x</script>",
	}
	got := g.change(a)
	if got.Title != "checkout v42 & more" || !got.At.Equal(noon) || !got.Until.Equal(noon.Add(time.Minute)) {
		t.Errorf("%+v", got)
	}
	if diff := cmp.Diff(map[string]string{"service": "checkout", "version": "v42", "https": "//x"}, got.Labels); diff != "" {
		t.Error(diff)
	}
	if want := g.base.String() + "/d/svc-checkout?from=1795952700000&to=1795954560000"; got.URL != want {
		t.Errorf("%s, want %s", got.URL, want)
	}
	for name, no := range map[string]func(*grafana.Annotation){
		"of culprit":       func(a *grafana.Annotation) { a.Tags = append(a.Tags, "culprit") },
		"of an alert rule": func(a *grafana.Annotation) { a.OfAlert = true },
	} {
		other := a
		if no(&other); g.chosen(other) {
			t.Errorf("an annotation %s is taken for a change", name)
		}
	}
}

// Grafana is polled, and each of its changes counts once.
func TestAnAnnotationReadTwiceIsStoredOnce(t *testing.T) {
	var asked url.Values
	g, err := NewGrafana(recordedGrafana(t, &asked), config.GrafanaChanges{})
	if err != nil {
		t.Fatal(err)
	}
	b := bookOn(t, brokerOf(t, t.TempDir()), 0)
	b.opt.Now = func() time.Time { return time.UnixMilli(1795322752957) }
	for range 2 {
		if err := b.readGrafana(t.Context(), g); err != nil {
			t.Fatal(err)
		}
		if n := len(titles(t, b, Filter{})); n != 6 {
			t.Errorf("%d changes are kept", n)
		}
	}
	for outcome, want := range map[Outcome]float64{Added: 6, Known: 0} {
		if n := testutil.ToFloat64(b.metrics.changes.WithLabelValues(string(outcome))); n != want {
			t.Errorf("%v are counted as %s", n, outcome)
		}
	}
}

// A change has the same ID through both of Grafana's APIs: an upgrade duplicates nothing.
func TestAnUpgradeOfGrafanaTellsNoChangeTwice(t *testing.T) {
	server, err := lab.StartGrafana(lab.GrafanaOptions{})
	if err != nil {
		t.Fatal(err)
	}
	defer server.Close()
	var conf config.Grafana
	if err := yaml.Unmarshal([]byte("url: "+server.URL()), &conf); err != nil {
		t.Fatal(err)
	}
	made, err := grafana.New(conf)
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range []string{"deploy", ownTag} {
		if _, err := made.Create(t.Context(), grafana.Annotation{Time: noon.UnixMilli(), TimeEnd: noon.UnixMilli(), Tags: []string{tag, "service:checkout"}, Text: "checkout v42"}); err != nil {
			t.Fatal(err)
		}
	}
	g, err := NewGrafana(conf, config.GrafanaChanges{Tags: []string{"deploy"}})
	if err != nil {
		t.Fatal(err)
	}
	var told [][]Change
	for _, api := range []string{lab.LegacyAPI, lab.AppsAPI} {
		server.Serve(api)
		list, err := g.Read(t.Context(), noon.Add(-time.Hour), noon.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		told = append(told, list)
	}
	if len(told[0]) != 1 || told[0][0].Labels["service"] != "checkout" || !told[0][0].Until.IsZero() {
		t.Errorf("%+v", told[0])
	}
	if diff := cmp.Diff(told[0], told[1]); diff != "" {
		t.Error(diff)
	}
}
