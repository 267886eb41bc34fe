// SPDX-License-Identifier: Apache-2.0

package config

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"

	commonconfig "github.com/prometheus/common/config"
)

// TestNoWayOfPrintingShowsASecretOfAnAddress prints in every possible way.
func TestNoWayOfPrintingShowsASecretOfAnAddress(t *testing.T) {
	for text, want := range map[string]string{
		"https://hunter2@prometheus:9090/path":             "https://prometheus:9090/path",
		"https://ann:hunter2@prometheus/?token=hunter2":    "https://prometheus/",
		"https://prometheus/x?token=hunter2#token=hunter2": "https://prometheus/x",
		"ann:hunter2@prometheus:9090":                      hidden,
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range printed(t, Prometheus{URL: NewURL(u), HTTPConfig: commonconfig.HTTPClientConfig{BearerToken: "hunter2"}}) {
			if strings.Contains(got, "hunter2") {
				t.Errorf("%s: %s", text, got)
			}
		}
		if got := NewURL(u).String(); got != want || NewURL(u).Reveal().String() != u.String() {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
	for text, want := range map[string]string{
		"https://hooks.example/services/hunter2":      "https://hooks.example",
		"https://ann@hooks.example/?token=hunter2":    "https://hooks.example",
		"hooks.example/services/hunter2":              hidden,
		"https://hooks.example:8443":                  "https://hooks.example:8443",
		"https://ann:hunter2@hooks.example/a#hunter2": "https://hooks.example",
	} {
		u, err := url.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		for _, got := range printed(t, RecoveryWebhook{URL: NewHookURL(u)}) {
			if strings.Contains(got, "hunter2") {
				t.Errorf("%s: %s", text, got)
			}
		}
		if got := NewHookURL(u).String(); got != want || NewHookURL(u).Reveal().String() != u.String() {
			t.Errorf("%s: %s, want %s", text, got, want)
		}
	}
}

func printed(t *testing.T, v any) []string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var log strings.Builder
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
	return []string{string(text), log.String(), fmt.Sprint(v), fmt.Sprint([]any{v}), fmt.Sprintf("%+v %#v %s %q", v, v, v, v)}
}

func TestAMistakeInAnAddressDoesNotRepeatItsPassword(t *testing.T) {
	for _, address := range []string{"http://ann:hunter2/x@prometheus", "ann:hunter2@prometheus", "http://a b:hunter2@c", "ftp://ann:hunter2@prometheus"} {
		_, err := Parse("x.yml", []byte("prometheus: {url: '"+address+"'}\nrecovery_webhooks: [{url: '"+address+"'}]\n"))
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
