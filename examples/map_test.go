// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"io/fs"
	"os"
	"path"
	"strings"
	"testing"
)

// The map in CONTRIBUTING.md has every package of the program: the kernels below analysis as one,
// helpers of tests and of go generate with their package.
func TestEveryPackageIsOnTheMap(t *testing.T) {
	root := os.DirFS("..")
	page, err := fs.ReadFile(root, "CONTRIBUTING.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for _, top := range []string{"cmd", "receiver", "promql", "config", "tracing", "client", "analysis"} {
		err := fs.WalkDir(root, top, func(file string, d fs.DirEntry, err error) error {
			dir := path.Dir(file)
			if err != nil || seen[dir] || path.Ext(file) != ".go" || strings.HasSuffix(file, "_test.go") {
				return err
			}
			seen[dir] = true
			if strings.HasPrefix(dir, "analysis/") || strings.HasSuffix(dir, "test") && dir != "receiver/ruletest" || path.Base(dir) == "generate" {
				return nil
			}
			if !strings.Contains(string(page), "`"+dir+"`") {
				t.Errorf("%s is not on the map", dir)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(seen) < 30 {
		t.Errorf("%d packages only: %v", len(seen), seen)
	}
}
