// SPDX-License-Identifier: Apache-2.0

package document

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestTheDocumentIsThatOfTheTypes compares the committed files with generated ones.
func TestTheDocumentIsThatOfTheTypes(t *testing.T) {
	const root = "../../.."
	files, err := Files(root)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range files {
		if got, err := os.ReadFile(filepath.Join(root, name)); err != nil || string(got) != string(want) {
			t.Errorf("%s is not what the types say now (%v); hint: go generate ./receiver/openapi", name, err)
		}
	}
}

// TestTheDocumentIsValid parses and validates the document.
func TestTheDocumentIsValid(t *testing.T) {
	text, err := os.ReadFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := Check(text); err != nil {
		t.Error(err)
	}
	if err := Check([]byte(strings.Replace(string(text), `"#/components/schemas/Report"`, `"#/components/schemas/Rapport"`, 1))); err == nil {
		t.Error("a reference that leads nowhere is valid")
	}
}

// TestEverySchemaSaysWhatItIs looks for missing descriptions.
func TestEverySchemaSaysWhatItIs(t *testing.T) {
	doc, err := openapi3.NewLoader().LoadFromFile("../openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	for name, s := range doc.Components.Schemas {
		if s.Value.Description == "" {
			t.Errorf("%s has no description; hint: comment its type", name)
		}
	}
	for path, item := range doc.Paths.Map() {
		for method, op := range item.Operations() {
			if op.Summary == "" || len(op.Tags) != 1 {
				t.Errorf("%s %s has no summary or no tag", method, path)
			}
		}
	}
}
