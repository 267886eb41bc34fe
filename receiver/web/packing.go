// SPDX-License-Identifier: Apache-2.0

package web

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// packing compresses pages for browsers that accept it. Pages have no secrets that their compressed
// length could reveal.
type packing struct {
	http.ResponseWriter
	packs bool
	to    *gzip.Writer // nil: not a page, or compression is not accepted
}

// WriteHeader implements http.ResponseWriter.
func (p *packing) WriteHeader(status int) {
	if h := p.Header(); strings.HasPrefix(h.Get("Content-Type"), "text/html") {
		h.Set("Vary", "Accept-Encoding")
		if p.packs {
			h.Set("Content-Encoding", "gzip")
			p.to = gzip.NewWriter(p.ResponseWriter)
		}
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write implements http.ResponseWriter.
func (p *packing) Write(b []byte) (int, error) {
	if p.to != nil {
		return p.to.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// close flushes the rest.
func (p *packing) close() {
	if p.to != nil {
		_ = p.to.Close() // the browser may be gone
	}
}

// Unwrap supports http.ResponseController.
func (p *packing) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// packs reports whether a browser accepts gzip.
func packs(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if name == "gzip" && strings.TrimRight(weight, ".0") != "q=" {
			return true
		}
	}
	return false
}
