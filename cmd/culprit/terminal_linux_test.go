// SPDX-License-Identifier: Apache-2.0

package main

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

func TestColoursAreOptional(t *testing.T) {
	terminal, err := os.OpenFile("/dev/ptmx", os.O_RDWR, 0)
	if err != nil {
		t.Skip(err)
	}
	defer terminal.Close()
	out := &visible{w: terminal}
	t.Setenv("TERM", "xterm")
	for _, c := range []struct {
		mode, noColor string
		want          bool
	}{{"auto", "", true}, {"auto", "1", false}, {"always", "1", true}, {"never", "", false}} {
		t.Setenv("NO_COLOR", c.noColor)
		if got := colors(c.mode, out); got != c.want {
			t.Errorf("--color %s with NO_COLOR=%s: %t", c.mode, c.noColor, got)
		}
	}
	if colors("auto", &visible{w: &strings.Builder{}}) {
		t.Error("a file is coloured")
	}
	for columns, want := range map[uint16]int{90: 90, 20: narrowest, 500: widest, 0: 100} {
		if err := unix.IoctlSetWinsize(int(terminal.Fd()), unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
			t.Fatal(err)
		}
		if got := widthOf(out, 100); got != want {
			t.Errorf("%d columns are taken for %d", columns, got)
		}
	}
}

// A coloured report has the same text, and control characters in labels stay visible.
func TestColoursChangeNoText(t *testing.T) {
	url := startShop(t, errorRule)
	args := []string{"explain", "ErrorsHigh", "--at", "11100", "--prometheus.url", url}
	plain, coloured := culprit(t, args...), culprit(t, append(args, "--color", "always")...)
	escapes := regexp.MustCompile("\x1b\\[[0-9;]*m")
	if plain.out != escapes.ReplaceAllString(coloured.out, "") || !strings.Contains(coloured.out, "\x1b[1;32mhigh") || strings.Contains(plain.out, "\x1b") {
		t.Errorf("%q\n%q", plain.out, coloured.out)
	}
	if c := culprit(t, "--color", "always", "explain"); !strings.HasPrefix(c.err, "\x1b[1;31merror:\x1b[0m ") {
		t.Errorf("%q", c.err)
	}
	if c := culprit(t, "explain", "--color", "always", "x\x1b[2J", "--prometheus.url", url); strings.Contains(c.err, "\x1b[2J") {
		t.Errorf("%q", c.err)
	}
}
