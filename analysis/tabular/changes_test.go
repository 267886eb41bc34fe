// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/culprit-dev/culprit/analysis/changes"
)

func TestReadChanges(t *testing.T) {
	got, err := ReadChanges(strings.NewReader(`[
		{"at": 1661140440, "until": "2022-08-22T03:55:00Z", "title": "rollout", "labels": {"service": "cart", "tier": 2}, "from": "v41", "to": 42},
		{"at": "1661140441.5", "labels": null, "source": "ci", "url": "https://ci.example.org", "more": {"of": "it"}},
		{"At": 5, "at": "2022-08-22T05:54:00+02:00", "AT": 7, "Title": "other", "LABELS": {"service": "other"}}
	]`))
	if err != nil {
		t.Fatal(err)
	}
	want := []changes.Change{
		{At: 1661140440, Until: 1661140500, Title: "rollout", Labels: map[string]string{"service": "cart", "tier": "2"}, From: "v41", To: "42", Source: "file"},
		{At: 1661140441.5, Labels: map[string]string{}, Source: "ci", URL: "https://ci.example.org"},
		{At: 1661140440, Labels: map[string]string{}, Source: "file"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got, err := ReadChanges(strings.NewReader(" [] ")); err != nil || len(got) != 0 {
		t.Errorf("no change is %v, %v", got, err)
	}
}

func TestChangesThatCanNotBeRead(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{``, "the file is empty"},
		{" \n", "the file is empty"},
		{`null`, "this is null"},
		{`[null]`, "change 1: null is not an object"},
		{`[{"AT": 1}]`, `has no "at"`},
		{`{"at": 1}`, "not a JSON array"},
		{`[{"at": 1}] []`, "more behind"},
		{`[{"at": 1}, 7]`, "change 2: 7 is not an object"},
		{`[{"at": 1}, {"title": "rollout"}]`, `change 2: {"title": "rollout"} has no "at"`},
		{`[{"at": null}]`, `has no "at"`},
		{`[{"at": "yesterday"}]`, `change 1: at: "yesterday" is not a time`},
		{`[{"at": true}]`, `at: "true" is not a time`},
		{`[{"at": "NaN"}]`, `"NaN" is not a time`},
		{`[{"at": 1661140440000}]`, "as milliseconds it is 2022-08-22T03:54:00Z"},
		{`[{"at": -5}]`, "before 1970"},
		{`[{"at": 20, "until": 10}]`, "until (10) is before at (20)"},
		{`[{"at": 1, "labels": "cart"}]`, `labels are "cart"`},
		{`[{"at": 1, "labels": {"service": ["cart"]}}]`, `change 1: label "service": ["cart"] is not a string`},
		{`[{"at": 1, "title": {}}]`, "title: {} is not a string"},
	} {
		_, err := ReadChanges(strings.NewReader(c.in))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v; it should say %q", c.in, err, c.want)
		}
		if err != nil && !strings.Contains(err.Error(), "hint: ") && !strings.Contains(err.Error(), "write") {
			t.Errorf("%s: %v does not say what to do", c.in, err)
		}
	}
}

func FuzzReadChanges(f *testing.F) {
	for _, text := range []string{`[]`, changesExample, `[{"at": "1e9", "labels": {"a": 1}}]`, `[{"at": 1, "until": null}]`, `[null]`, `[{"at": 1e400}]`} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		list, err := ReadChanges(strings.NewReader(text))
		if err != nil {
			return
		}
		for _, c := range list {
			if !(c.At >= 0 && c.At <= latestTime) || c.Until != 0 && c.Until < c.At || math.IsNaN(c.Until) || c.Labels == nil || c.Source == "" && !strings.Contains(strings.ToLower(text), "source") {
				t.Fatalf("%q is read as %+v", text, c)
			}
		}
		changes.Rank(list, changes.Incident{Onset: 1e9})
	})
}
