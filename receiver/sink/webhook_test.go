// SPDX-License-Identifier: Apache-2.0

package sink

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	commonconfig "github.com/prometheus/common/config"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
)

// hook answers with the given statuses in turn, then with 200, and keeps the messages.
type hook struct {
	*httptest.Server
	mu       sync.Mutex
	statuses []int
	bodies   []string
	headers  []http.Header
}

func startHook(t *testing.T, statuses ...int) *hook {
	h := &hook{statuses: statuses}
	h.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.bodies = append(h.bodies, bodyOf(t, r))
		h.headers = append(h.headers, r.Header)
		if len(h.statuses) > 0 {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(h.statuses[0])
			h.statuses = h.statuses[1:]
		}
	}))
	t.Cleanup(h.Close)
	return h
}

func webhookTo(t *testing.T, address string, conf config.RecoveryWebhook) *Webhook {
	t.Helper()
	conf.URL = config.NewHookURL(parseURL(t, address).Reveal())
	w, err := NewWebhook(conf, Options{Registerer: prometheus.NewRegistry()})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func TestTheHookGetsTheIncidentSigned(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("It's a secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	h := startHook(t)
	w := webhookTo(t, h.URL+"/v1/webhooks/culprit?token=abc", config.RecoveryWebhook{SecretFile: secret})
	sent := w.Send(t.Context(), story())
	if statuses(sent) != "ok" || sent[0].Sink != "webhook" || !strings.HasPrefix(sent[0].Ref, h.URL+" ") || strings.Contains(sent[0].Ref, "token") {
		t.Fatalf("%+v", sent)
	}
	var p Payload
	if err := json.Unmarshal([]byte(h.bodies[0]), &p); err != nil {
		t.Fatal(err)
	}
	m := story()
	if p.Version != "1" || p.Status != "firing" || p.Incident.ID != m.Incident.ID || len(p.Incident.Causes) != 2 ||
		p.Incident.Reports[0] != m.Report.ID || p.Reports[m.Report.ID].Result.Verdict != analysis.Explained {
		t.Errorf("%s", h.bodies[0])
	}
	if got := h.headers[0].Get(HeaderSignature); got != sign([]byte("It's a secret"), []byte(h.bodies[0])) {
		t.Errorf("signature %q", got)
	}
	if key := h.headers[0].Get(HeaderKey); len(key) != 32 || !strings.HasSuffix(sent[0].Ref, " "+key) {
		t.Errorf("key %q", key)
	}

	t.Run("with the secret of the day", func(t *testing.T) {
		if err := os.WriteFile(secret, []byte("another"), 0o600); err != nil {
			t.Fatal(err)
		}
		w.Send(t.Context(), resolved(story()))
		if got := h.headers[1].Get(HeaderSignature); got != sign([]byte("another"), []byte(h.bodies[1])) {
			t.Errorf("signature %q", got)
		}
		if !strings.Contains(h.bodies[1], `"status":"resolved"`) {
			t.Errorf("%s", h.bodies[1])
		}
	})
	t.Run("and never without one", func(t *testing.T) {
		if err := os.Remove(secret); err != nil {
			t.Fatal(err)
		}
		if sent := w.Send(t.Context(), story()); statuses(sent) != "failed" || !sent[0].Retryable || len(h.bodies) != 2 {
			t.Errorf("%+v", sent)
		}
	})
}

// The example of GitHub's documentation of webhooks, as computed by `printf %s 'Hello, World!' |
// openssl dgst -sha256 -hmac "It's a Secret to Everybody"`.
func TestTheSignatureIsHMACSHA256(t *testing.T) {
	const want = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
	if got := sign([]byte("It's a Secret to Everybody"), []byte("Hello, World!")); got != want {
		t.Errorf("%s", got)
	}
}

func TestEachFailureSaysWhetherItMayPassAndWhetherTheHookMayHaveActed(t *testing.T) {
	for name, tc := range map[string]struct {
		status             int
		retryable, arrived bool
	}{
		"500": {500, true, true}, "503": {503, true, false}, "429": {429, true, false},
		"401": {401, true, false}, "404": {404, true, false}, "408": {408, true, false},
		"400": {400, false, false}, "413": {413, false, false}, "a redirect with the body": {307, true, false},
	} {
		t.Run(name, func(t *testing.T) {
			h := startHook(t, tc.status)
			conf := config.RecoveryWebhook{HTTPConfig: commonconfig.HTTPClientConfig{FollowRedirects: true}}
			sent := webhookTo(t, h.URL, conf).Send(t.Context(), story())
			if statuses(sent) != "failed" || sent[0].Retryable != tc.retryable || sent[0].Arrived != tc.arrived || len(h.bodies) != 1 {
				t.Errorf("%+v after %d requests", sent, len(h.bodies))
			}
		})
	}
	t.Run("no answer in time", func(t *testing.T) {
		over := make(chan struct{})
		hanging := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-over }))
		t.Cleanup(hanging.Close)
		t.Cleanup(func() { close(over) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		sent := webhookTo(t, hanging.URL, config.RecoveryWebhook{}).Send(ctx, story())
		if statuses(sent) != "failed" || !sent[0].Retryable || !sent[0].Arrived {
			t.Errorf("%+v", sent)
		}
	})
}

func TestTheEndIsSentWhateverTheCauses(t *testing.T) {
	h := startHook(t)
	w := webhookTo(t, h.URL, config.RecoveryWebhook{MinConfidence: "high"})
	m := story()
	m.Incident.Causes = nil
	if w.Tells(m) || statuses(w.Send(t.Context(), m)) != "skipped" {
		t.Error("an incident without a cause was told")
	}
	if m = resolved(m); !w.Tells(m) || statuses(w.Send(t.Context(), m)) != "ok" {
		t.Error("its end was not")
	}
}

func TestErrorsOfAHookHideItsSecrets(t *testing.T) {
	down := httptest.NewServer(nil)
	down.Close()
	sent := webhookTo(t, down.URL+"/services/T0/B0/token?key=zebra", config.RecoveryWebhook{}).Send(t.Context(), story())
	if statuses(sent) != "failed" || !sent[0].Retryable || sent[0].Arrived {
		t.Errorf("%+v", sent)
	}
	if text := fmt.Sprint(sent); strings.Contains(text, "token") || strings.Contains(text, "zebra") {
		t.Errorf("%s", text)
	}
}

func TestOnlyIncidentsOfEnoughConfidenceAreSent(t *testing.T) {
	medium, none := story(), story()
	medium.Incident.Causes = medium.Incident.Causes[1:]
	none.Incident.Causes = nil
	for _, tc := range []struct {
		least config.Confidence
		m     Message
		want  string
	}{
		{"high", story(), "ok"},
		{"high", medium, "skipped"},
		{"medium", medium, "ok"},
		{"low", medium, "ok"},
		{"low", none, "skipped"},
		{"", none, "ok"},
	} {
		h := startHook(t)
		sent := webhookTo(t, h.URL, config.RecoveryWebhook{MinConfidence: tc.least}).Send(t.Context(), tc.m)
		if statuses(sent) != tc.want || (len(h.bodies) == 1) != (tc.want == "ok") {
			t.Errorf("at least %q, of %d causes: %+v", tc.least, len(tc.m.Incident.Causes), sent)
		}
	}
}

func TestEqualContentIsSentOnceAndNewContentIsSent(t *testing.T) {
	h := startHook(t)
	w := webhookTo(t, h.URL, config.RecoveryWebhook{})
	m := story()
	again := func(change func()) string {
		change()
		sent := w.Send(t.Context(), m)
		m.Incident.Sent = append(m.Incident.Sent, sent...)
		return statuses(sent)
	}
	for i, step := range []struct {
		change func()
		want   string
	}{
		{func() {}, "ok"},
		{func() {}, ""},
		{func() { m.Report.Timings.Publish, m.Incident.UpdatedAt = 3, time.Now() }, ""},
		{func() { m.Incident.Causes[0].Confidence = analysis.Medium }, "ok"},
		{func() { m.Resolved = true }, ""}, // another alert of the incident still fires
		{func() { m = withSent(resolved(m), m.Incident.Sent) }, "ok"},
		{func() {}, ""},
	} {
		if got := again(step.change); got != step.want {
			t.Errorf("step %d: %q, not %q", i, got, step.want)
		}
	}
	if other := webhookTo(t, h.URL+"/other", config.RecoveryWebhook{}).Send(t.Context(), m); statuses(other) != "ok" {
		t.Errorf("another hook: %+v", other)
	}
}

func withSent(m Message, sent []report.Sent) Message {
	m.Incident.Sent = sent
	return m
}

func TestAnAlertAloneIsAnIncidentOfOne(t *testing.T) {
	m := story()
	m.Incident = report.Incident{}
	p := payloadOf(m)
	if p.Status != "firing" || len(p.Incident.Causes) != 2 || p.Incident.Reports[0] != m.Report.ID || p.Incident.Summary != m.Report.Line() {
		t.Errorf("%+v", p.Incident)
	}
	m.Resolved = true
	if p := payloadOf(m); p.Status != "resolved" {
		t.Errorf("%+v", p)
	}
}

func TestALargeMessageGoesWithoutTheReport(t *testing.T) {
	m := story()
	m.Report.Result.Dimensions = []analysis.Dimension{{Note: strings.Repeat("x", webhookBody)}}
	body, err := payloadOf(m).encode()
	if err != nil || len(body) > 10_000 || !strings.Contains(string(body), `"reports":{}`) {
		t.Errorf("%d bytes, %v", len(body), err)
	}
	m.Incident.Summary = strings.Repeat("x", webhookBody)
	if _, err := payloadOf(m).encode(); err == nil || !strings.Contains(err.Error(), "more than 1048576") {
		t.Errorf("%v", err)
	}
}

func TestAHookWithoutItsSecretIsRefusedAtTheStart(t *testing.T) {
	empty := filepath.Join(t.TempDir(), "empty")
	if err := os.WriteFile(empty, []byte("\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for file, words := range map[string]string{"/does/not/exist": "no such file", empty: "is empty"} {
		_, err := NewWebhook(config.RecoveryWebhook{URL: config.NewHookURL(parseURL(t, "http://hook.example").Reveal()), SecretFile: file}, Options{})
		if err == nil || !strings.Contains(err.Error(), words) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

func TestSinksOfTwoConfigurationsShareTheirMetrics(t *testing.T) {
	reg := prometheus.NewRegistry()
	for range 2 {
		NewAnnotations(nil, Options{Registerer: reg})
		NewSilences(nil, Options{Registerer: reg})
		NewNotes(nil, Options{Registerer: reg})
	}
	lint(t, reg)
}
