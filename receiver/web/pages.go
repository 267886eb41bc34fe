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

// pages holds the parsed templates and what all pages share.
type pages struct {
	byName map[string]*template.Template
	prefix string
	sheet  []byte // the style sheet, which browsers cache
	style  string // names its version
	policy string // content security policy
}

// page is the data of the frame around every page.
type page struct {
	Title   string
	Prefix  string
	Style   string
	Refresh int    // seconds until the browser reloads; 0: never
	Next    string // URL of the reload; empty: the same
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

// small minifies a style sheet.
func small(sheet []byte) []byte {
	for _, r := range []struct{ what, with string }{{`(?s)/\*.*?\*/`, ""}, {`\s+`, " "}, {` ?([{};,]) ?`, "$1"}, {`;}`, "}"}} {
		sheet = regexp.MustCompile(r.what).ReplaceAll(sheet, []byte(r.with))
	}
	return bytes.TrimSpace(sheet)
}

// must unwraps an embedded file.
func must(body []byte, err error) []byte {
	if err != nil {
		panic(err)
	}
	return body
}

// path returns the URL path of a page.
func (p *pages) path(parts ...string) string {
	address := p.prefix
	for _, part := range parts {
		address += "/" + part
	}
	return address
}

// tied keeps a number with its percent sign, and an arrow with what precedes it, on one line.
func tied(s string) string {
	return strings.NewReplacer(" %", "\u00a0%", " → ", "\u00a0→ ").Replace(s)
}

// pieces splits a long label value after slashes, where a line may break.
func pieces(s string) []string {
	if len(s) <= 20 {
		return []string{s}
	}
	return strings.SplitAfter(s, "/")
}

// titled is a page body with a title.
type titled interface{ title() string }

// refreshing is a page body that reloads.
type refreshing interface{ refresh() int }

// render sends a page. It is rendered completely first, so that an error in a template can't leave
// half a page.
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

// static serves the script and the style sheet, the only files of the pages. The URL of the sheet
// names its version, so that an upgrade needs no reload.
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
