// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/PuerkitoBio/goquery"

	"github.com/culprit-dev/culprit/receiver/changelog"
)

// changeList is a ChangeReader of given changes, newest first. It applies limit and cursor, and
// records the rest of the filter.
type changeList struct {
	all   []changelog.Change
	asked *changelog.Filter
}

func (l changeList) List(_ context.Context, f changelog.Filter) ([]changelog.Change, error) {
	if l.asked != nil {
		*l.asked = f
	}
	list := []changelog.Change{}
	for _, c := range l.all {
		if len(list) < f.Limit && (f.After == changelog.Cursor{} || c.At.Before(f.After.At)) {
			list = append(list, c)
		}
	}
	return list, nil
}

// changesUntil are three changes, newest first.
func changesUntil(end time.Time) []changelog.Change {
	return []changelog.Change{
		{
			ID: "c", Title: "checkout deployed", At: end.Add(-time.Minute), Until: end, From: "v41", To: "v42", Source: "github",
			Labels: map[string]string{"service": "checkout", "cluster": "eu"}, URL: "https://ci.example.org/runs/7",
		},
		{ID: "b", Title: "flag new-cart", At: end.Add(-time.Hour), To: "on", Source: "launchdarkly", Labels: map[string]string{}},
		{ID: "a", Title: "database resized", At: end.Add(-2 * time.Hour), Source: "terraform", Labels: map[string]string{}, URL: "javascript:alert(1)"},
	}
}

func TestChangesAreListed(t *testing.T) {
	opts := options(t, memory{})
	opts.Changes = changeList{all: changesUntil(opts.Now())}
	doc := getPage(t, opts, "/changes", http.StatusOK)
	rows := doc.Find(".rows > li")
	if rows.Length() != 3 {
		t.Fatalf("%d rows", rows.Length())
	}
	text := strings.Join(strings.Fields(rows.First().Text()), " ")
	for _, part := range []string{"github", "checkout deployed", "v41 → v42", "took 60 s", "service=checkout", "at ci.example.org, named by the change"} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is missing in %q", part, text)
		}
	}
	if n := doc.Find(`a[href^="javascript"]`).Length(); n != 0 {
		t.Error("a link leads to a script")
	}
	if n := getPage(t, options(t, memory{}), "/changes", http.StatusOK).Find(".nothing").Length(); n != 1 {
		t.Error("a list without changes does not say so")
	}
}

func TestAListOfChangesLeadsToOlderOnes(t *testing.T) {
	opts := options(t, memory{})
	opts.Changes = changeList{all: changesUntil(opts.Now())}
	older, ok := getPage(t, opts, "/changes?limit=2&match=a%3Db", http.StatusOK).Find(`a:contains("Older")`).Attr("href")
	if !ok {
		t.Fatal("no link leads on")
	}
	if rows := getPage(t, opts, "/changes"+older, http.StatusOK).Find(".rows > li"); rows.Length() != 1 || !strings.Contains(rows.Text(), "database") {
		t.Errorf("%d rows: %s", rows.Length(), rows.Text())
	}
	w := get(t, New(opts), "/api/v1/changes?limit=2")
	var list []changelog.Change
	if err := json.Unmarshal(w.Body.Bytes(), &list); err != nil || len(list) != 2 || !strings.HasPrefix(w.Header().Get("Link"), "</api/v1/changes?") {
		t.Errorf("%d, %v: %s", len(list), err, w.Header())
	}
	if w := get(t, New(opts), "/api/v1/changes"); w.Header().Get("Link") != "" {
		t.Errorf("the end of the list leads on to %s", w.Header().Get("Link"))
	}
}

func TestAListOfChangesIsLimitedAsItsAddressSays(t *testing.T) {
	opts := options(t, memory{})
	var asked changelog.Filter
	opts.Changes = changeList{asked: &asked}
	getPage(t, opts, `/changes?from=1700000000&to=2026-11-29T12:00:00Z&match=service%3D"cart"&limit=7`, http.StatusOK)
	if asked.From.Unix() != 1700000000 || asked.To.Year() != 2026 || asked.Matchers.String() != `{service="cart"}` || asked.Limit != 8 {
		t.Errorf("%+v", asked)
	}
	for _, wrong := range []string{"from=x", "to=1e12", "limit=0", "limit=x", "after=x", "match=a"} {
		if w := get(t, New(opts), "/api/v1/changes?"+wrong); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "error") {
			t.Errorf("%s: %d %s", wrong, w.Code, w.Body)
		}
	}
}

// A posted change can't put markup on a page.
func TestNothingInAChangeBecomesMarkup(t *testing.T) {
	for _, attack := range attacks() {
		opts := options(t, memory{})
		opts.Changes = changeList{all: []changelog.Change{{
			ID: attack, Sender: attack, Title: attack, At: opts.Now(), From: attack, To: attack, Source: attack, URL: attack, Labels: map[string]string{attack: attack},
		}}}
		doc := getPage(t, opts, "/changes", http.StatusOK)
		if n := doc.Find("main script, main img, main style, main svg, main textarea, [onmouseover], [onerror]").Length(); n != 0 {
			t.Errorf("%.40q makes %d elements", attack, n)
		}
		doc.Find("a").Each(func(_ int, a *goquery.Selection) {
			if href, _ := a.Attr("href"); strings.HasPrefix(href, "javascript") {
				t.Errorf("%.40q makes a link to %s", attack, href)
			}
		})
	}
}
