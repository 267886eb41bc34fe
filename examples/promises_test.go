// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var (
	promiseTests = regexp.MustCompile("`([a-z][a-z/-]*)`: ((?:`(?:Test|Fuzz)\\w+`(?:, )?)+)")
	testName     = regexp.MustCompile(`(?:Test|Fuzz)\w+`)
)

// Every promise in the pages names existing tests.
func TestEveryPromiseHasItsTests(t *testing.T) {
	const promises, faults = "| promise | test that holds it |\n|---|---|\n", "| fault | what happens | test |\n|---|---|---|\n"
	for _, c := range []struct{ file, head string }{{"receiver/README.md", promises}, {"receiver/README.md", faults}, {"SECURITY.md", promises}} {
		file := c.file
		_, table, found := strings.Cut(read(t, filepath.Join("..", file)), c.head)
		table, _, _ = strings.Cut(table, "\n\n")
		if rows := strings.Split(table, "\n"); !found || len(rows) < 10 {
			t.Fatalf("%s has %d promises", file, len(rows))
		}
		for row := range strings.Lines(table) {
			named := promiseTests.FindAllStringSubmatch(row, -1)
			if len(named) == 0 {
				t.Errorf("%s: no test holds %s", file, row)
			}
			for _, n := range named {
				for _, name := range testName.FindAllString(n[2], -1) {
					if !hasTest(t, filepath.Join("..", n[1]), name) {
						t.Errorf("%s: %s has no %s", file, n[1], name)
					}
				}
			}
		}
	}
}

// hasTest reports whether a package has a test.
func hasTest(t *testing.T, dir, name string) bool {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(dir, "*_test.go"))
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(string(text), "\nfunc "+name+"(") {
			return true
		}
	}
	return false
}
