// SPDX-License-Identifier: Apache-2.0

package main

import (
	"bytes"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestCompletionOfShells(t *testing.T) {
	for shell, want := range map[string]string{
		"bash": "complete -F _culprit_bash_autocomplete", "zsh": "#compdef culprit\n", "fish": "complete -c culprit -a '(__culprit_complete)'\n",
	} {
		c := culprit(t, "completion", shell)
		if c.code != exitOK || !strings.Contains(c.out, want) || strings.Contains(c.out, "{{") || !strings.Contains(c.out, "--completion-bash") {
			t.Errorf("%s: exit %d: %s%s", shell, c.code, c.out, c.err)
		}
	}
	if c := culprit(t, "completion", "csh"); c.code != exitUsage || !strings.Contains(c.err, "bash,zsh,fish") {
		t.Errorf("exit %d: %s%s", c.code, c.out, c.err)
	}
}

// TestBashCompletes has bash complete a word with the script, which calls a fake culprit that
// echoes its arguments.
func TestBashCompletes(t *testing.T) {
	bash, err := exec.LookPath("bash")
	if err != nil {
		t.Skip("bash is not installed")
	}
	script := write(t, "culprit.bash", culprit(t, "completion", "bash").out)
	out, err := exec.CommandContext(t.Context(), bash, "--norc", "-c", `culprit() { echo "asked-$*" | tr ' ' _; }
		source `+script+` && COMP_WORDS=(culprit check a) COMP_CWORD=2 && _culprit_bash_autocomplete && echo "${COMPREPLY[@]}"`).CombinedOutput()
	if err != nil || string(out) != "asked---completion-bash_check_a\n" {
		t.Errorf("%v: %s", err, out)
	}
}

// manual returns the output of --help-man.
func manual(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	app, _ := newApp(streams{nil, &b, &b})
	parsed, err := app.ParseContext(nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := app.UsageForContextWithTemplate(parsed, 2, manPage); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func TestTheManualPage(t *testing.T) {
	text := manual(t)
	for _, want := range []string{
		".SH NAME\nculprit \\- tells every Prometheus alert what caused it\n", ".SS check config [<flags>] <file>...\n",
		"\\fB\\-\\-config.file=\"culprit.yml\"\\fR\n", "\n.nf\n  rule_files: [rules.yml]", ".SH EXIT STATUS\n",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("%q is not in\n%.3000s", want, text)
		}
	}
	if strings.Contains(text, "go version") {
		t.Error("it tells the build")
	}
	groff, err := exec.LookPath("groff")
	if err != nil {
		t.Skip("groff is not installed")
	}
	cmd := exec.CommandContext(t.Context(), groff, "-man", "-Tutf8", "-ww", write(t, filepath.Base("culprit.1"), text))
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil || strings.Contains(errs.String(), "input character") || out.Len() < 5000 {
		t.Errorf("%v: %s", err, errs.String())
	}
}
