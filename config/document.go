// SPDX-License-Identifier: Apache-2.0

package config

// Document is a YAML file that was read as strictly as a configuration. It
// knows where each value stands, and collects the mistakes.
type Document struct{ d *decoder }

// Decode reads the text of a file into v, a pointer to a struct with yaml keys,
// as far as it can.
func Decode(file string, text []byte, v any) Document {
	d := newDecoder(file)
	d.document(text, v)
	return Document{d}
}

// At notes a mistake at the value of a path such as "tests[0].name", or at the
// nearest thing around it. What could not be read is no second mistake.
func (doc Document) At(path, what, hint string) { doc.d.at(path, what, hint) }

// OneOf notes a mistake if a word is neither empty nor one of the legal ones.
func (doc Document) OneOf(path, word string, legal ...string) { doc.d.oneOf(path, word, legal...) }

// Line is that of the value of a path; 0 if it is not there.
func (doc Document) Line(path string) int { return doc.d.places[path].line }

// Mistakes are all that were noted, by line.
func (doc Document) Mistakes() Errors { return doc.d.mistakes.Sorted() }
