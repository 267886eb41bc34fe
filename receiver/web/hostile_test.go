// SPDX-License-Identifier: Apache-2.0

package web

import (
	"encoding/json"
	"net/http"
	"net/url"
	"reflect"
	"strings"
	"testing"

	"github.com/PuerkitoBio/goquery"

	"github.com/culprit-dev/culprit/receiver/report"
)

// Attacks that labels, annotations and error texts of other servers can carry.
func attacks() []string {
	return []string{
		`<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`,
		`' onmouseover='alert(1)`,
		`javascript:alert(1)`,
		`</style><script>alert(1)</script>`,
		`</title></textarea><svg onload=alert(1)>`,
		`{{.Style}}{{template "frame.html"}}`,
		"\u202egnp.exe\x00\xff\x1b[2J",
		strings.Repeat("W", 5000),
	}
}

// poison replaces every string in v, except those from a fixed set.
func poison(v reflect.Value, with string) {
	switch v.Kind() {
	case reflect.Pointer, reflect.Interface:
		if v.IsNil() {
			return
		}
		if v.Elem().Kind() == reflect.String && v.CanSet() {
			v.Set(reflect.ValueOf(with))
			return
		}
		poison(v.Elem(), with)
	case reflect.Struct:
		for i := range v.NumField() {
			switch v.Type().Name() + "." + v.Type().Field(i).Name {
			case "Finding.Kind", "Result.Verdict", "Finding.Confidence", "Query.Role", "Handled.What":
			default:
				poison(v.Field(i), with)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			poison(v.Index(i), with)
		}
	case reflect.Map:
		poisonMap(v, with)
	case reflect.String:
		if v.CanSet() {
			v.SetString(with)
		}
	}
}

func poisonMap(v reflect.Value, with string) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	for _, key := range v.MapKeys() {
		value := reflect.New(v.Type().Elem()).Elem()
		value.Set(v.MapIndex(key))
		poison(value, with)
		v.SetMapIndex(key, value)
	}
	key := reflect.New(v.Type().Key()).Elem()
	key.SetString(with)
	zero := reflect.New(v.Type().Elem()).Elem()
	if zero.Kind() == reflect.String {
		zero.SetString(with)
	}
	v.SetMapIndex(key, zero)
}

const hostileID = "hostilehostile22"

// hostile returns the example with an attack in all its strings.
func hostile(t testing.TB, attack string) (report.Report, report.Incident) {
	r := example(t)
	poison(reflect.ValueOf(&r).Elem(), attack)
	r.ID = hostileID
	r.Alert.Annotations["runbook_url"] = "javascript:alert(1)"
	r.Alert.GeneratorURL = "javascript:alert(1)//graph"
	other := r
	other.ID = attack
	inc := report.Open("g", r.Alert.StartsAt, "").Merge([]report.Report{r, other}, r.CreatedAt)
	inc.Sent, r.Incident = r.Sent, inc.ID
	return r, inc
}

func TestHostileTextsStayTexts(t *testing.T) {
	for _, attack := range attacks() {
		r, inc := hostile(t, attack)
		opts := options(t, memory{reports: []report.Report{r}, incidents: []report.Incident{inc}})
		for _, path := range []string{
			"/", "/reports/" + hostileID, "/incidents/" + inc.ID, "/a/" + url.PathEscape(attack),
			"/?match=" + url.QueryEscape(attack), "/?alertname=" + url.QueryEscape(attack), "/reports/" + url.PathEscape(attack),
		} {
			w := get(t, New(opts), path)
			if w.Code == http.StatusInternalServerError {
				t.Fatalf("%.40q at %s: %s", attack, path, w.Body)
			}
			doc, err := goquery.NewDocumentFromReader(w.Body)
			if err != nil {
				t.Fatal(err)
			}
			checkHarmless(t, doc, attack)
		}
	}
}

// checkHarmless checks the document as parsed by a browser.
func checkHarmless(t *testing.T, doc *goquery.Document, attack string) {
	t.Helper()
	if n := doc.Find("script").Length(); n != 1 {
		t.Errorf("%.40q: %d scripts", attack, n)
	}
	if n := doc.Find("img, svg[onload], textarea, style:not(head style)").Length(); n != 0 {
		t.Errorf("%.40q: %d elements came from a text", attack, n)
	}
	doc.Find("*").Each(func(_ int, s *goquery.Selection) {
		for _, a := range s.Nodes[0].Attr {
			if strings.HasPrefix(a.Key, "on") || a.Key == "style" || a.Key == "srcdoc" {
				t.Errorf("%.40q: attribute %s on %s", attack, a.Key, goquery.NodeName(s))
			}
			if a.Key == "href" || a.Key == "src" {
				u, err := url.Parse(a.Val)
				if err != nil || u.Scheme != "" && u.Scheme != "https" {
					t.Errorf("%.40q: link %.80q", attack, a.Val)
				}
			}
		}
	})
}

// The text itself is shown, character by character: escaped once, not twice.
func TestHostileTextsAreShownAsTheyAre(t *testing.T) {
	attack := `<b>"&amp;' + 1`
	r, _ := hostile(t, attack)
	doc := getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+hostileID, http.StatusOK)
	for _, where := range []string{".doubts li p", ".queries code", ".element bdi", ".labels bdi"} {
		if got := doc.Find(where).First().Text(); got != attack {
			t.Errorf("%s: got %q, want %q", where, got, attack)
		}
	}
}

func FuzzReportPage(f *testing.F) {
	for _, attack := range attacks() {
		f.Add(attack)
	}
	f.Fuzz(func(t *testing.T, attack string) {
		r, _ := hostile(t, attack)
		checkHarmless(t, getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+hostileID, http.StatusOK), attack)
	})
}

// Any stored report must be drawn: an error page is useless at three in the morning.
func FuzzAnyReportIsDrawn(f *testing.F) {
	f.Add([]byte(`{}`))
	f.Add([]byte(`{"charts":[{"times":[1],"values":[null]}],"result":{"causes":[{"kind":"labels"}],"graph":{"nodes":[{"name":"a"}],"edges":[{"from":"a","to":"a"}]}}}`))
	f.Add([]byte(`{"charts":[{"times":[1,2,3],"values":[1e308,-1e308,null]}],"onset":"1970-01-01T00:00:02Z","result":{"change":{"forecast":1e308}}}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		var r report.Report
		if json.Unmarshal(body, &r) != nil {
			return
		}
		r.ID = hostileID
		getPage(t, options(t, memory{reports: []report.Report{r}}), "/reports/"+hostileID, http.StatusOK)
	})
}
