// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"

	"github.com/culprit-dev/culprit/config"
)

// smallest is a configuration with one of each mapping that has defaults, and
// nothing in it that could be left out.
const smallest = `
prometheus: {url: http://p}
alertmanagers: [{url: http://a}]
grafana: {url: http://g}
recovery_webhooks: [{url: http://h}]
changes: {grafana: {}}
alertmanager_events: {}
mcp: {}
tracing: {endpoint: "t:4318"}
`

// TestTheReferenceHasTheDefaultsOfTheConfiguration compares the defaults of the
// reference with what the configuration holds where nothing is written.
func TestTheReferenceHasTheDefaultsOfTheConfiguration(t *testing.T) {
	conf, err := config.Parse("test", []byte(smallest))
	if err != nil {
		t.Fatal(err)
	}
	notes, err := allNotes("../..")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	eachValue(reflect.ValueOf(*conf), "", func(k key, path string, v reflect.Value) {
		_, def := k.note(notes)
		switch {
		case !v.IsZero() && !strings.HasSuffix(path, "url") && path != "tracing.endpoint":
			seen++
			text, err := yaml.Marshal(v.Interface())
			have := strings.TrimSpace(string(text))
			if err != nil || def != have && def != fmt.Sprintf("['%s']", strings.TrimPrefix(have, "- ")) {
				t.Errorf("%s: the reference says %q, the configuration has %q", path, def, have)
			}
		case v.Kind() == reflect.Bool && def != "false":
			t.Errorf("%s: the reference says %q, the configuration has false", path, def)
		}
	})
	if seen < 15 {
		t.Errorf("only %d defaults were compared", seen)
	}
}

// eachValue visits the values of a struct, but not those of the methods, whose zero
// values stand for their defaults.
func eachValue(v reflect.Value, path string, visit func(k key, path string, v reflect.Value)) {
	for _, k := range keysOf(v.Type()) {
		field, at := v.FieldByName(k.field.Name), strings.TrimPrefix(path+"."+k.name, ".")
		if k.inner != nil && field.Kind() == reflect.Pointer {
			field = field.Elem()
		}
		if k.inner != nil {
			field = field.FieldByName(k.inner.field.Name)
		}
		inner := field
		if inner.Kind() == reflect.Slice && inner.Len() == 1 {
			inner = inner.Index(0)
		}
		if inner.Kind() == reflect.Pointer {
			inner = inner.Elem()
		}
		switch {
		case !inner.IsValid() || inner.Type().Name() == "Options":
		case inner.Kind() == reflect.Struct && k.inner == nil && !isLeafType(inner.Type()):
			eachValue(inner, at, visit)
		default:
			visit(k, at, field)
		}
	}
}

func isLeafType(t reflect.Type) bool {
	_, ok := leaf(t)
	return ok
}

// TestEveryKeyHasAMeaning finds keys without a comment.
func TestEveryKeyHasAMeaning(t *testing.T) {
	notes, err := allNotes("../..")
	if err != nil {
		t.Fatal(err)
	}
	keys := 0
	for _, s := range sectionsOf(reflect.TypeFor[config.Config]()) {
		for _, k := range keysOf(s.of) {
			keys++
			if meaning, _ := k.note(notes); meaning == "" {
				t.Errorf("%s has no comment that says what it means", ownPath(strings.TrimPrefix(s.paths[0]+"."+k.name, ".")))
			}
		}
	}
	if keys < 130 {
		t.Errorf("only %d keys were found", keys)
	}
}

func TestAPageWithoutAPlaceForTheReferenceIsRefused(t *testing.T) {
	for _, page := range []string{"", referenceBegin, referenceEnd + referenceBegin} {
		if got, err := withReference(page, "text"); err == nil {
			t.Errorf("%q became %q", page, got)
		}
	}
	got, err := withReference("a\n"+referenceBegin+"old\n"+referenceEnd+"z\n", "new\n")
	if want := "a\n" + referenceBegin + "\nnew\n" + referenceEnd + "z\n"; err != nil || string(got) != want {
		t.Errorf("%q, %v, want %q", got, err, want)
	}
}
