// SPDX-License-Identifier: Apache-2.0

package document

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3gen"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config/schema"
	"github.com/culprit-dev/culprit/receiver/changelog"
	"github.com/culprit-dev/culprit/receiver/report"
)

const module = "github.com/culprit-dev/culprit/"

// notesOf reads the comments of all types of the API.
func notesOf(root string) (schema.Notes, error) {
	var packages []string
	for _, p := range []string{
		"analysis", "analysis/changes", "analysis/confidence", "analysis/words", "promql/expr",
		"receiver", "receiver/changelog", "receiver/openapi/document", "receiver/report", "receiver/web",
	} {
		packages = append(packages, module+p)
	}
	notes, err := schema.ReadNotes(root, packages...)
	if err != nil {
		return nil, err
	}
	notes[[3]string{"github.com/prometheus/alertmanager/template", "Alert", ""}] = "One alert of a notification."
	return notes, nil
}

// nameOf is the name of a type in the document and the client, where types of all packages share
// one namespace.
func nameOf(t reflect.Type) string {
	switch strings.TrimPrefix(t.PkgPath(), module) + "." + t.Name() {
	case "analysis.Change":
		return "Move"
	case "analysis/changes.Change":
		return "Event"
	case "receiver/changelog.Posted":
		return "NewChange"
	case "receiver/changelog.Told":
		return "Taken"
	case "receiver.Ask":
		return "Question"
	case "receiver/web.Said":
		return "Judged"
	case "analysis/confidence.Level":
		return "Confidence"
	case "receiver/changelog.moment":
		return "Moment"
	case "receiver/openapi/document.failure":
		return "Error"
	case "receiver/openapi/document.kept":
		return "TakenChanges"
	case "receiver/openapi/document.recorded":
		return "TakenEvents"
	case "receiver/openapi/document.notification":
		return "Notification"
	case "github.com/prometheus/alertmanager/template.Alert":
		return "NotifiedAlert"
	default:
		return t.Name()
	}
}

// words lists the values of types that have few.
func words() map[reflect.Type][]string {
	all := map[reflect.Type][]string{}
	for _, few := range []any{
		[]report.Status{report.Complete, report.Partial, report.Failed},
		[]report.Judgement{report.Right, report.Wrong, report.Other},
		[]report.What{report.Notified, report.Silenced, report.Inhibited},
		[]analysis.Verdict{analysis.Explained, analysis.External, analysis.NoConfidentCause, analysis.NoChange, analysis.InsufficientEvidence},
		[]analysis.Confidence{analysis.High, analysis.Medium, analysis.Low},
		[]analysis.Role{analysis.RoleCause, analysis.RoleFirstSymptom, analysis.RoleVictim, analysis.RoleFollower},
		[]changelog.Outcome{changelog.Added, changelog.Replaced, changelog.Known},
	} {
		list := reflect.ValueOf(few)
		for i := range list.Len() {
			t := list.Type().Elem()
			all[t] = append(all[t], fmt.Sprint(list.Index(i)))
		}
	}
	return all
}

// schemas makes the schemas of Go types.
type schemas struct {
	notes      schema.Notes
	words      map[reflect.Type][]string
	generator  *openapi3gen.Generator
	components openapi3.Schemas
	named      names
}

// names maps names to types.
type names map[string]reflect.Type

// take registers the name of a type. It fails if another type has it.
func (n names) take(t reflect.Type) error {
	name := nameOf(t)
	if known, ok := n[name]; ok && known != t {
		return fmt.Errorf("%s and %s would both be called %s; hint: name one of them in nameOf", known, t, name)
	}
	n[name] = t
	return nil
}

func newSchemas(notes schema.Notes) *schemas {
	s := &schemas{notes: notes, words: words(), components: openapi3.Schemas{}, named: names{}}
	s.generator = openapi3gen.NewGenerator(
		openapi3gen.CreateTypeNameGenerator(nameOf), openapi3gen.SchemaCustomizer(s.customize),
		openapi3gen.CreateComponentSchemas(openapi3gen.ExportComponentSchemasOptions{ExportComponentSchemas: true, ExportTopLevelSchema: true}),
	)
	return s
}

// of returns the schema of a type's values: a reference if it is a struct.
func (s *schemas) of(t reflect.Type) (*openapi3.SchemaRef, error) {
	if t.Kind() == reflect.Slice {
		list := openapi3.NewArraySchema()
		var err error
		list.Items, err = s.of(t.Elem())
		return list.NewRef(), err
	}
	return s.generator.NewSchemaRefForValue(reflect.New(t).Elem().Interface(), s.components)
}

// customize adds to a schema what types alone don't show.
func (s *schemas) customize(_ string, t reflect.Type, _ reflect.StructTag, of *openapi3.Schema) error {
	if few, ok := s.words[t]; ok {
		*of = openapi3.Schema{Type: &openapi3.Types{"string"}, Nullable: of.Nullable}
		for _, w := range few {
			of.Enum = append(of.Enum, w)
		}
		return nil
	}
	if t.Kind() != reflect.Struct || of.Properties == nil {
		return nil
	}
	if err := s.named.take(t); err != nil {
		return err
	}
	of.Description = s.notes[[3]string{t.PkgPath(), t.Name(), ""}]
	for _, f := range jsonFields(t) {
		s.describe(of, f)
	}
	slices.Sort(of.Required)
	return nil
}

// describe adds the comment of a field, and whether it is required. A required list may be null.
func (s *schemas) describe(of *openapi3.Schema, f jsonField) {
	ref := of.Properties[f.name]
	if ref == nil {
		return
	}
	if !f.optional && !lenient(f.of) {
		of.Required = append(of.Required, f.name)
	}
	if strings.HasPrefix(ref.Ref, "#/") {
		return // siblings of a reference are ignored
	}
	ref.Value.Description = s.notes[[3]string{f.of.PkgPath(), f.of.Name(), f.field.Name}]
	switch f.field.Type.Kind() {
	case reflect.Slice, reflect.Map:
		ref.Value.Nullable = !f.optional
	case reflect.Pointer:
		ref.Value.Nullable = !f.optional
	}
}

// lenient are the types of messages in which culprit ignores unknown fields.
func lenient(t reflect.Type) bool {
	return strings.HasPrefix(t.PkgPath(), "github.com/prometheus/alertmanager/") || t == reflect.TypeFor[notification]()
}

// jsonField is a field in JSON.
type jsonField struct {
	name     string
	of       reflect.Type // its struct
	field    reflect.StructField
	optional bool // may be omitted
}

// jsonFields returns the fields of a struct, including embedded ones.
func jsonFields(t reflect.Type) []jsonField {
	var all []jsonField
	for i := range t.NumField() {
		f := t.Field(i)
		name, flags, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "" && f.Type.Kind() == reflect.Struct:
			all = append(all, jsonFields(f.Type)...)
		case name != "" && name != "-" && f.IsExported():
			optional := strings.Contains(flags, "omit") || t == reflect.TypeFor[changelog.Posted]() && name != "title"
			all = append(all, jsonField{name, t, f, optional})
		}
	}
	return all
}
