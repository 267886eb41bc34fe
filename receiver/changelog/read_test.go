// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const month = 30 * 24 * time.Hour

func TestAMessageIsOneChangeOrSeveral(t *testing.T) {
	for body, want := range map[string]int{
		example: 0 + 1,
		"[]":    0,
		`[{"title":"a","at":1795953600},{"title":"b","at":"2026-11-29T12:00:00+01:00","until":"2026-11-29T11:00:01Z"}]`: 2,
		" \n\t{\"title\":\"a\"}\n":                         1,
		`{"title":"a","at":null,"until":"","labels":null}`: 1,
	} {
		list, err := read(strings.NewReader(strings.Replace(body, "2026-11-30T14", "2026-11-29T12", 1)), noon, month)
		if err != nil || len(list) != want {
			t.Errorf("%s: %d changes, %v", body, len(list), err)
		}
	}
}

// Each error contains the wrong value and what to write instead.
func TestMistakesOfSendersAreAnsweredWithAHint(t *testing.T) {
	long := strings.Repeat("x", 600)
	var labels []string
	for i := range maxLabels + 1 {
		labels = append(labels, fmt.Sprintf(`"l%d":"v"`, i))
	}
	for body, want := range map[string]string{
		``:                                    "hint: send JSON",
		`{`:                                   "hint: send JSON",
		`"title"`:                             "hint: send JSON",
		`{"title":"a"} {"title":"b"}`:         "there is more after it",
		`[{"title":"a"}] x`:                   "there is more after it",
		`[{"title":"a"},{}]`:                  "change 2: the message can't be accepted: title is empty",
		`{"title":" "}`:                       "title is empty",
		`{"title":"a","label":{"x":"y"}}`:     `unknown field "label"`,
		`{"title":"` + long + `"}`:            "title has 600 bytes, the limit is 300",
		`{"title":"a\u0000b"}`:                "invisible character",
		`{"title":"a\u202eb"}`:                "invisible character",
		`{"title":"a\nb"}`:                    "one line",
		`{"title":"a","from":"` + long + `"}`: "from has 600 bytes",
		`{"title":"a","labels":{"a b":"c"}}`:  `"a b", which is not a label name`,
		`{"title":"a","labels":{"a":"` + long + `"}}`:                              "label a has 600 bytes",
		`{"title":"a","labels":{"a":1}}`:                                           "hint: send JSON",
		`{"title":"a","labels":{` + strings.Join(labels, ",") + `}}`:               "33 labels, the limit is 32",
		`{"title":"a","url":"javascript:alert(1)"}`:                                `url is "javascript:alert(1)"; hint:`,
		`{"title":"a","url":"https://u:p@ci.example.org/"}`:                        "without a password",
		`{"title":"a","url":"//ci.example.org"}`:                                   "hint:",
		`{"title":"a","at":"yesterday"}`:                                           `"yesterday" is not a time; hint: write RFC 3339`,
		`{"title":"a","at":1795953600000}`:                                         "in milliseconds",
		`{"title":"a","at":{}}`:                                                    "{} is not a time",
		`{"title":"a","at":"2026-11-29T14:00:00Z"}`:                                "at is 2026-11-29T14:00:00Z, and it is 2026-11-29T12:00:00Z; hint: compare the clocks",
		`{"title":"a","at":"2025-11-29T14:00:00Z"}`:                                "longer ago than changes are kept (changes.lifetime, 30d)",
		`{"title":"a","at":-60000000000}`:                                          "longer ago",
		`{"title":"a","at":"2026-11-29T11:00:00Z","until":"2026-11-29T10:00:00Z"}`: "until is 2026-11-29T10:00:00Z, before at",
		`{"title":"a","until":"2026-12-29T10:00:00Z"}`:                             "compare the clocks",
		`{"title":"a","at":"2026-11-29T11:00:00Z","until":"2026-12-29T10:00:00Z"}`: "more than 1w after at",
	} {
		list, err := read(strings.NewReader(body), noon, month)
		if !errors.Is(err, errUnclear) || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %q (%v)", body, err, want, list)
		}
	}
	if _, err := read(strings.NewReader("["+strings.Repeat(`{"title":"a"},`, maxChanges)+`{"title":"a"}]`), noon, month); err == nil || !strings.Contains(err.Error(), "send several") {
		t.Errorf("too many: %v", err)
	}
}

