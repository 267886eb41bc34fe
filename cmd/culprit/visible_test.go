// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/promql/promtest"
)

// plant is a label value that tries to control a terminal: it clears the screen, sets the title,
// also in the eight-bit form, and reverses the writing direction.
const plant = "\x1b[2J\x1b]0;pwned\x07\u009b31m\u202eabc\u2066\r\x7f\u200b"

// acts returns a character of a text that controls a terminal.
func acts(text string) string {
	for i, r := range text {
		if r != '\n' && r != '\t' && !strconv.IsGraphic(r) || r == '\ufffd' && !strings.HasPrefix(text[i:], "\ufffd") {
			return strconv.QuoteToASCII(text[max(0, i-30):min(len(text), i+30)])
		}
	}
	return ""
}

// hostileServer is a Prometheus with the plant in every text: in its data, or in errors to every
// request.
func hostileServer(t *testing.T, fails bool) string {
	if fails {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(http.StatusUnprocessableEntity)
			_ = json.NewEncoder(w).Encode(map[string]string{"status": "error", "errorType": "execution" + plant, "error": plant})
		}))
		t.Cleanup(srv.Close)
		return srv.URL
	}
	label, err := json.Marshal(plant)
	if err != nil {
		t.Fatal(err)
	}
	script := strings.ReplaceAll(shopScript(), `"/pay"`, string(bytes.ReplaceAll(label, []byte(`\u0007`), []byte(`\a`))))
	script = strings.ReplaceAll(script, `severity="page"`, `severity=`+string(label))
	rule := strings.ReplaceAll(errorRule, `"page"`, string(label))
	rule = strings.ReplaceAll(rule, `"errors"`, string(label))
	return withRules(t, promtest.New(t, script), rule, strings.ReplaceAll(rule, `"ErrorsHigh"`, `"Other`+string(label[1:])))
}

// Wherever control characters come from, no command writes them to the terminal.
func TestNothingActsOnTheTerminal(t *testing.T) {
	text := strconv.QuoteToASCII(plant) // YAML refuses unescaped control characters
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, strings.ReplaceAll(plant, "/", "")+name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	alerts := file("alerts.yml", `groups: [{name: `+text+`, rules: [
		{alert: `+text+`, expr: 'sum by (path) (rate(errors_total[1m])) > 3', labels: {severity: `+text+`}},
		{alert: B, expr: "label_replace(up, \"a\", \"\u009b31m\u202eb\", \"b\", \"\") > 3"}]}]`)
	config := file("culprit.yml", "prometheus: {url: 'http://p:9090', http_config: {basic_auth: {username: "+text+", password_file: "+text+"}}}\n"+
		"rules: [{name: "+text+", matchers: ["+text+"], target: {query: "+text+"}, "+text+": 1}]\n")
	snapshot := file("snapshot.csv", "path,real,predict\n\""+plant+"\",90,10\nb,10,10\nc,11,10\n")
	series := "timestamp," + plant + ",kpi\n"
	for i := range 200 {
		series += strconv.Itoa(i*60) + "," + strconv.Itoa(i%7+i/190*90) + "," + strconv.Itoa(i%5+i/190*70) + "\n"
	}
	table := file("series.csv", series)
	tests := file("tests.yml", "rule_files: ["+text+"]\ntests: [{name: "+text+", input_series: [{series: "+text+", values: '0+1x9'}]}]\n")
	answered := map[string]int{}
	answers, fails := hostileServer(t, false), hostileServer(t, true)
	for _, args := range [][]string{
		{"check", "config", config},
		{"check", "config", file("none.yml", plant)},
		{"check", "config", plant},
		{"suggest", "--rules", alerts},
		{"suggest", "--rules", alerts, "--format", "json"},
		{"suggest", "--rules", plant},
		{"suggest", "--prometheus.url", answers},
		{"suggest", "--prometheus.url", fails},
		{"suggest", "--rules", alerts, "--prometheus.url", fails},
		{"explain", "ErrorsHigh", "--at", "11100", "--prometheus.url", answers},
		{"explain", "ErrorsHigh", "--at", "11100", "--queries", "--prometheus.url", answers},
		{"explain", "ErrorsHigh", "--at", "11100", "--format", "json", "--prometheus.url", answers},
		{"explain", "ErrorsHigh", "--prometheus.url", fails},
		{"explain", "--expr", `up{a=` + text + `} > 1`, "--prometheus.url", fails},
		{"explain", "--expr", plant, "--prometheus.url", answers},
		{"explain", plant, "--prometheus.url", answers},
		{"explain", "A", "--at", plant, "--prometheus.url", answers},
		{"explain", "A", "--prometheus.url", plant},
		{"explain", "A", "--config.file", config},
		{"explain", "A", "--alertmanager.url", fails, "--prometheus.url", answers},
		{"replay", "--from", "9000", "--to", "11100", "--prometheus.url", answers},
		{"replay", "--from", "9000", "--to", "11100", "--format", "json", "--prometheus.url", answers},
		{"replay", "--from", "1h", "--prometheus.url", fails},
		{"replay", "--from", plant, "--prometheus.url", fails},
		{"analyze", "dimensions", snapshot},
		{"analyze", "dimensions", snapshot, "--format", "json"},
		{"analyze", "dimensions", plant},
		{"analyze", "dimensions", table},
		{"analyze", "candidates", table, "--target", "kpi", "--onset", "11400"},
		{"analyze", "candidates", table, "--target", "kpi", "--onset", "11400", "--format", "json"},
		{"analyze", "candidates", table, "--target", plant, "--onset", "11400"},
		{"analyze", "graph", table, "--target", "kpi"},
		{"analyze", "graph", table, "--target", "kpi", "--format", "json"},
		{"analyze", "graph", table, "--target", "kpi", "--format", "dot"},
		{"test", "rules", tests},
		{"test", "rules", tests, "--format", "json"},
		{plant},
		{"explain", "--" + plant},
		{"serve", "--config.file", config, "--storage.path", dir, "--web.listen-address", plant},
		{"serve", "--config.file", config, "--storage.path", dir, "--web.listen-address", "127.0.0.1:0"},
	} {
		got := culprit(t, args...)
		for name, text := range map[string]string{"stdout": got.out, "stderr": got.err} {
			if where := acts(text); where != "" {
				t.Errorf("%.60q: %s has %s", args, name, where)
			}
		}
		if got.out+got.err == "" {
			t.Errorf("%.60q says nothing", args)
		}
		if got.code == exitOK {
			answered[args[0]]++
		}
	}
	for _, name := range []string{"suggest", "explain", "replay", "analyze"} {
		if answered[name] < 2 {
			t.Errorf("%s has answered %d times, so the test shows little", name, answered[name])
		}
	}
}

