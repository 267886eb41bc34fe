// SPDX-License-Identifier: Apache-2.0

package alertmanager

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/sink/remote"
)

func connect(t *testing.T, address string) *Client {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	c, err := New(config.Alertmanager{URL: config.NewURL(u)}, Options{})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// real starts the real Alertmanager and returns a client of it.
func real(t *testing.T) *Client {
	t.Helper()
	am, err := lab.StartAlertmanager(lab.AlertmanagerOptions{Config: `
global: {resolve_timeout: 90s}
route:
  receiver: people
  group_by: [alertname]
  routes: [{receiver: culprit, group_by: [service], continue: true}, {receiver: people}]
receivers: [{name: people}, {name: culprit}]`})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { am.Close() })
	return connect(t, am.URL())
}

func post(t *testing.T, c *Client, alerts ...map[string]any) {
	t.Helper()
	raw := make([]json.RawMessage, len(alerts))
	for i, a := range alerts {
		raw[i], _ = json.Marshal(a)
	}
	if err := c.PostAlerts(t.Context(), raw...); err != nil {
		t.Fatal(err)
	}
}

// replay serves recorded answers of one version of the real program.
func replay(t *testing.T, version string) *Client {
	t.Helper()
	files := map[string]string{
		"/api/v2/alerts": "alerts.json", "/api/v2/alerts/groups": "groups.json", "/api/v2/status": "status.json",
	}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		file, ok := files[r.URL.Path]
		if strings.HasPrefix(r.URL.Path, "/api/v2/silence/") {
			file, ok = "silence.json", true
		}
		if !ok {
			t.Errorf("nobody has recorded %s", r.URL)
		}
		http.ServeFile(w, r, filepath.Join("testdata", version, file))
	}))
	t.Cleanup(s.Close)
	return connect(t, s.URL)
}

func TestTheAnswersOfEveryVersionAreRead(t *testing.T) {
	for version, start := range map[string]string{"0.25.0": "04:35:37.272", "0.28.1": "05:41:20.515", "0.33.1": "05:34:14.543", "0.34.2": "04:46:57.367"} {
		t.Run(version, func(t *testing.T) {
			c := replay(t, version)
			alerts, err := c.Alerts(t.Context(), Filter{})
			if err != nil || len(alerts) != 2 {
				t.Fatalf("%d alerts, %v", len(alerts), err)
			}
			a := alerts[0]
			if a.Labels["service"] != "cart" || a.Labels.Fingerprint().String() != a.Fingerprint ||
				a.Annotations["summary"] != "Error ratio of cart is 12%" || a.State != AlertActive ||
				len(a.SilencedBy) != 0 || a.Receivers[0] != "hook" || a.EndsAt.Sub(a.StartsAt) != 80*time.Second ||
				!strings.HasSuffix(a.GeneratorURL, "g0.tab=1") || a.StartsAt.Format("15:04:05.000") != start || a.UpdatedAt.Before(a.StartsAt) {
				t.Errorf("the first alert is %s %v", a.Repost(a.Annotations, time.Time{}), a.UpdatedAt)
			}
			groups, err := c.Groups(t.Context(), Filter{})
			if err != nil || len(groups) != 1 || groups[0].Labels["alertname"] != "HighErrorRatio" ||
				groups[0].Receiver.Name != "hook" || len(groups[0].Alerts) != 2 {
				t.Errorf("groups %+v, %v", groups, err)
			}
			status, err := c.Status(t.Context())
			if err != nil || !strings.HasPrefix(status.Version, version) || status.ResolveTimeout != 5*time.Minute {
				t.Errorf("status %+v, %v", status, err)
			}
			s, err := c.Silence(t.Context(), "any")
			if err != nil || s.State != SilenceActive || s.Comment != "first" || s.CreatedBy != "e2e" || len(s.Matchers) != 2 ||
				s.Matchers[1] != (Matcher{Name: "service", Value: "search", IsEqual: true}) || s.EndsAt.Sub(s.StartsAt).Round(time.Minute) != 10*time.Minute {
				t.Errorf("silence %+v, %v", s, err)
			}
		})
	}
}

