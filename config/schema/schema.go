// SPDX-License-Identifier: Apache-2.0

// Package schema generates the JSON Schemas of the configuration and the reference
// of its keys from the Go types.
//
// A schema contains keys, types of values, and the comments of the fields as
// descriptions. Editors use it to complete and check YAML. `culprit check config` checks
// much more.
//
// The comment of a field is "meaning; default value". The reference shows the two
// apart, and a test compares the values with those that the configuration has.
//
// The schemas of the repository are examples/culprit.schema.json, of the main
// file, and examples/rules.schema.json, of rule files. An editor with
// yaml-language-server finds them by a comment:
//
//	# yaml-language-server: $schema=https://raw.githubusercontent.com/culprit-dev/culprit/main/examples/culprit.schema.json
//
// After a change of the types run `go generate ./config/schema`.
package schema

//go:generate go run ./generate ../..

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
)

// Schema is the part of JSON Schema, draft 7, that is used here.
type Schema struct {
	Version              string             `json:"$schema,omitempty"`
	Title                string             `json:"title,omitempty"`
	Description          string             `json:"description,omitempty"`
	Ref                  string             `json:"$ref,omitempty"`
	AnyOf                []*Schema          `json:"anyOf,omitempty"`
	Type                 string             `json:"type,omitempty"`
	Enum                 []string           `json:"enum,omitempty"`
	Pattern              string             `json:"pattern,omitempty"`
	Items                *Schema            `json:"items,omitempty"`
	Properties           map[string]*Schema `json:"properties,omitempty"`
	AdditionalProperties any                `json:"additionalProperties,omitempty"` // false or a *Schema
	Required             []string           `json:"required,omitempty"`
	Definitions          map[string]*Schema `json:"definitions,omitempty"`
}

// Of returns the schema of a struct.
func Of(t reflect.Type, title string, notes Notes) *Schema {
	m := maker{notes: notes, definitions: map[string]*Schema{}}
	root := m.object(t)
	root.Version, root.Title, root.Definitions = "http://json-schema.org/draft-07/schema#", title, m.definitions
	return root
}

// Encode encodes a schema, deterministically.
func (s *Schema) Encode() ([]byte, error) {
	text, err := json.MarshalIndent(s, "", "  ")
	return append(text, '\n'), err
}

// maker collects the definitions of structs.
type maker struct {
	notes       Notes
	definitions map[string]*Schema
}

// of returns the schema of a type.
func (m maker) of(t reflect.Type) *Schema {
	if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if s, ok := leaf(t); ok {
		return s
	}
	if t == reflect.TypeFor[config.Servers]() {
		one := m.of(t.Elem())
		return &Schema{AnyOf: []*Schema{one, {Type: "array", Items: one}}}
	}
	switch t.Kind() {
	case reflect.Struct:
		return m.named(t)
	case reflect.Slice, reflect.Array:
		return &Schema{Type: "array", Items: m.of(t.Elem())}
	case reflect.Map:
		return &Schema{Type: "object", AdditionalProperties: m.of(t.Elem())}
	default: // any
		return &Schema{}
	}
}

// leaf returns the schema of a type that is decoded as a whole.
func leaf(t reflect.Type) (*Schema, bool) {
	switch t {
	case reflect.TypeFor[commonconfig.URL](), reflect.TypeFor[config.URL](), reflect.TypeFor[config.HookURL]():
		return &Schema{Type: "string", Pattern: "^https?://"}, true
	case reflect.TypeFor[model.Duration]():
		return &Schema{Type: "string", Pattern: `^(0|([0-9]+(y|w|d|h|m|s|ms))+)$`}, true
	case reflect.TypeFor[commonconfig.TLSVersion]():
		return &Schema{Type: "string", Enum: []string{"TLS10", "TLS11", "TLS12", "TLS13"}}, true
	case reflect.TypeFor[config.Trust]():
		return &Schema{Type: "string", Enum: []string{"any", "known_rules", "never"}}, true
	case reflect.TypeFor[config.Confidence]():
		return &Schema{Type: "string", Enum: []string{"high", "medium", "low"}}, true
	}
	switch t.Kind() {
	case reflect.String:
		return &Schema{Type: "string"}, true
	case reflect.Bool:
		return &Schema{Type: "boolean"}, true
	case reflect.Int, reflect.Int64:
		return &Schema{Type: "integer"}, true
	case reflect.Float64:
		return &Schema{Type: "number"}, true
	default:
		return nil, false
	}
}

// named returns a reference to the definition of a struct.
func (m maker) named(t reflect.Type) *Schema {
	if _, done := m.definitions[t.Name()]; !done {
		m.definitions[t.Name()] = nil // a struct may contain itself
		m.definitions[t.Name()] = m.object(t)
	}
	return &Schema{Ref: "#/definitions/" + t.Name()}
}

func (m maker) object(t reflect.Type) *Schema {
	s := &Schema{
		Type: "object", Description: m.notes.of(t, ""), Properties: map[string]*Schema{}, AdditionalProperties: false,
		Required: required()[t.Name()],
	}
	m.fields(t, s)
	return s
}

// fields adds the fields of a struct, including those of inlined ones.
func (m maker) fields(t reflect.Type, s *Schema) {
	for i := range t.NumField() {
		f := t.Field(i)
		key, flags, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		inlined := slices.Contains(strings.Split(flags, ","), "inline")
		switch {
		case inlined && f.Type.Kind() == reflect.Map:
			s.AdditionalProperties = m.of(f.Type.Elem())
		case inlined:
			m.fields(f.Type, s)
		case key != "" && key != "-":
			s.Properties[key] = m.field(t, f, key)
		}
	}
}

func (m maker) field(t reflect.Type, f reflect.StructField, key string) *Schema {
	s := m.of(f.Type)
	if words, ok := enums()[t.Name()+"."+key]; ok {
		s.Enum = words
	}
	s.Description = m.notes.of(t, f.Name) // editors show it next to a reference, too
	return s
}

// required lists the mandatory keys by type.
func required() map[string][]string {
	return map[string][]string{
		"Config":     {"prometheus"},
		"Prometheus": {"url"}, "Alertmanager": {"url"}, "Grafana": {"url"}, "RecoveryWebhook": {"url"},
		"Rule": {"name", "matchers"}, "Candidate": {"name", "query"},
		"Fact": {"query", "labels"}, "Link": {"name", "url"}, "Traces": {"url"}, "Tracing": {"endpoint"},
	}
}

// enums lists the allowed words of texts with few values.
func enums() map[string][]string {
	kinds := []string{"latency", "error", "traffic", "cpu", "mem", "net", "io", "node", "other"}
	return map[string][]string{
		"Target.kind":                kinds,
		"Candidate.kind":             kinds,
		"Candidate.scale":            {"each", "common"},
		"LabelOptions.mode":          analysis.LabelModes(),
		"SeriesOptions.method":       analysis.SeriesMethods(),
		"SeriesOptions.preset":       {"robust", "paper"},
		"SeriesOptions.candidate_ad": {"report", "pre", "off"},
		"Tracing.client_type":        {"http"},
		"Tracing.compression":        {"gzip"},
		"SeriesOptions.transform":    {"none", "ranks", "hinge"},
	}
}
