// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// goSays is the output of go list and go build -v on a fresh machine.
const goSays = "go: downloading github.com/prometheus/prometheus v0.314.0\ngo: downloading k8s.io/api v0.36.2\n" +
	"internal/goarch\ngithub.com/prometheus/common/model\n# example.org/broken\n./x.go:3:1: syntax error: unexpected }\n"

func TestDownloadsAndPackagesAreSaidAsTheyCome(t *testing.T) {
	for _, terminal := range []bool{false, true} {
		var b bytes.Buffer
		p := &progress{w: &b, start: time.Now(), rewrites: terminal, total: 1104}
		for _, piece := range strings.SplitAfter(goSays, "o") { // lines come in pieces
			if n, err := io.WriteString(p, piece); n != len(piece) || err != nil {
				t.Fatal(n, err)
			}
		}
		p.end()
		text := b.String()
		for _, want := range []string{downloadNote + "\n", compileNote + "\n", "downloading, 1: github.com/prometheus/prometheus v0.314.0", "# example.org/broken\n./x.go:3:1: syntax error: unexpected }\n"} {
			if strings.Count(text, want) != 1 {
				t.Errorf("terminal %t: %q is not once in\n%s", terminal, want, text)
			}
		}
		if terminal != strings.Contains(text, "\r\x1b[K  0.0s  compiling, 2 of at most 1104 packages: github.com/prometheus/common/mod") {
			t.Errorf("terminal %t: %q", terminal, text)
		}
	}
}

// TestTheDemoIsRunWithItsFlags compiles the demo and has it reject a flag.
func TestTheDemoIsRunWithItsFlags(t *testing.T) {
	if _, err := exec.LookPath("go"); err != nil {
		t.Skip("the go command is not installed")
	}
	var out, errs bytes.Buffer
	if code := run([]string{"--fault", "none"}, &out, &errs); code == 0 || !strings.Contains(errs.String(), "error: enum value must be one of spike,drop") {
		t.Errorf("exit %d: %s%s", code, out.String(), errs.String())
	}
}

// TestTheLauncherNeedsNothing restricts it to the standard library: whatever it imports is compiled
// without any progress.
func TestTheLauncherNeedsNothing(t *testing.T) {
	for _, file := range []string{"main.go", "progress.go"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		_, imports, _ := strings.Cut(string(text), "import (")
		if imports, _, _ = strings.Cut(imports, ")"); strings.Contains(imports, ".") {
			t.Errorf("%s imports %s", file, imports)
		}
	}
}