// asMap decodes JSON for a comparison that ignores the order of fields.
func asMap(t *testing.T, b []byte) map[string]any {
	t.Helper()
	var m map[string]any
	if err := json.Unmarshal(b, &m); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return m
}

func TestARepostKeepsEveryFieldThatIsNotTheServers(t *testing.T) {
	b, err := os.ReadFile("testdata/0.34.2/alerts.json")
	if err != nil {
		t.Fatal(err)
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(b, &raw); err != nil {
		t.Fatal(err)
	}
	want := asMap(t, raw[0])
	want["futureField"] = map[string]any{"number": 1e21, "html": "<&>"}
	with, _ := json.Marshal(want)
	var a Alert
	if err := json.Unmarshal(with, &a); err != nil {
		t.Fatal(err)
	}
	for _, own := range []string{"fingerprint", "receivers", "status", "updatedAt"} {
		delete(want, own)
	}
	want["annotations"] = map[string]any{"only": "this"}
	got := a.Repost(model.LabelSet{"only": "this"}, time.Time{})
	if diff := cmp.Diff(want, asMap(t, got)); diff != "" {
		t.Error(diff)
	}
	want["endsAt"] = "2026-11-22T05:00:00.250Z"
	got = a.Repost(model.LabelSet{"only": "this"}, time.Date(2026, 11, 22, 6, 0, 0, 25e7, time.FixedZone("CET", 3600)))
	if diff := cmp.Diff(want, asMap(t, got)); diff != "" {
		t.Error(diff)
	}
	if a.Annotations["only"] != "" {
		t.Error("the alert itself was changed")
	}
}

func TestAnUpdateOfASilenceKeepsEveryFieldThatIsNotTheServers(t *testing.T) {
	text := `{"id":"i","status":{"state":"active"},"updatedAt":"2026-11-22T04:47:47.806Z","comment":"old","createdBy":"ann",
		"endsAt":"2026-11-22T04:57:47.805Z","startsAt":"2026-11-22T04:47:47.806Z","futureField":[1],
		"matchers":[{"name":"b","value":"1","isRegex":false,"isEqual":true,"new":2},{"name":"a","value":"2","isRegex":true}],
		"annotations":{"ticket":"OPS-1"}}`
	var s Silence
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		t.Fatal(err)
	}
	want := asMap(t, []byte(text))
	delete(want, "status")
	delete(want, "updatedAt")
	want["comment"] = "new"
	if diff := cmp.Diff(want, asMap(t, s.Update("new", nil))); diff != "" {
		t.Error(diff)
	}
	want["annotations"] = map[string]any{"ticket": "OPS-1", "culprit_summary": "x"}
	if diff := cmp.Diff(want, asMap(t, s.Update("new", model.LabelSet{"culprit_summary": "x"}))); diff != "" {
		t.Error(diff)
	}
}

func TestAnAlertIsFoundByItsLabelsWhateverTheyHold(t *testing.T) {
	c := real(t)
	odd := model.LabelSet{
		"alertname": "Odd", "quote": `a"b\c`, "lines": "one\ntwo", "utf8": "żółw €", "dotted.name": "x", "long": model.LabelValue(strings.Repeat("x", 5000)),
	}
	post(t, c, map[string]any{"labels": odd}, map[string]any{"labels": model.LabelSet{"alertname": "Odd"}})
	alerts, err := c.Alerts(t.Context(), Exactly(odd))
	if err != nil || len(alerts) != 1 || !alerts[0].Labels.Equal(odd) {
		t.Errorf("%d alerts, %v", len(alerts), err)
	}
}

