// SPDX-License-Identifier: Apache-2.0

package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/url"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	commonconfig "github.com/prometheus/common/config"
	"github.com/prometheus/common/model"
	"gopkg.in/yaml.v3"
)

// decoder fills a value from a YAML tree, strictly. yaml.v3's decoder stops at the first error of
// an UnmarshalYAML method and loses its position. This one continues, so that all mistakes are
// shown at once, and keeps the position of every value for later checks.
type decoder struct {
	file     string
	places   map[string]place  // by path: "rules[0].target.query"
	refused  map[string]bool   // paths whose value could not be read
	texts    map[string]string // scalars by path
	mistakes Errors
}

// place is the position of a value: line and column of its node, and in text the line where a
// scalar's text begins, which for block styles (| and >) is the next one.
type place struct{ line, column, text int }

func newDecoder(file string) *decoder {
	return &decoder{file: file, places: map[string]place{}, refused: map[string]bool{}, texts: map[string]string{}}
}

// document decodes one YAML document into v, a pointer to a struct. It returns false if the text is
// not a YAML mapping, so that there is nothing to check.
func (d *decoder) document(text []byte, v any) bool {
	dec := yaml.NewDecoder(bytes.NewReader(text))
	var doc, second yaml.Node
	if err := dec.Decode(&doc); errors.Is(err, io.EOF) {
		return true // an empty file: the checks say what is missing
	} else if err != nil {
		d.syntax(err)
		return false
	}
	if err := dec.Decode(&second); !errors.Is(err, io.EOF) {
		d.add(place{line: max(1, second.Line)}, "more than one document in the file", "keep one, without a line of ---")
	}
	// yaml.v3's decoder finds aliases that contain themselves or explode. Its type errors don't
	// matter: an `any` accepts everything.
	var anything any
	var types *yaml.TypeError
	if err := doc.Decode(&anything); err != nil && !errors.As(err, &types) {
		d.syntax(err)
		return false
	}
	d.value(doc.Content[0], reflect.ValueOf(v).Elem(), "")
	return !d.refused[""]
}

// add adds a mistake.
func (d *decoder) add(p place, what, hint string) {
	d.mistakes = append(d.mistakes, Mistake{File: d.file, Line: p.line, Column: p.column, What: what, Hint: hint})
}

// syntax adds an error of the YAML parser, whose text begins with the line.
func (d *decoder) syntax(err error) {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	var p place
	if m := regexp.MustCompile(`^line (\d+): `).FindStringSubmatch(text); m != nil {
		p.line, _ = strconv.Atoi(m[1])
		text = strings.TrimPrefix(text, m[0])
	}
	d.add(p, "not valid YAML: "+text, "check indentation, quotes and brackets near this line")
}

// value decodes a node into v.
func (d *decoder) value(n *yaml.Node, v reflect.Value, path string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	p := place{line: n.Line, column: n.Column, text: n.Line}
	if n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0 {
		p.text++
	}
	d.places[path] = p
	if n.Kind == yaml.ScalarNode {
		d.texts[path] = n.Value
	}
	if n.Tag == "!!null" {
		return
	}
	if v.Kind() == reflect.Pointer && !isLeaf(v.Type()) {
		if v.IsNil() {
			v.Set(reflect.New(v.Type().Elem()))
		}
		v = v.Elem()
	}
	switch {
	case isLeaf(v.Type()):
		d.leaf(n, v, path)
	case v.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		d.fields(n, v, path)
	case v.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		d.elements(n, v, path)
	case v.Type() == reflect.TypeFor[Servers]() && n.Kind == yaml.MappingNode: // a single one instead of a list
		v.Set(reflect.MakeSlice(v.Type(), 1, 1))
		d.value(n, v.Index(0), path)
	case v.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		d.entries(n, v, path)
	default:
		d.wrongKind(n, v.Type(), path)
	}
}

// isLeaf reports whether values of the type are decoded as a whole.
func isLeaf(t reflect.Type) bool {
	switch t {
	case reflect.TypeFor[*commonconfig.URL](), reflect.TypeFor[commonconfig.URL](), reflect.TypeFor[*URL](), reflect.TypeFor[*HookURL]():
		return true
	}
	switch t.Kind() {
	case reflect.Struct, reflect.Slice, reflect.Map, reflect.Pointer:
		return false
	}
	return true
}

