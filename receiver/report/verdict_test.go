// SPDX-License-Identifier: Apache-2.0

package report

import (
	"os"
	"strings"
	"testing"

	"github.com/culprit-dev/culprit/analysis"
)

// Every verdict has a sentence, a look and an entry in the manual.
func TestEveryVerdictHasItsWords(t *testing.T) {
	manual, err := os.ReadFile("../../analysis/README.md")
	if err != nil {
		t.Fatal(err)
	}
	lines := map[string]analysis.Verdict{}
	for _, a := range Answers() {
		in := input(a.Verdict)
		in.Result.Everywhere = a.Everywhere
		line := New(in).Line()
		if other, said := lines[line]; said && other != a.Verdict && a.Verdict != analysis.NoConfidentCause {
			t.Errorf("%s is said as %s: %q", a.Verdict, other, line)
		}
		lines[line] = a.Verdict
		if a.Look == "" || a.Class == "" || a.Nothing == "" || AnswerOf(in.Result).Look != a.Look {
			t.Errorf("%s: %+v", a.Verdict, a)
		}
		if !strings.Contains(string(manual), "| `"+string(a.Verdict)+"` |") {
			t.Errorf("%s is not in the manual's table", a.Verdict)
		}
	}
}

func TestAnUnknownVerdictIsNoAnswer(t *testing.T) {
	if a := AnswerOf(analysis.Result{Verdict: "enlightened"}); !a.Failed || a.Look != "No answer" {
		t.Errorf("%+v", a)
	}
}
