// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"os"
	"reflect"
	"strings"
	"testing"
)

// keysOf are all keys of a type and of those below it.
func keysOf(t reflect.Type) (keys []string) {
	switch t.Kind() {
	case reflect.Slice:
		return keysOf(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if key := t.Field(i).Tag.Get("yaml"); key != "" {
				keys = append(append(keys, key), keysOf(t.Field(i).Type)...)
			}
		}
	}
	return keys
}

// TestEveryKeyIsDocumented looks for each in the table of the page and in the
// help of the command.
func TestEveryKeyIsDocumented(t *testing.T) {
	page := read(t, "../../config/README.md")
	help := read(t, "../../cmd/culprit/testrules.go")
	keys := keysOf(reflect.TypeFor[File]())
	if len(keys) < 18 {
		t.Fatalf("%q", keys)
	}
	for _, key := range keys {
		if !strings.Contains(page, "."+key+"` |") && !strings.Contains(page, "| `"+key+"` |") {
			t.Errorf("%s is not in the table of config/README.md", key)
		}
		if !strings.Contains(help, key+":") {
			t.Errorf("%s is not in the help of the command", key)
		}
	}
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