// wrongKind adds the mistake of using a list, mapping or scalar where another is expected.
func (d *decoder) wrongKind(n *yaml.Node, t reflect.Type, path string) {
	what, hint := "must be a mapping", "write key: value pairs below it"
	if t.Kind() == reflect.Slice && t != reflect.TypeFor[Servers]() {
		what, hint = "must be a list", "write [a, b], or lines that begin with a dash"
	}
	d.refuse(n, path, what, hint)
}

// refuse records that the value of a path can't be read.
func (d *decoder) refuse(n *yaml.Node, path, what, hint string) {
	d.refused[path] = true
	name := path
	if name == "" {
		name = "the file"
	}
	d.add(placeOf(n), name+" "+what, hint)
}

// isRefused reports whether the value of a path, or an enclosing one, could not be read, which is a
// mistake already.
func (d *decoder) isRefused(path string) bool {
	for ; path != ""; path = parent(path) {
		if d.refused[path] {
			return true
		}
	}
	return false
}

// parent returns the path of the enclosing value.
func parent(path string) string { return path[:max(0, strings.LastIndexAny(path, ".["))] }

func placeOf(n *yaml.Node) place { return place{line: n.Line, column: n.Column, text: n.Line} }

// pair is one entry of a mapping.
type pair struct{ key, value *yaml.Node }

// pairs returns the entries of a mapping, those of a merge key (<<) first, so that the mapping's
// own override them. It reports duplicate keys.
func (d *decoder) pairs(n *yaml.Node, path string) []pair {
	var merged, own []pair
	first := map[string]int{}
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, value := n.Content[i], n.Content[i+1]
		if key.Tag == "!!merge" {
			merged = append(merged, d.merge(value, path)...)
			continue
		}
		if line, twice := first[key.Value]; twice {
			d.add(placeOf(key), fmt.Sprintf("%s is given twice", join(path, key.Value)), fmt.Sprintf("keep one; the first is on line %d", line))
			continue
		}
		first[key.Value] = key.Line
		own = append(own, pair{key, value})
	}
	return append(merged, own...)
}

