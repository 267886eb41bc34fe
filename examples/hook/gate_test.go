// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/report"
	"github.com/culprit-dev/culprit/receiver/sink"
)

// caught is a captured request from culprit.
type caught struct {
	body   []byte
	header http.Header
}

// send has culprit's own sink send an incident, and returns the request.
func send(t *testing.T, secret string, h http.Handler) caught {
	t.Helper()
	var c caught
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c.header = r.Header
		c.body, _ = io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(c.body))
		h.ServeHTTP(w, r)
	}))
	defer srv.Close()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	hook, err := sink.NewWebhook(config.RecoveryWebhook{URL: config.NewHookURL(u), SecretFile: file}, sink.Options{})
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now().Add(-time.Minute)
	r := report.New(report.Input{Alert: report.Alert{Fingerprint: "5ef77f1f8a3ecf8d", StartsAt: start}, Now: time.Now(), Result: analysis.Result{Verdict: analysis.NoChange}})
	hook.Send(context.Background(), sink.Message{Report: r, Incident: report.Open("g", start, "").Merge([]report.Report{r}, time.Now())})
	if c.body == nil {
		t.Fatal("nothing was sent")
	}
	return c
}

func TestTheGateTakesWhatCulpritSendsOnce(t *testing.T) {
	var acted []message
	g := newGate([]byte("open sesame"))
	g.act = func(m message) { acted = append(acted, m) }
	c := send(t, "open sesame", g)
	if len(acted) != 1 || acted[0].Status != "firing" || len(acted[0].Incident.ID) != 16 || acted[0].IdempotencyKey != c.header.Get("Idempotency-Key") {
		t.Fatalf("%+v", acted)
	}
	if _, err := g.accept(c.body, c.header.Get("X-Culprit-Signature")); err != errHad {
		t.Errorf("the same again: %v", err)
	}
	send(t, "another secret", g)
	if len(acted) != 1 {
		t.Error("what somebody else has signed is taken")
	}
}

// The signature covers time and key: a captured message can be sent neither later nor as another
// one.
func TestNothingOfAMessageCanBeChanged(t *testing.T) {
	c := send(t, "open sesame", newGate([]byte("open sesame")))
	signature := c.header.Get("X-Culprit-Signature")
	if !strings.Contains(string(c.body), `"sentAt":"`) || !strings.Contains(string(c.body), `"idempotencyKey":"`) {
		t.Fatalf("%s", c.body)
	}
	fresh := func() *gate { return newGate([]byte("open sesame")) }
	for i := range c.body {
		changed := bytes.Clone(c.body)
		changed[i] ^= 1
		if _, err := fresh().accept(changed, signature); err == nil {
			t.Fatalf("byte %d can be changed", i)
		}
	}
	for name, signature := range map[string]string{"none": "", "no hash": "sha256=", "another case": strings.ToUpper(signature), "half of it": signature[:40]} {
		if _, err := fresh().accept(c.body, signature); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, shift := range []time.Duration{replayWindow + time.Minute, -replayWindow - time.Minute} {
		g := fresh()
		g.now = func() time.Time { return time.Now().Add(shift) }
		if _, err := g.accept(c.body, signature); err == nil || !strings.Contains(err.Error(), "ago") {
			t.Errorf("%s later: %v", shift, err)
		}
	}
}

// A receiver that verifies the body alone, from before it held a time, accepts it as before.
func TestTheSignatureIsStillThatOfTheBody(t *testing.T) {
	c := send(t, "open sesame", http.NotFoundHandler())
	mac := hmac.New(sha256.New, []byte("open sesame"))
	mac.Write(c.body)
	if want := "sha256=" + hex.EncodeToString(mac.Sum(nil)); c.header.Get("X-Culprit-Signature") != want {
		t.Errorf("got %s, want %s", c.header.Get("X-Culprit-Signature"), want)
	}
}

// The README shows the current function.
func TestTheREADMEShowsTheGate(t *testing.T) {
	readme, err := os.ReadFile("../../receiver/README.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("gate.go")
	if err != nil {
		t.Fatal(err)
	}
	_, function, _ := strings.Cut(string(source), "func (g *gate) accept")
	function, _, _ = strings.Cut(function, "\n}\n")
	if function == "" || !strings.Contains(string(readme), "func (g *gate) accept"+function+"\n}\n") {
		t.Error("receiver/README.md does not have the function accept of gate.go")
	}
}