func TestSilencedAlertsAreAmongTheAlertsAndResolvedOnesAreNot(t *testing.T) {
	c := real(t)
	now := time.Now()
	post(t, c,
		map[string]any{"labels": model.LabelSet{"alertname": "A"}},
		map[string]any{"labels": model.LabelSet{"alertname": "B"}},
		map[string]any{"labels": model.LabelSet{"alertname": "C"}, "startsAt": now.Add(-time.Hour), "endsAt": now.Add(-time.Minute)})
	id, err := c.PostSilence(t.Context(), NewSilence{
		Matchers: []Matcher{{Name: "alertname", Value: "A", IsEqual: true}}, StartsAt: now, EndsAt: now.Add(time.Hour), CreatedBy: "ann", Comment: "known",
	})
	if err != nil {
		t.Fatal(err)
	}
	alerts, err := c.Alerts(t.Context(), Filter{})
	if err != nil || len(alerts) != 2 {
		t.Fatalf("%d alerts, %v", len(alerts), err)
	}
	for _, a := range alerts {
		if a.Labels["alertname"] == "A" && (a.State != AlertSuppressed || len(a.SilencedBy) != 1 || a.SilencedBy[0] != id) {
			t.Errorf("the silenced alert is %+v", a)
		}
	}
	silences, err := c.Silences(t.Context(), `alertname="A"`)
	if err != nil || len(silences) != 1 || silences[0].ID != id || silences[0].Comment != "known" {
		t.Errorf("silences %+v, %v", silences, err)
	}
	if err := c.DeleteSilence(t.Context(), id); err != nil {
		t.Error(err)
	}
	if err := c.DeleteSilence(t.Context(), id); err != nil {
		t.Errorf("the second time: %v", err)
	}
	s, err := c.Silence(t.Context(), id)
	if err != nil || s.State != SilenceExpired {
		t.Errorf("afterwards it is %q, %v", s.State, err)
	}
	if _, err := c.Silence(t.Context(), "00000000-0000-4000-8000-000000000000"); remote.ReasonOf(err) != remote.NotFound {
		t.Errorf("an unknown silence: %v", err)
	}
}

func TestAnAlertIsInOneGroupOfEachRoute(t *testing.T) {
	c := real(t)
	post(t, c, map[string]any{"labels": model.LabelSet{"alertname": "A", "service": "cart"}})
	var groups []Group
	for deadline := time.Now().Add(5 * time.Second); len(groups) == 0 && time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		var err error
		if groups, err = c.Groups(t.Context(), Filter{Receiver: "culprit"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(groups) != 1 || !groups[0].Labels.Equal(model.LabelSet{"service": "cart"}) || groups[0].Receiver.Name != "culprit" || len(groups[0].Alerts) != 1 {
		t.Errorf("groups %+v", groups)
	}
}

func TestTheResolveTimeoutIsTheConfigurations(t *testing.T) {
	status, err := real(t).Status(t.Context())
	if err != nil || status.ResolveTimeout != 90*time.Second {
		t.Errorf("%+v, %v", status, err)
	}
	for text, want := range map[string]time.Duration{
		"route: {receiver: a}": 5 * time.Minute, "global: {}\nroute: {receiver: a}": 5 * time.Minute,
		"": 0, "<hidden>": 0, "[": 0,
	} {
		if got, _ := times(text); got != want {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
	}
}

func TestTheWaitsAreThoseOfAllRoutes(t *testing.T) {
	for text, want := range map[string][]time.Duration{
		"route: {receiver: a}": {30 * time.Second},
		"route: {receiver: a, group_wait: 45s, routes: [{group_wait: 0s}, {routes: [{group_wait: 5s}, {matchers: []}]}]}": {0, 5 * time.Second, 45 * time.Second},
		"<hidden>": nil,
	} {
		if _, got := times(text); !cmp.Equal(got, want) {
			t.Errorf("%q: %v, not %v", text, got, want)
		}
	}
}
