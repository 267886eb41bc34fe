// SPDX-License-Identifier: Apache-2.0

// Hook is a receiver of culprit's recovery webhooks: it accepts messages that are genuine, fresh
// and new, and prints what it would act on. Start your own from it.
//
//	go run ./examples/hook --secret-file hook.secret
package main

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"time"
)

func main() {
	listen := flag.String("listen", "localhost:8080", "address to listen on")
	secretFile := flag.String("secret-file", "", "file with the secret that recovery_webhooks has as secret_file")
	flag.Parse()
	secret, err := os.ReadFile(*secretFile)
	if err != nil {
		log.Fatalf("no secret, so anybody could send: %v", err)
	}
	server := &http.Server{Addr: *listen, Handler: newGate(bytes.TrimRight(secret, "\r\n")), ReadTimeout: 10 * time.Second}
	log.Fatal(server.ListenAndServe())
}

// maxBody exceeds anything culprit sends, in bytes.
const maxBody = 2 << 20

// ServeHTTP also answers 200 to repeated messages: an error would cause another retry.
func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	m, err := g.accept(body, r.Header.Get("X-Culprit-Signature"))
	switch {
	case errors.Is(err, errHad):
		fmt.Fprintln(w, err)
	case err != nil:
		http.Error(w, err.Error(), http.StatusForbidden)
	default:
		g.act(m)
	}
}

// show is a harmless action.
func show(m message) { fmt.Printf("%s %s: %q\n", m.Status, m.Incident.ID, m.Incident.Summary) }
