// SPDX-License-Identifier: Apache-2.0

package config

// Document is a YAML file decoded as strictly as a configuration, with the positions of its values
// and the mistakes so far.
type Document struct{ d *decoder }

// Decode decodes a text into v, a pointer to a struct with yaml keys, as far as possible.
func Decode(file string, text []byte, v any) Document {
	d := newDecoder(file)
	d.document(text, v)
	return Document{d}
}

// At adds a mistake at the value of a path such as "tests[0].name", or at the nearest enclosing one
// that exists, unless the value could not be read.
func (doc Document) At(path, what, hint string) { doc.d.at(path, what, hint) }

// OneOf adds a mistake if a word is neither empty nor legal.
func (doc Document) OneOf(path, word string, legal ...string) { doc.d.oneOf(path, word, legal...) }

// Line is the line of a path's value; 0 if there is none.
func (doc Document) Line(path string) int { return doc.d.places[path].line }

// Mistakes returns all mistakes, by line.
func (doc Document) Mistakes() Errors { return doc.d.mistakes.Sorted() }
