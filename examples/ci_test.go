// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// A check whose tool is missing must fail: it has checked nothing.
func TestLintFailsWithoutItsTools(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err)
	}
	for missing, said := range map[string]string{
		"install": "== golangci-lint", // the linter
		"run":     "== gofumpt",       // and what is run as it is
	} {
		dir := t.TempDir()
		script := "#!/bin/sh\n[ \"$1\" != " + missing + " ] || { echo 'no such module' >&2; exit 1; }\n"
		if err := os.WriteFile(filepath.Join(dir, "go"), []byte(script), 0o755); err != nil { //nolint:gosec // a program
			t.Fatal(err)
		}
		cmd := exec.Command("bash", "../.ci/lint")
		cmd.Env = append(os.Environ(), "PATH="+dir+":"+os.Getenv("PATH"), "XDG_CACHE_HOME="+dir)
		out, err := cmd.CombinedOutput()
		if err == nil || !strings.Contains(string(out), said) || !strings.HasSuffix(string(out), "no such module\n") {
			t.Errorf("without go %s: %v\n%s", missing, err, out)
		}
	}
}
