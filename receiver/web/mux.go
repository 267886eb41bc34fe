// SPDX-License-Identifier: Apache-2.0

package web

import "net/http"

// Mux is an [http.ServeMux] that knows its patterns, so that the document of the
// API can be compared with what is served.
type Mux struct {
	http.ServeMux
	patterns []string
}

// Handle is that of [http.ServeMux].
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

// HandleFunc is that of [http.ServeMux].
func (m *Mux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}

// Patterns returns what was registered, in that order.
func (m *Mux) Patterns() []string { return m.patterns }
