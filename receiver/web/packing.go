// SPDX-License-Identifier: Apache-2.0

package web

import (
	"compress/gzip"
	"net/http"
	"strings"
)

// packing packs pages for browsers that take them so. No page has a secret that could
// be told from its packed length.
type packing struct {
	http.ResponseWriter
	packs bool
	to    *gzip.Writer // nil: what is sent is no page, or nobody takes it packed
}

// WriteHeader is part of http.ResponseWriter.
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

// Write is part of http.ResponseWriter.
func (p *packing) Write(b []byte) (int, error) {
	if p.to != nil {
		return p.to.Write(b)
	}
	return p.ResponseWriter.Write(b)
}

// close sends the rest.
func (p *packing) close() {
	if p.to != nil {
		_ = p.to.Close() // the browser may be gone
	}
}

// Unwrap is for http.ResponseController.
func (p *packing) Unwrap() http.ResponseWriter { return p.ResponseWriter }

// packs says whether a browser takes a packed page.
func packs(r *http.Request) bool {
	for coding := range strings.SplitSeq(strings.Join(r.Header.Values("Accept-Encoding"), ","), ",") {
		name, weight, _ := strings.Cut(strings.ReplaceAll(coding, " ", ""), ";")
		if name == "gzip" && strings.TrimRight(weight, ".0") != "q=" {
			return true
		}
	}
	return false
}
