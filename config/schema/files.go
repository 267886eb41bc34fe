// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"

	"github.com/culprit-dev/culprit/config"
)

const clientPackage = "github.com/prometheus/common/config"

// Files returns the generated files, by path relative to the root of the repository: the JSON
// Schemas, and the configuration's page with its reference.
func Files(root string) (map[string][]byte, error) {
	notes, err := allNotes(root)
	if err != nil {
		return nil, err
	}
	files := map[string][]byte{}
	for name, s := range map[string]*Schema{
		"examples/culprit.schema.json": Of(reflect.TypeFor[config.Config](), "The configuration of culprit", notes),
		"examples/rules.schema.json":   Of(reflect.TypeFor[ruleFile](), "A rule file of culprit", notes),
	} {
		if files[name], err = s.Encode(); err != nil {
			return nil, err
		}
	}
	const page = "config/README.md"
	text, err := os.ReadFile(filepath.Join(root, page))
	if err != nil {
		return nil, err
	}
	if files[page], err = withReference(string(text), Reference(notes)); err != nil {
		return nil, fmt.Errorf("%s: %w", page, err)
	}
	return files, nil
}

// Main is the command that writes generated files below the root of the repository, which is its
// argument. It returns the exit code.
func Main(args []string, files func(root string) (map[string][]byte, error)) int {
	if err := write(args, files); err != nil {
		fmt.Fprintln(os.Stderr, "error:", err)
		return 1
	}
	return 0
}

func write(args []string, files func(root string) (map[string][]byte, error)) error {
	if len(args) != 1 {
		return fmt.Errorf("want the root of the repository, have %d arguments", len(args))
	}
	all, err := files(args[0])
	if err != nil {
		return err
	}
	for name, text := range all {
		if err := os.WriteFile(filepath.Join(args[0], name), text, 0o644); err != nil {
			return err
		}
	}
	return nil
}

// allNotes reads the meanings of the keys; dir is any directory of the module.
func allNotes(dir string) (Notes, error) {
	notes, err := ReadNotes(dir, "github.com/culprit-dev/culprit/config", "github.com/culprit-dev/culprit/analysis")
	if err != nil {
		return nil, err
	}
	for at, text := range clientNotes() {
		notes[[3]string{clientPackage, at[0], at[1]}] = text
	}
	return notes, nil
}

// withReference inserts the reference between the marks of a page.
func withReference(page, reference string) ([]byte, error) {
	before, rest, ok := strings.Cut(page, referenceBegin)
	_, after, ok2 := strings.Cut(rest, referenceEnd)
	if !ok || !ok2 {
		return nil, fmt.Errorf("has no place for the reference: no %q before %q", strings.TrimSpace(referenceBegin), strings.TrimSpace(referenceEnd))
	}
	return []byte(before + referenceBegin + "\n" + reference + referenceEnd + after), nil
}

// ruleFile is a rule file.
type ruleFile struct {
	Rules []config.Rule `yaml:"rules"` // rules, in the order in which they are tried
}