// Suggested rules keep their meaning whatever names they contain.
func TestSuggestedRulesWithHostileNamesAreRead(t *testing.T) {
	c := culprit(t, "suggest", "--prometheus.url", hostileServer(t, false))
	var rules struct {
		Rules []struct {
			Name     string
			Matchers []string
			Target   struct{ Query string }
		}
	}
	if err := yaml.Unmarshal([]byte(c.out), &rules); err != nil || len(rules.Rules) != 2 {
		t.Fatalf("%v, %d rules in\n%s", err, len(rules.Rules), c.out)
	}
	if got := rules.Rules[1].Name; got != "Other"+plant {
		t.Errorf("the rule is called %q", got)
	}
	config := write(t, "culprit.yml", "prometheus: {url: 'http://p:9090'}\n"+c.out)
	if got := culprit(t, "check", "config", config); got.code != exitOK {
		t.Errorf("exit %d: %s", got.code, got.err)
	}
}

// Visible JSON has the same meaning, and harmless text stays as it is, however it is split into
// writes.
func TestVisibleTextMeansTheSame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[string]string{rapid.String().Draw(t, "key"): rapid.String().Draw(t, "value")}
		var raw, out bytes.Buffer
		if err := printJSON(&raw, want); err != nil {
			t.Fatal(err)
		}
		v := &visible{w: &out}
		for text := raw.Bytes(); len(text) > 0; {
			n := rapid.IntRange(1, len(text)).Draw(t, "n")
			if wrote, err := v.Write(text[:n]); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			text = text[n:]
		}
		v.flush()
		var got map[string]string
		if err := json.Unmarshal(out.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		for k, value := range want {
			if got[k] != value {
				t.Errorf("%q became %q", want, got)
			}
		}
		if where := acts(out.String()); where != "" {
			t.Error(where)
		}
	})
	for in, want := range map[string]string{
		"ä → 82 %\n\t☠": "ä → 82 %\n\t☠", "a\x1b[2Jb": `a\u001b[2Jb`, "\x9b31m": `\x9b31m`, "\xe2\x82": `\xe2\x82`, "\u202e": `\u202e`, "\U000e0001": `\udb40\udc01`,
	} {
		var out bytes.Buffer
		v := &visible{w: &out}
		_, _ = io.WriteString(v, in)
		v.flush()
		if out.String() != want {
			t.Errorf("%q became %q", in, out.String())
		}
	}
}
