// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// pipe returns the path of a pipe that holds a text, as the shell's `<(…)`.
func pipe(t *testing.T, text string) string {
	t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.Close() })
	if _, err := w.WriteString(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf("/dev/fd/%d", r.Fd())
}

// A pipe can be read only once.
func TestAConfigurationFromAPipeIsChecked(t *testing.T) {
	for _, c := range []struct {
		text, out, err string
		code           int
	}{
		{minimalConfig, "fine, 0 rules", "", 0},
		{"rules: [{name: a, matchers: ['x=\"y\"']}]", "fine as a rule file, 1 rule", "", 0},
		{minimalConfig + "ruels: []\n", "", `:3: ruels is not a setting`, exitFinding},
		{"rules: [{name: a, matcher: []}]", "", `:1: rules[0].matcher`, exitFinding},
	} {
		got := culprit(t, "check", "config", pipe(t, c.text))
		if got.code != c.code || !strings.Contains(got.out, c.out) || !strings.Contains(got.err, c.err) {
			t.Errorf("%s: exit %d: %s%s", c.text, got.code, got.out, got.err)
		}
	}
}

const minimalConfig = "prometheus: {url: \"http://p:9090\"}\nalertmanagers: [{url: \"http://a:9093\"}]\n"
