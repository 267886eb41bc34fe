// SPDX-License-Identifier: Apache-2.0

package web

import "net/http"

// Mux is an [http.ServeMux] that remembers its patterns, so that the API document can be compared
// with what is served.
type Mux struct {
	http.ServeMux
	patterns []string
}

// Handle registers a handler, see [http.ServeMux].
func (m *Mux) Handle(pattern string, h http.Handler) {
	m.patterns = append(m.patterns, pattern)
	m.ServeMux.Handle(pattern, h)
}

// HandleFunc registers a function, see [http.ServeMux].
func (m *Mux) HandleFunc(pattern string, h func(http.ResponseWriter, *http.Request)) {
	m.Handle(pattern, http.HandlerFunc(h))
}

// Patterns returns the registered patterns in order.
func (m *Mux) Patterns() []string { return m.patterns }