// merge returns the entries of a merge key.
func (d *decoder) merge(n *yaml.Node, path string) []pair {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch n.Kind {
	case yaml.MappingNode:
		return d.pairs(n, path)
	case yaml.SequenceNode: // if there are several, the first wins
		var all []pair
		for _, one := range slices.Backward(n.Content) {
			all = append(all, d.merge(one, path)...)
		}
		return all
	}
	return nil
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// defaulter is a type whose defaults are not its zero value.
type defaulter interface{ setDefaults() }

// fields decodes a mapping into a struct.
func (d *decoder) fields(n *yaml.Node, v reflect.Value, path string) {
	if def, ok := v.Addr().Interface().(defaulter); ok {
		def.setDefaults()
	}
	known, rest := fieldsOf(v)
	for _, p := range d.pairs(n, path) {
		if f, ok := known[p.key.Value]; ok {
			d.value(p.value, f, join(path, p.key.Value))
			continue
		}
		if rest.IsValid() {
			d.entry(p, rest, path)
			continue
		}
		d.unknown(p.key, path, known)
	}
}

// fieldsOf returns the fields of a struct by key, including those of inlined structs, and the
// inlined map for all other keys, if there is one.
func fieldsOf(v reflect.Value) (known map[string]reflect.Value, rest reflect.Value) {
	known = map[string]reflect.Value{}
	for i := range v.NumField() {
		key, flags, _ := strings.Cut(v.Type().Field(i).Tag.Get("yaml"), ",")
		switch {
		case key == "-":
		case flags == "inline" && v.Field(i).Kind() == reflect.Map:
			rest = v.Field(i)
		case flags == "inline":
			inner, _ := fieldsOf(v.Field(i))
			for k, f := range inner {
				known[k] = f
			}
		case key != "":
			known[key] = v.Field(i)
		}
	}
	return known, rest
}

// unknown reports an unknown key.
func (d *decoder) unknown(key *yaml.Node, path string, known map[string]reflect.Value) {
	legal := make([]string, 0, len(known))
	for k := range known {
		legal = append(legal, k)
	}
	slices.Sort(legal)
	hint, near := Meant(key.Value, legal)
	if !near {
		hint = "use one of " + strings.Join(legal, ", ")
	}
	if key.Value == "groups" && path == "" {
		hint = "alerting rules are Prometheus' own; culprit suggest FILE makes rules of them"
	}
	if key.Value == "secret" && slices.Contains(legal, "secret_file") {
		hint = "write the secret to a file and name it as secret_file"
	}
	d.add(placeOf(key), fmt.Sprintf("%s is not a setting", join(path, key.Value)), hint)
}

// elements decodes a list into a slice.
func (d *decoder) elements(n *yaml.Node, v reflect.Value, path string) {
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, e := range n.Content {
		d.value(e, v.Index(i), fmt.Sprintf("%s[%d]", path, i))
	}
}

// entries decodes a mapping into a map.
func (d *decoder) entries(n *yaml.Node, v reflect.Value, path string) {
	for _, p := range d.pairs(n, path) {
		d.entry(p, v, path)
	}
}

// entry adds one entry to a map with string keys.
func (d *decoder) entry(p pair, v reflect.Value, path string) {
	if v.IsNil() {
		v.Set(reflect.MakeMap(v.Type()))
	}
	e := reflect.New(v.Type().Elem()).Elem()
	d.value(p.value, e, join(path, p.key.Value))
	v.SetMapIndex(reflect.ValueOf(p.key.Value).Convert(v.Type().Key()), e)
}

// leaf decodes a value as a whole.
func (d *decoder) leaf(n *yaml.Node, v reflect.Value, path string) {
	if v.Kind() != reflect.Interface && n.Kind != yaml.ScalarNode {
		d.refuse(n, path, "must be a single value", "write "+example(v.Type()))
		return
	}
	err := n.Decode(v.Addr().Interface())
	if err == nil && v.CanInt() && n.ShortTag() == "!!float" {
		err = errFraction
	}
	if err != nil {
		d.refuse(n, path, reason(n, v.Type(), err), "write "+example(v.Type()))
	}
}

// errFraction is for fractions, which yaml.v3 would silently truncate.
var errFraction = errors.New("a fraction")

// reason says what is wrong with a scalar. It does not repeat secrets, nor URLs, which may contain
// a password.
func reason(n *yaml.Node, t reflect.Type, err error) string {
	var bad *url.Error
	switch {
	case errors.As(err, &bad):
		return "is not a URL: " + quotedText().ReplaceAllString(bad.Err.Error(), "")
	case t == reflect.TypeFor[commonconfig.Secret]():
		return "is not a text"
	case t == reflect.TypeFor[model.Duration]() && strings.HasPrefix(n.Value, "-"):
		return fmt.Sprintf("is %q, and can't be negative", n.Value)
	default:
		return fmt.Sprintf("is %q, which is not %s", n.Value, kind(t))
	}
}

// quotedText matches what an error of net/url quotes of a URL: for a password with a slash, part of
// it is an "invalid port".
func quotedText() *regexp.Regexp { return regexp.MustCompile(` "[^"]*"`) }

// kind names the values of a type.
func kind(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[model.Duration]():
		return "a duration"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64:
		return "a number"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "a whole number"
	default:
		return "a legal value"
	}
}

// example is a legal value of a type.
func example(t reflect.Type) string {
	switch {
	case t == reflect.TypeFor[model.Duration]():
		return "30s, 5m or 1h30m"
	case t == reflect.TypeFor[*commonconfig.URL](), t == reflect.TypeFor[commonconfig.URL](), t == reflect.TypeFor[*URL](), t == reflect.TypeFor[*HookURL]():
		return "http://host:port"
	case t == reflect.TypeFor[commonconfig.TLSVersion]():
		return "TLS12 or TLS13"
	case t.Kind() == reflect.Bool:
		return "true or false"
	case t.Kind() == reflect.Float64:
		return "a number such as 0.5"
	case t.Kind() == reflect.Int, t.Kind() == reflect.Int64:
		return "a number such as 4"
	default:
		return "a text, in quotes if it contains a colon"
	}
}
