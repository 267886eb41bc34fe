// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"testing"

	"github.com/google/jsonschema-go/jsonschema"
)

var update = flag.Bool("update", false, "write what is generated: the schemas in tools.json")

// definition is a tool as clients see it.
type definition struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Annotations map[string]bool    `json:"annotations"`
	Input       *jsonschema.Schema `json:"inputSchema"`
	Output      *jsonschema.Schema `json:"outputSchema"`
}

func definitions(t *testing.T) []definition {
	t.Helper()
	var all struct{ Tools []definition }
	if err := json.Unmarshal(toolsJSON, &all); err != nil {
		t.Fatal(err)
	}
	return all.Tools
}

// schemaOf is the schema of a type, including its tags.
func schemaOf[T any](t *testing.T) *jsonschema.Schema {
	t.Helper()
	s, err := jsonschema.For[T](nil)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestTheSchemasAreThoseOfTheTypes(t *testing.T) {
	types := map[string][2]*jsonschema.Schema{
		"explain_alert": {schemaOf[explainArgs](t), schemaOf[answer](t)},
		"list_reports":  {schemaOf[listArgs](t), schemaOf[list](t)},
		"get_report":    {schemaOf[getArgs](t), schemaOf[answer](t)},
		"what_changed":  {schemaOf[changedArgs](t), schemaOf[changedList](t)},
	}
	all := definitions(t)
	for i, d := range all {
		if !d.Annotations["readOnlyHint"] || d.Title == "" || d.Description == "" {
			t.Errorf("%s: %+v", d.Name, d)
		}
		all[i].Input, all[i].Output = types[d.Name][0], types[d.Name][1]
		delete(types, d.Name)
	}
	if len(types) > 0 {
		t.Errorf("tools.json lacks %v", types)
	}
	var want bytes.Buffer
	enc := json.NewEncoder(&want)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(map[string]any{"tools": all}); err != nil {
		t.Fatal(err)
	}
	if *update {
		if err := os.WriteFile("tools.json", want.Bytes(), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	if !bytes.Equal(want.Bytes(), toolsJSON) {
		t.Error("tools.json is out of date: go test ./receiver/mcp -run Schemas -update")
	}
}
