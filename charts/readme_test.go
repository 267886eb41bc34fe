// SPDX-License-Identifier: Apache-2.0

package charts

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

var update = flag.Bool("update", false, "write what is generated: the README's table and the rendered configurations")

const (
	tableBegin = "<!-- made from values.yaml: go test -run README -update -->\n"
	tableEnd   = "<!-- end of what is made from values.yaml -->\n"
)

// value is one row of the README's table.
type value struct{ name, def, text string }

func TestTheREADMEListsEveryValue(t *testing.T) {
	file := filepath.Join(chartDir, "README.md")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, ok := strings.Cut(string(text), tableBegin)
	_, after, ok2 := strings.Cut(rest, tableEnd)
	if !ok || !ok2 {
		t.Fatalf("%s has no place for the table", file)
	}
	checkGenerated(t, file, before+tableBegin+"\n"+valuesTable(t)+"\n"+tableEnd+after)
}

// checkGenerated compares a file with what it should be, or writes it with -update.
func checkGenerated(t *testing.T, file, want string) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil || string(got) != want {
		t.Errorf("%s is not what is made now (%v): go test -update ./...", file, err)
	}
}

// valuesTable returns the Markdown table of all values.
func valuesTable(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	b.WriteString("| value | default | what it is |\n|---|---|---|\n")
	for _, v := range documentedValues(t) {
		line := strings.ReplaceAll(fmt.Sprintf("`%s`\x00 `%s`\x00 %s", v.name, v.def, v.text), "|", "\\|")
		fmt.Fprintf(&b, "| %s |\n", strings.ReplaceAll(line, "\x00", " |"))
	}
	return b.String()
}

// documentedValues returns the values of values.yaml, in order. A comment that begins with "# -- "
// documents everything below it as one value; a value without one is a failure.
func documentedValues(t *testing.T) []value {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(chartDir, "values.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	var doc yaml.Node
	if err := yaml.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var found []value
	var walk func(n *yaml.Node, path string)
	walk = func(n *yaml.Node, path string) {
		for i := 0; i+1 < len(n.Content); i += 2 {
			key, child := n.Content[i], n.Content[i+1]
			name := strings.TrimPrefix(path+"."+key.Value, ".")
			if _, text, ok := strings.Cut("\n"+key.HeadComment, "\n# -- "); ok {
				found = append(found, value{name, inline(t, child), strings.ReplaceAll(text, "\n# ", " ")})
			} else if child.Kind == yaml.MappingNode && len(child.Content) > 0 {
				walk(child, name)
			} else {
				t.Errorf("values.yaml:%d: %s is not explained", key.Line, name)
			}
		}
	}
	walk(doc.Content[0], "")
	return found
}

// inline formats a value on one line.
func inline(t *testing.T, n *yaml.Node) string {
	t.Helper()
	strip(n)
	n.Style |= yaml.FlowStyle
	text, err := yaml.Marshal(n)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(strings.Fields(string(text)), " ")
}

// strip removes comments.
func strip(n *yaml.Node) {
	n.HeadComment, n.LineComment, n.FootComment = "", "", ""
	for _, c := range n.Content {
		strip(c)
	}
}
