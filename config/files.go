// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// missingFiles finds files that settings name (password_file, ca_file, …) and that can't be read.
// They are read only when their server is used, so otherwise the daemon would fail with the first
// alert.
func (d *decoder) missingFiles() (missing Errors) {
	for path, name := range d.texts {
		if name == "" || !namesFile(path) {
			continue
		}
		f, err := os.Open(below(filepath.Dir(d.file), name))
		if err == nil {
			_ = f.Close() // opened for reading only
			continue
		}
		p := d.places[path]
		missing = append(missing, Mistake{
			File: d.file, Line: p.line, Column: p.column, What: fmt.Sprintf("%s: the file %s can't be read: %s", path, name, reasonOf(err)),
			Hint: "write it, or correct its path, which is relative to this file",
		})
	}
	return missing.Sorted()
}

// namesFile reports whether the value of a path is a file name.
func namesFile(path string) bool {
	key := lastKey(path)
	ofHeader := strings.Contains(path, "http_headers.") && regexp.MustCompile(`^files\[\d+\]$`).MatchString(key)
	return ofHeader || strings.HasSuffix(key, "_file")
}

// IsRuleFile reports whether a file is for rule_files: it has rules, and nothing else that a main
// file may have.
func IsRuleFile(text []byte) bool {
	var doc yaml.Node
	if yaml.Unmarshal(text, &doc) != nil || len(doc.Content) == 0 || doc.Content[0].Kind != yaml.MappingNode {
		return false
	}
	known, _ := fieldsOf(reflect.ValueOf(new(Config)).Elem())
	rules := false
	for i := 0; i+1 < len(doc.Content[0].Content); i += 2 {
		switch key := doc.Content[0].Content[i].Value; {
		case key == "rules":
			rules = true
		case known[key].IsValid():
			return false
		}
	}
	return rules
}
