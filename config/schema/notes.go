// SPDX-License-Identifier: Apache-2.0

package schema

import (
	"fmt"
	"go/ast"
	"go/build"
	"go/parser"
	"go/token"
	"path/filepath"
	"reflect"
	"strings"
)

// Notes are the comments of types and fields, by package path, type and field ("" for the type
// itself).
type Notes map[[3]string]string

// ReadNotes reads the comments of packages from their source files.
func ReadNotes(dir string, packages ...string) (Notes, error) {
	notes := Notes{}
	for _, path := range packages {
		p, err := build.Import(path, dir, build.FindOnly)
		if err != nil {
			return nil, fmt.Errorf("looking for the source of %s: %w", path, err)
		}
		if err := notes.read(path, p.Dir); err != nil {
			return nil, err
		}
	}
	return notes, nil
}

// read reads the source files of a package.
func (n Notes) read(path, dir string) error {
	files, err := filepath.Glob(filepath.Join(dir, "*.go"))
	if err != nil {
		return err
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		n.add(path, file)
	}
	return nil
}

func (n Notes) add(path string, file *ast.File) {
	for _, decl := range file.Decls {
		types, ok := decl.(*ast.GenDecl)
		if !ok || types.Tok != token.TYPE {
			continue
		}
		for _, spec := range types.Specs {
			t := spec.(*ast.TypeSpec)
			n[[3]string{path, t.Name.Name, ""}] = sentence(withoutName(text(types.Doc, t.Doc), t.Name.Name))
			if s, ok := t.Type.(*ast.StructType); ok {
				n.addFields(path, t.Name.Name, s)
			}
		}
	}
}

func (n Notes) addFields(path, name string, s *ast.StructType) {
	for _, f := range s.Fields.List {
		for _, id := range f.Names {
			n[[3]string{path, name, id.Name}] = withoutName(text(f.Doc, f.Comment), id.Name)
		}
	}
}

// text joins comments into one line.
func text(groups ...*ast.CommentGroup) string {
	var words []string
	for _, g := range groups {
		words = append(words, strings.Fields(g.Text())...)
	}
	return strings.Join(words, " ")
}

// withoutName removes the name that a Go comment begins with: it means nothing to whoever writes
// YAML.
func withoutName(text, name string) string {
	rest, ok := strings.CutPrefix(text, name+" ")
	if !ok {
		return text
	}
	for _, verb := range []string{"is ", "are "} {
		rest = strings.TrimPrefix(rest, verb)
	}
	return strings.TrimSuffix(rest, ".")
}

// sentence formats a text as sentences.
func sentence(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// of returns the comment of a field, or of the type if field is "".
func (n Notes) of(t reflect.Type, field string) string {
	return n[[3]string{t.PkgPath(), t.Name(), field}]
}
