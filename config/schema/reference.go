// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/config"
)

// Marks around the reference in the page.
const (
	referenceBegin = "<!-- generated from the types: go generate ./config/schema -->\n"
	referenceEnd   = "<!-- end of what is generated -->\n"
)

// section is one mapping of the file, and its possible paths.
type section struct {
	of    reflect.Type
	paths []string // shallowest first, which is the title; "" is the file itself
}

// Reference returns the Markdown reference of all keys: a table per mapping, in reading order.
func Reference(notes Notes) string {
	sections := sectionsOf(reflect.TypeFor[config.Config]())
	slices.SortStableFunc(sections, func(a, b section) int { return cmp.Compare(a.group(), b.group()) })
	titles := map[reflect.Type]string{}
	for _, s := range sections {
		titles[s.of] = s.title()
	}
	var b strings.Builder
	for _, s := range sections {
		fmt.Fprintf(&b, "### %s\n\n%s", s.title(), s.intro(notes))
		b.WriteString("| key | type | default | meaning |\n|---|---|---|---|\n")
		for _, k := range keysOf(s.of) {
			b.WriteString(k.row(notes, titles))
		}
		b.WriteString("\n")
	}
	return b.String()
}

// sectionsOf finds the mappings of a type, itself first, then depth first.
func sectionsOf(root reflect.Type) []section {
	var found []section
	var visit func(t reflect.Type, path string)
	visit = func(t reflect.Type, path string) {
		at := slices.IndexFunc(found, func(s section) bool { return s.of == t })
		if at >= 0 {
			found[at].paths = append(found[at].paths, path)
			slices.SortStableFunc(found[at].paths, func(a, b string) int { return cmp.Compare(strings.Count(a, "."), strings.Count(b, ".")) })
			return
		}
		found = append(found, section{t, []string{path}})
		for _, k := range keysOf(t) {
			if inner, ok := mapping(k.field.Type); ok {
				visit(inner, strings.TrimPrefix(path+"."+k.name, "."))
			}
		}
	}
	visit(root, "")
	return found
}

// group puts the settings of the HTTP client, which are the same everywhere, last.
func (s section) group() int {
	if s.of.PkgPath() == clientPackage {
		return 1
	}
	return 0
}

// mapping returns the struct that a value of a type contains, if it does.
func mapping(t reflect.Type) (reflect.Type, bool) {
	if _, ok := leaf(elem(t)); ok {
		return nil, false
	}
	switch t.Kind() {
	case reflect.Pointer, reflect.Slice, reflect.Map:
		return mapping(t.Elem())
	case reflect.Struct:
		if inner, ok := only(t); ok {
			return mapping(inner)
		}
		return t, len(keysOf(t)) > 1 || t.PkgPath() == clientPackage
	default:
		return nil, false
	}
}

// only returns the map that is the only field of a struct, such as Prometheus' http_headers.
func only(t reflect.Type) (reflect.Type, bool) {
	if t.Kind() == reflect.Struct && t.NumField() == 1 && t.Field(0).Type.Kind() == reflect.Map {
		return t.Field(0).Type, true
	}
	return nil, false
}

func elem(t reflect.Type) reflect.Type {
	if t.Kind() == reflect.Pointer {
		return t.Elem()
	}
	return t
}

// title is the path of a section. The HTTP client's settings go by their own.
func (s section) title() string {
	if s.paths[0] == "" {
		return "The file"
	}
	return "`" + ownPath(s.paths[0]) + "`"
}

func ownPath(path string) string {
	if _, below, ok := strings.Cut(path, ".http_config."); ok {
		return "http_config." + below
	}
	if strings.HasSuffix(path, ".http_config") {
		return "http_config"
	}
	return path
}

// intro describes the mapping, and where else it may occur.
func (s section) intro(notes Notes) string {
	text := notes.of(s.of, "")
	if s.paths[0] == "" {
		text = "The keys of the main file."
	}
	if text != "" {
		text += " "
	}
	if len(s.paths) > 1 {
		paths := slices.Clone(s.paths)
		if s.title() != "`http_config`" {
			for i := range paths {
				paths[i] = ownPath(paths[i])
			}
		}
		text += "Used as `" + strings.Join(paths, "`, `") + "`."
	}
	if text == "" {
		return ""
	}
	return strings.TrimSpace(text) + "\n\n"
}

// key is one key of a mapping.
type key struct {
	name  string
	of    reflect.Type // the struct with the field
	field reflect.StructField
	inner *key // the only key of the mapping in the field
}