func TestForeignFormatsAreUnderstood(t *testing.T) {
	at := noon.Add(-time.Minute)
	for name, c := range map[string]struct {
		format, body string
		want         []Change
	}{
		"Flux applied": {
			"flux", `{"involvedObject":{"apiVersion":"kustomize.toolkit.fluxcd.io/v1","kind":"Kustomization","name":"checkout","namespace":"apps","uid":"u"},
			"metadata":{"kustomize.toolkit.fluxcd.io/revision":"main@sha1:731f7ea","service":"checkout"},"severity":"info","reason":"ReconciliationSucceeded",
			"message":"Reconciliation finished in 1.2s\nnext run in 5m","reportingController":"kustomize-controller","timestamp":"2026-11-29T11:59:00Z"}`,
			[]Change{{
				Title: "Kustomization checkout: Reconciliation finished in 1.2s", At: at, To: "main@sha1:731f7ea", Source: "flux",
				Labels: map[string]string{"namespace": "apps", "kustomization": "checkout", "service": "checkout"},
			}},
		},
		"Flux failed": {"flux", `{"involvedObject":{"kind":"Kustomization","name":"a","namespace":"b"},"severity":"error","reason":"ValidationFailed","timestamp":"2026-11-29T11:59:00Z"}`, []Change{}},
		"a flag": {
			"launchdarkly", `{"_id":"57c0a8e2","_accountId":"a","date":1795953540000,"kind":"flag","name":"New cart","titleVerb":"turned on the flag","description":"","member":{"email":"a@example.org"},
			"accesses":[{"action":"updateOn","resource":"proj/shop:env/production:flag/new-cart;beta"}],"_links":{"site":{"href":"/shop/production/features/new-cart","type":"text/html"}}}`,
			[]Change{{
				Sender: "57c0a8e2", Title: "flag New cart: turned on the flag", At: at, From: "off", To: "on", Source: "launchdarkly",
				URL: "https://app.launchdarkly.com/shop/production/features/new-cart", Labels: map[string]string{"project": "shop", "env": "production", "flag": "new-cart"},
			}},
		},
		"a member": {"launchdarkly", `{"_id":"x","date":1795953540000,"kind":"member","name":"a"}`, []Change{}},
		"an applied run": {
			"terraform", `{"payload_version":1,"notification_configuration_id":"nc-1","run_url":"https://app.terraform.io/app/org/ws/runs/run-1","run_id":"run-1","run_message":"Resize the database",
			"run_created_at":"2026-11-29T11:50:00.000Z","run_created_by":"ann","workspace_id":"ws-1","workspace_name":"shop-db","organization_name":"org",
			"notifications":[{"message":"Run Completed","trigger":"run:completed","run_status":"applied","run_updated_at":"2026-11-29T11:59:00.000Z","run_updated_by":"ann"}]}`,
			[]Change{{
				Sender: "run-1", Title: "terraform shop-db: Resize the database", At: at, Source: "terraform", URL: "https://app.terraform.io/app/org/ws/runs/run-1",
				Labels: map[string]string{"workspace": "shop-db", "organization": "org"},
			}},
		},
		"Terraform tries the address": {"terraform", `{"payload_version":1,"run_url":null,"run_id":null,"run_message":null,"workspace_name":null,"organization_name":null,
			"notifications":[{"message":"Verification of test","trigger":"verification","run_status":null,"run_updated_at":null,"run_updated_by":null}]}`, []Change{}},
	} {
		got, err := readForeign(strings.NewReader(c.body), c.format, noon, month)
		for i := range got {
			got[i].At = got[i].At.UTC()
		}
		if diff := cmp.Diff(c.want, got); err != nil || diff != "" {
			t.Errorf("%s: %v %s", name, err, diff)
		}
	}
	for format, body := range map[string]string{"argo": "{}", "flux": "{}", "terraform": "[]", "launchdarkly": "x"} {
		if _, err := readForeign(strings.NewReader(body), format, noon, month); !errors.Is(err, errUnclear) || !strings.Contains(err.Error(), "hint:") {
			t.Errorf("%s: %v", format, err)
		}
	}
}

// Any input is refused, or each of its changes is bounded, can be encoded, and survives decoding.
func FuzzRead(f *testing.F) {
	f.Add(example, "")
	f.Add(`[{"title":"a","at":1e9,"labels":{"a":"b"}},{"id":"x","title":"b","until":1}]`, "")
	f.Add(`{"involvedObject":{"kind":"K","name":"n"},"severity":"info","reason":"UpgradeSucceeded","message":"\u202e","metadata":{"a/revision":"r"}}`, "flux")
	f.Add(`{"_id":"a","date":9223372036854775807,"kind":"flag","accesses":[{"resource":"proj/a:env/b"}]}`, "launchdarkly")
	f.Add(`{"notifications":[{"run_status":"applied"}]}`, "terraform")
	f.Fuzz(func(t *testing.T, body, format string) {
		list, err := read(strings.NewReader(body), noon, month)
		if format != "" {
			list, err = readForeign(strings.NewReader(body), format, noon, month)
		}
		if err != nil {
			if !errors.Is(err, errUnclear) {
				t.Errorf("%v", err)
			}
			return
		}
		if len(list) > maxChanges {
			t.Errorf("%d changes", len(list))
		}
		for _, c := range list {
			text, err := json.Marshal(c)
			if err != nil || len(text) > 6*(maxTitle+maxID+maxURL+maxLabels*(maxName+maxValue)+4*maxValue) {
				t.Fatalf("%d bytes: %v", len(text), err)
			}
			var again Change
			if err := json.Unmarshal(text, &again); err != nil || !same(c, again) {
				t.Errorf("%+v is read again as %+v: %v", c, again, err)
			}
		}
	})
}
