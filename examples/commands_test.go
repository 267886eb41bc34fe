// SPDX-License-Identifier: Apache-2.0

package examples_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goCall matches a call of go in a page, as code in the text or as a line of a block.
var goCall = regexp.MustCompile("(?m)(?:`|^ *)go (run|test) (\\./[^`#\\n]*)")

// TestTheProgramsOfThePagesAreThere checks every go run and go test of every page: the packages,
// flags, tests and benchmarks exist.
func TestTheProgramsOfThePagesAreThere(t *testing.T) {
	seen := 0
	err := filepath.WalkDir("..", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		text := strings.ReplaceAll(read(t, path), "\ngo ", " go ")
		for _, m := range goCall.FindAllStringSubmatch(strings.ReplaceAll(text, "run\n./", "run ./"), -1) {
			seen++
			if wrong := wrongCall(t, m[1], strings.Fields(m[2])); wrong != "" {
				t.Errorf("%s: go %s %s: %s", path, m[1], m[2], wrong)
			}
		}
		return nil
	})
	if err != nil || seen < 25 {
		t.Errorf("%d calls were found: %v", seen, err)
	}
}

// wrongCall returns what a call of go names that doesn't exist.
func wrongCall(t *testing.T, verb string, args []string) string {
	t.Helper()
	source, tests := "", ""
	for _, arg := range args {
		if strings.HasPrefix(arg, "./") {
			source += sources(t, arg, "*.go")
			tests += sources(t, arg, "*_test.go")
		}
	}
	switch {
	case verb == "run" && !strings.Contains(source, "\npackage main\n"):
		return "there is no such program"
	case verb == "run":
		return unknownFlag(source, args)
	case tests == "":
		return "there are no tests"
	default:
		return unknownTest(tests, args)
	}
}

// sources returns the text of a package's files that match a pattern.
func sources(t *testing.T, pkg, pattern string) string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("..", pkg, pattern))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// unknownFlag returns a flag that no line of a program declares; another test parses culprit's own
// flags.
func unknownFlag(source string, args []string) string {
	for _, arg := range args {
		name, ok := strings.CutPrefix(arg, "--")
		if name, _, _ = strings.Cut(name, "="); !ok || name == "help" || args[0] == "./cmd/culprit" {
			continue
		}
		if !strings.Contains(source, `"`+name+`"`) {
			return "there is no flag " + arg
		}
	}
	return ""
}

// unknownTest returns a pattern of -run or -bench that matches nothing.
func unknownTest(tests string, args []string) string {
	for i, arg := range args[:len(args)-1] {
		kind := map[string]string{"-run": "(?:Test|Example)", "-bench": "Benchmark"}[arg]
		pattern := strings.Trim(args[i+1], "'")
		if kind == "" || pattern == "-" || pattern == "^$" {
			continue
		}
		if !regexp.MustCompile(`\nfunc ` + kind + `\w*(?:` + pattern + `)`).MatchString(tests) {
			return "nothing is called " + pattern
		}
	}
	return ""
}

func TestACallThatNamesNothingIsSeen(t *testing.T) {
	for _, call := range []string{
		"run ./examples/nothing", "run ./analysis", "run ./examples/demo --frob", "test ./nowhere", "test ./examples -run NoSuchThing", "test ./analysis -bench Frob -benchmem",
	} {
		verb, args, _ := strings.Cut(call, " ")
		if wrongCall(t, verb, strings.Fields(args)) == "" {
			t.Errorf("go %s is taken", call)
		}
	}
}
