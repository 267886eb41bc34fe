// SPDX-License-Identifier: Apache-2.0

package routes

import (
	"encoding/json"
	"flag"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

var update = flag.Bool("update", false, "write the goldens anew")

// TestVerdicts checks each tree of testdata, and compares the verdict and the lines to write with
// the file next to it.
func TestVerdicts(t *testing.T) {
	files, err := filepath.Glob("testdata/*.yml")
	if err != nil || len(files) == 0 {
		t.Fatalf("no trees (%v)", err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		tree, _ := load(t, string(text)) // Alertmanager accepts it
		v := tree.Check(Known{})
		var b strings.Builder
		b.WriteString("receivers: " + strings.Join(v.Receivers, ", ") + " " + v.How + "\nsafe: " + v.Safe + "\n")
		for _, p := range v.Problems {
			b.WriteString(string(p.Kind) + ": " + p.Text + "\n")
			if !slices.Contains(Kinds(), p.Kind) {
				t.Errorf("%s is no kind", p.Kind)
			}
		}
		b.WriteString("\n" + v.Write)
		if err := yaml.Unmarshal([]byte(v.Write), new(map[string]any)); err != nil {
			t.Errorf("%s: what is to be written is no YAML: %v", file, err)
		}
		golden := strings.TrimSuffix(file, ".yml") + ".want"
		if *update {
			if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if want, err := os.ReadFile(golden); err != nil || string(want) != b.String() {
			t.Errorf("%s is not what is said now (%v):\n%s", golden, err, b.String())
		}
	}
}

// TestEveryVersionShowsItsConfiguration reads recorded answers of real Alertmanagers. Since 0.26
// they hide webhook URLs.
func TestEveryVersionShowsItsConfiguration(t *testing.T) {
	files, err := filepath.Glob("../alertmanager/testdata/*/status.json")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d answers (%v)", len(files), err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var status struct{ Config struct{ Original string } }
		if err := json.Unmarshal(text, &status); err != nil {
			t.Fatal(err)
		}
		tree, err := Parse(status.Config.Original)
		if err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		hook := tree.Receiver("hook")
		if tree.Root.Receiver != "hook" || len(hook.Webhooks) != 1 || hook.Others != 0 || !hook.Webhooks[0].SendResolved {
			t.Errorf("%s: %+v", file, tree)
		}
		if shown := hook.Webhooks[0].Address != ""; shown != strings.Contains(file, "/0.25") {
			t.Errorf("%s: the address is %q", file, hook.Webhooks[0].Address)
		}
	}
}

func TestTheReceiverIsRecognised(t *testing.T) {
	const text = `
route: {receiver: people}
receivers:
  - {name: people, webhook_configs: [{url: http://people/}]}
  - {name: culprit-team, email_configs: [{to: a@b}]}
  - {name: causes, webhook_configs: [{url: "http://culprit:9798/api/v1/webhook"}]}
  - {name: others, webhook_configs: [{url: "http://another:80/api/v1/webhook"}]}
  - {name: CULPRIT, webhook_configs: [{url: <secret>}]}
`
	external, err := url.Parse("http://culprit:9798/pages")
	if err != nil {
		t.Fatal(err)
	}
	hidden := strings.NewReplacer(`"http://culprit:9798/api/v1/webhook"`, "<secret>", `"http://another:80/api/v1/webhook"`, "<secret>").Replace(text)
	for _, c := range []struct {
		name, text string
		known      Known
		want       []string
	}{
		{"by name", text, Known{Names: []string{"people"}}, []string{"people"}},
		{"a name that is not there", text, Known{Names: []string{"gone"}}, []string{"causes", "others"}},
		{"a name without webhook", hidden, Known{Names: []string{"culprit-team"}}, []string{"CULPRIT"}},
		{"by its own address", text, Known{External: external}, []string{"causes"}},
		{"by its path", text, Known{}, []string{"causes", "others"}},
		{"by being called so", hidden, Known{External: external}, []string{"CULPRIT"}},
		{"not at all", strings.ReplaceAll(hidden, "CULPRIT", "x"), Known{}, nil},
	} {
		tree, err := Parse(c.text)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		receivers, _ := tree.Recognise(c.known)
		for _, r := range receivers {
			got = append(got, r.Name)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

func TestAnUnreadableConfigurationIsReported(t *testing.T) {
	for _, text := range []string{"", "route: [a]", "receivers: []", "route: {routes: [{matchers: ['a=~\"(\"']}]}", "{"} {
		if _, err := Check(text, Known{}); err == nil {
			t.Errorf("%q is judged", text)
		}
	}
}

func FuzzCheck(f *testing.F) {
	f.Add("route: {receiver: people, routes: [{receiver: culprit, matchers: ['a=~\"x|y.*\"'], continue: true}]}" + receivers)
	f.Fuzz(func(t *testing.T, text string) {
		if v, err := Check(text, Known{}); err == nil && len(v.Problems) == 0 && !v.Routed {
			t.Errorf("not routed and nothing said: %+v", v)
		}
	})
}
