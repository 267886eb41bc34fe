// SPDX-License-Identifier: Apache-2.0

// Package openapi serves the OpenAPI document of the HTTP API.
//
// The document is generated from the table of operations in
// receiver/openapi/document and from the Go types of their bodies, and so are the
// types of the Go client. After a change of either run
// `go generate ./receiver/openapi`.
package openapi

//go:generate go run ./generate ../..

import (
	_ "embed"
	"net/http"
)

//go:embed openapi.json
var text []byte

// Handler serves the document.
func Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		_, _ = w.Write(text) // the client may be gone
	})
}