// keysOf returns the keys of a struct in order of its fields, including those of inlined structs.
func keysOf(t reflect.Type) []key {
	var keys []key
	for i := range t.NumField() {
		f := t.Field(i)
		name, flags, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		switch {
		case slices.Contains(strings.Split(flags, ","), "inline"):
			keys = append(keys, keysOf(f.Type)...)
		case name != "" && name != "-":
			keys = append(keys, key{name: name, of: t, field: f}.flat())
		}
	}
	return keys
}

// flat merges a key with the single key of its mapping, such as explain_api.enabled.
func (k key) flat() key {
	inner := elem(k.field.Type)
	if _, ok := leaf(inner); ok || inner.Kind() != reflect.Struct || inner.PkgPath() == clientPackage {
		return k
	}
	if keys := keysOf(inner); len(keys) == 1 {
		return key{name: k.name + "." + keys[0].name, of: k.of, field: k.field, inner: &keys[0]}
	}
	return k
}

// note returns the meaning and the default of a key.
func (k key) note(notes Notes) (meaning, def string) {
	meaning, def = SplitDefault(notes.of(k.of, k.field.Name))
	if k.inner != nil && def == "" {
		_, def = k.inner.note(notes)
	}
	return meaning, def
}

// row is the table row of a key.
func (k key) row(notes Notes, titles map[reflect.Type]string) string {
	meaning, def := k.note(notes)
	switch {
	case def == "" && slices.Contains(required()[k.of.Name()], k.name):
		def = "required"
	case k.isValue(def):
		def = "`" + def + "`"
	}
	cells := []string{"`" + k.name + "`", k.kind(titles), def, meaning}
	for i := range cells {
		cells[i] = strings.ReplaceAll(cells[i], "|", `\|`)
	}
	return "| " + strings.Join(cells, " | ") + " |\n"
}

// SplitDefault splits a note into the meaning and the default, which follows "; default " at the
// end, if there is one.
func SplitDefault(note string) (meaning, def string) {
	if i := strings.LastIndex(note, "; default "); i >= 0 {
		return note[:i], note[i+len("; default "):]
	}
	return note, ""
}

// isValue reports whether a default is a value or another key, rather than words.
func (k key) isValue(def string) bool {
	switch {
	case def == "", k.field.Type.Kind() == reflect.Slice && (def == "any" || def == "none"):
		return false
	default:
		return strings.HasPrefix(def, "[") || !strings.Contains(def, " ")
	}
}

// kind says what value a key takes.
func (k key) kind(titles map[reflect.Type]string) string {
	if k.inner != nil {
		return k.inner.kind(titles)
	}
	if words := enums()[k.of.Name()+"."+k.name]; len(words) > 0 {
		return oneOf(words)
	}
	return kindOf(k.field.Type, titles)
}

func kindOf(t reflect.Type, titles map[reflect.Type]string) string {
	t = elem(t)
	if s, ok := leaf(t); ok {
		return leafKind(t, s)
	}
	if inner, ok := only(t); ok {
		t = inner
	}
	if t == reflect.TypeFor[config.Servers]() {
		return kindOf(t.Elem(), titles) + ", or a list of them"
	}
	switch t.Kind() {
	case reflect.Slice:
		return "list of " + plural(kindOf(t.Elem(), titles))
	case reflect.Map:
		return "map of strings to " + plural(kindOf(t.Elem(), titles))
	case reflect.Struct:
		return fmt.Sprintf("[%s](#%s)", titles[t], anchor(titles[t]))
	default:
		return "any value"
	}
}

// plural is the plural of a type's name; links are unchanged.
func plural(kind string) string {
	switch first, rest, _ := strings.Cut(kind, " "); {
	case strings.HasPrefix(kind, "["):
		return kind
	case first == "list":
		return "lists " + rest
	case rest != "":
		return kind
	default:
		return kind + "s"
	}
}

func leafKind(t reflect.Type, s *Schema) string {
	switch {
	case len(s.Enum) > 0:
		return oneOf(s.Enum)
	case t == reflect.TypeFor[model.Duration]():
		return "duration"
	case strings.HasSuffix(t.Name(), "URL"):
		return "URL"
	case t.Name() == "Secret":
		return "secret"
	default:
		return s.Type
	}
}

func oneOf(words []string) string {
	if len(words) == 1 {
		return "`" + words[0] + "`"
	}
	return "`" + strings.Join(words[:len(words)-1], "`, `") + "` or `" + words[len(words)-1] + "`"
}

// anchor is the anchor that a forge gives a heading.
func anchor(title string) string {
	return strings.ToLower(strings.NewReplacer("`", "", ".", "", " ", "-").Replace(title))
}
