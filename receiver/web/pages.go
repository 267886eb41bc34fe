// SPDX-License-Identifier: Apache-2.0

package web

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"html/template"
	"net/http"
	"regexp"
	"strings"
	"time"
)

//go:embed templates static
var files embed.FS

// pages are the parsed templates and what every page shares.
type pages struct {
	byName map[string]*template.Template
	prefix string
	sheet  []byte // the style of all pages, which browsers keep
	style  string // names that version of it
	policy string // content security policy
}

// page is what the frame around every page needs.
type page struct {
	Title   string
	Prefix  string
	Style   string
	Refresh int    // seconds after which the browser asks again; 0: never
	Next    string // and for what; empty: for the same
	Body    any
}

func newPages(prefix string) *pages {
	sheet := small(must(files.ReadFile("static/style.css")))
	sum := sha256.Sum256(sheet)
	p := &pages{
		byName: map[string]*template.Template{},
		prefix: prefix,
		sheet:  sheet,
		style:  hex.EncodeToString(sum[:8]),
		policy: "default-src 'none'; img-src 'self'; script-src 'self'; style-src 'self'; connect-src 'none'; base-uri 'none'; " +
			"form-action 'self'; frame-ancestors 'none'",
	}
	for _, name := range []string{"report", "incident", "list", "changes", "cases", "case", "pending", "error"} {
		p.byName[name] = template.Must(template.New("frame.html").Funcs(template.FuncMap{"path": p.path, "tied": tied, "pieces": pieces}).
			ParseFS(files, "templates/frame.html", "templates/parts.html", "templates/drawings.html", "templates/"+name+".html"))
	}
	return p
}

// small is a style sheet without what only its readers need: comments, and spaces
// around what parts its rules.
func small(sheet []byte) []byte {
	for _, r := range []struct{ what, with string }{{`(?s)/\*.*?\*/`, ""}, {`\s+`, " "}, {` ?([{};,]) ?`, "$1"}, {`;}`, "}"}} {
		sheet = regexp.MustCompile(r.what).ReplaceAll(sheet, []byte(r.with))
	}
	return bytes.TrimSpace(sheet)
}

// must returns a file that is in the binary.
func must(body []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return body
}

// path returns the address of a page of ours.
func (p *pages) path(parts ...string) string {
	address := p.prefix
	for _, part := range parts {
		address += "/" + part
	}
	return address
}

// tied keeps a number and its percent sign, and what comes before an arrow and
// the arrow, on one line.
func tied(s string) string {
	return strings.NewReplacer(" %", "\u00a0%", " → ", "\u00a0→ ").Replace(s)
}

// pieces parts a long label value where a line may end: behind a slash.
func pieces(s string) []string {
	if len(s) <= 20 {
		return []string{s}
	}
	return strings.SplitAfter(s, "/")
}

// titled is a body that names its page.
type titled interface{ title() string }

// refreshing is a body that is to be asked for again.
type refreshing interface{ refresh() int }

// render writes a page. It is made as a whole before the first byte is sent,
// so that a mistake in a template can't leave half a page.
func (p *pages) render(w http.ResponseWriter, status int, name string, body titled) {
	pg := page{Title: body.title(), Prefix: p.prefix, Style: p.style, Body: body}
	if r, ok := body.(refreshing); ok {
		pg.Refresh = r.refresh()
	}
	if n, ok := body.(interface{ next() string }); ok {
		pg.Next = n.next()
	}
	var buf bytes.Buffer
	if err := p.byName[name].Execute(&buf, pg); err != nil {
		http.Error(w, "This page can't be drawn: "+err.Error()+"\nThe same report as JSON is below /api/v1.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write(buf.Bytes())
}

// static serves the script and the style sheet, the only files that a page asks for.
// The address of the sheet names its version, so that an upgrade needs no reload.
func (s *server) static(w http.ResponseWriter, r *http.Request) error {
	switch name := r.PathValue("name"); name {
	case "copy.js":
		w.Header().Set("Cache-Control", "max-age=3600")
		http.ServeFileFS(w, r, files, "static/copy.js")
	case "style.css":
		w.Header().Set("Cache-Control", "max-age=86400")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(s.pages.sheet))
	default:
		return &problem{http.StatusNotFound, "There is no such file."}
	}
	return nil
}
