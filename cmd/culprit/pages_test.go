// SPDX-License-Identifier: Apache-2.0

package main

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// TestTheCommandsOfThePagesAreKnown parses every call of culprit on every page: its command and
// flags must exist.
func TestTheCommandsOfThePagesAreKnown(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("../..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" || filepath.Base(path) == "CHANGELOG.md" {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, args := range calls(string(text)) {
			seen++
			if got := culprit(t, append(args, "--help")...); got.code != exitOK { // only parses
				t.Errorf("%s: culprit %s: %s", path, strings.Join(args, " "), got.err)
			}
		}
		return nil
	})
	if err != nil || seen < 30 {
		t.Errorf("%d calls were found: %v", seen, err)
	}
}

// calls returns the arguments of each call of culprit in a page: in a line of a block, or as code
// in the text.
func calls(page string) (found [][]string) {
	page = strings.ReplaceAll(page, "\\\n", " ")
	commands := `(?:serve|check|explain|suggest|test|replay|export|analyze|storage|version)\b`
	line := regexp.MustCompile(`(?m)^ *(?:culprit|go run \./cmd/culprit) +(` + commands + `.*)$`)
	code := regexp.MustCompile("`culprit (" + commands + "[^`]*)`")
	for _, m := range slices.Concat(code.FindAllStringSubmatch(page, -1), line.FindAllStringSubmatch(page, -1)) {
		found = append(found, argumentsOf(m[1]))
	}
	return found
}

// argumentsOf splits a line as a shell does, as far as the pages need it, up to a redirection or a
// comment.
func argumentsOf(line string) (list []string) {
	for _, m := range regexp.MustCompile(`'([^']*)'|(\S+)`).FindAllStringSubmatch(line, -1) {
		if m[2] == ">" || m[2] == "#" || m[2] == "|" {
			break
		}
		list = append(list, m[1]+m[2])
	}
	return list
}

func TestACallThatIsWrongIsSeen(t *testing.T) {
	page := "Run `culprit chek config`, `culprit explain --frob` or\n\n    culprit test rulez a.yml > b   # c\n    culprit serve --workers 3 \\\n  --frob 'a b'\n"
	got := calls(page)
	want := [][]string{{"explain", "--frob"}, {"test", "rulez", "a.yml"}, {"serve", "--workers", "3", "--frob", "a b"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Fatalf("%q", got)
	}
	for _, args := range got {
		if culprit(t, append(args, "--help")...).code == exitOK {
			t.Errorf("%q is taken", args)
		}
	}
}
