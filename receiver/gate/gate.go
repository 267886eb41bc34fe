// SPDX-License-Identifier: Apache-2.0

// Package gate checks the token of a request.
package gate

import (
	"crypto/sha256"
	"crypto/subtle"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/receiver/seldom"
)

// Gate compares the token of a request with that of a file, which is read each
// time: a token may be renewed while the daemon runs.
type Gate struct {
	Key  string        // of the configuration, which names the file
	File func() string // empty: whoever reaches the port may enter
	Now  func() time.Time
	Log  *slog.Logger

	says seldom.Speaker
}

// Admit refuses a request without the token. Senders that can't set a header name
// it as the password of their address: https://culprit:TOKEN@culprit.example.org/….
func (g *Gate) Admit(r *http.Request) error {
	file := g.File()
	if file == "" {
		return nil
	}
	want, err := os.ReadFile(file)
	if err != nil {
		if suppressed, ok := g.says.May("token", g.Now()); ok {
			g.Log.Error("The token of "+g.Key+" can't be read, so all requests are rejected", "err", err, "suppressed", suppressed)
		}
		return g.refusal()
	}
	scheme, got, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		_, got, _ = r.BasicAuth()
	}
	a, b := sha256.Sum256([]byte(strings.TrimSpace(string(want)))), sha256.Sum256([]byte(strings.TrimSpace(got)))
	if strings.TrimSpace(got) == "" || subtle.ConstantTimeCompare(a[:], b[:]) != 1 {
		return g.refusal()
	}
	return nil
}

func (g *Gate) refusal() error {
	return fmt.Errorf("the token is missing or wrong; hint: send the one in %s as Authorization: Bearer …, or as the password of basic auth", g.Key)
}
