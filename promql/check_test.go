// SPDX-License-Identifier: Apache-2.0

package promql_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
)

// check returns the errors in the rules of a text, one a line.
func check(t *testing.T, text string) string {
	t.Helper()
	rules, err := config.ParseRules("rules.yml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	for _, r := range rules {
		for _, m := range promql.Check(r) {
			fmt.Fprintln(&b, m)
		}
	}
	return b.String()
}

func TestMistakesOfRules(t *testing.T) {
	for _, file := range golden(t, "testdata/check/*.yml") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			compareGolden(t, strings.TrimSuffix(file, ".yml")+".golden", check(t, string(text)))
		})
	}
}

func golden(t *testing.T, pattern string) []string {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("no files %s: %v", pattern, err)
	}
	return files
}

// compareGolden compares got with a file; with UPDATE_GOLDEN=1 it writes it.
func compareGolden(t *testing.T, file, got string) {
	t.Helper()
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got:\n%s\nwant (%s):\n%s", got, file, want)
	}
}
