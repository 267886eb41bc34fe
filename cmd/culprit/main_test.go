// SPDX-License-Identifier: Apache-2.0

package main

import (
	"strings"
	"testing"
)

func TestHelpIsAResult(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--help"}, "explain [<flags>] [<alert>...]"},
		{[]string{"help", "suggest"}, "The exit status is 0 even if some rules measure nothing."},
		{[]string{"explain", "--help"}, "Nothing is written anywhere unless --publish is given."},
		{[]string{"--version"}, "go version"},
		{[]string{"version"}, "go version"},
	} {
		got := culprit(t, c.args...)
		if got.code != exitOK || got.err != "" || strings.Count(got.out, c.want) != 1 {
			t.Errorf("%q: exit %d: %s%s", c.args, got.code, got.out, got.err)
		}
	}
	if all := culprit(t, "--help").out; strings.Contains(all, "The exit status is 0 even if some rules measure nothing.") {
		t.Errorf("the list of commands has the whole text of one:\n%s", all)
	}
}

func TestAWrongCallIsToldWhereToLook(t *testing.T) {
	for _, c := range []struct{ call, want string }{
		{"", "Commands:"},
		{"frob", "hint: culprit --help shows"},
		{"explain --frob", "hint: culprit explain --help shows"},
		{"check config", "hint: culprit check config --help shows"},
		{"explain A --log.level debug --prometheus.url http://p", "unknown long flag '--log.level'"},
		{"chek config x", "got \"chek\"\nhint: did you mean \"check\"?\n"},
		{"check confg x", "hint: did you mean \"config\"?\n"},
		{"check conf x", "hint: did you mean \"config\"?\n"},
		{"check config --syntax x", "hint: did you mean \"--syntax-only\"?\n"},
		{"serve --cluster", "hint: culprit serve --help shows"}, // several begin so
		{"help chek", "error: expected command but got \"chek\"\nhint: did you mean \"check\"?\n"},
		{"help check conf", "hint: did you mean \"config\"?\n"},
		{"analyse dimensions x", "hint: did you mean \"analyze\"?\n"},
		{"explain A --promtheus.url http://p", "hint: did you mean \"--prometheus.url\"?\n"},
		{"check config --sintax-only x", "hint: did you mean \"--syntax-only\"?\n"},
		{"explain A --at noon --prometheus.url http://p", "is not a time\nhint: write 2026"},
		{"explain A --prometheus.url 127.0.0.1:9090", "error: --prometheus.url \"127.0.0.1:9090\" is not an http address\nhint: write http://host:port\n"},
	} {
		got := culprit(t, strings.Fields(c.call)...)
		if want := exitUsage; c.call != "" && got.code != want || !strings.Contains(got.out+got.err, c.want) {
			t.Errorf("%s: exit %d: %s%s", c.call, got.code, got.out, got.err)
		}
		if strings.Count(got.err, "hint:") > 1 {
			t.Errorf("%s: more than one hint: %s", c.call, got.err)
		}
	}
}
