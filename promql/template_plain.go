// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"text/template"
	tree "text/template/parse"
)

// The template of an annotation is expanded twice, by Prometheus for notifications and by
// culprit, and is written by others than culprit's operator. So it may use only what both
// support, and nothing that turns a short text into a long one.
const plainHint = "an annotation may use {{ $labels.name }} or {{ .Labels.name }}, toLower, toUpper, reReplaceAll, if, and, or, not, eq and ne"

func plainFunctions() []string {
	return []string{"toLower", "toUpper", "reReplaceAll", "and", "or", "not", "eq", "ne"}
}

// withLabels converts $labels, as in Prometheus' templates, to culprit's syntax.
func withLabels(text string) string {
	return regexp.MustCompile(`(?s)\{\{.*?\}\}`).ReplaceAllStringFunc(text, func(action string) string {
		return regexp.MustCompile(`\$labels\b`).ReplaceAllString(action, "$$.Labels")
	})
}

// plain returns what a template uses that an annotation must not.
func plain(t *template.Template) error {
	for _, part := range t.Templates() {
		if part != t {
			return errors.New("a template can't be defined in an annotation")
		}
	}
	return plainNode(t.Root)
}

func plainNode(n tree.Node) error {
	switch n := n.(type) {
	case *tree.ListNode:
		if n == nil { // there is no else
			return nil
		}
		return plainEach(n.Nodes)
	case *tree.ActionNode:
		return plainNode(n.Pipe)
	case *tree.IfNode:
		return errors.Join(plainNode(n.Pipe), plainNode(n.List), plainNode(n.ElseList))
	case *tree.PipeNode:
		return plainPipe(n)
	case *tree.CommandNode:
		return plainEach(n.Args)
	case *tree.IdentifierNode:
		if !slices.Contains(plainFunctions(), n.Ident) {
			return fmt.Errorf("%s can't be used in an annotation", n.Ident)
		}
		return nil
	case *tree.FieldNode:
		return plainField(n.Ident)
	case *tree.VariableNode:
		return plainField(n.Ident[1:])
	case *tree.TextNode, *tree.StringNode, *tree.NumberNode, *tree.BoolNode:
		return nil
	default:
		return fmt.Errorf("%s can't be used in an annotation", n)
	}
}

func plainPipe(n *tree.PipeNode) error {
	if len(n.Decl) > 0 {
		return fmt.Errorf("a variable can't be set in an annotation: %s", n)
	}
	for _, c := range n.Cmds {
		if err := plainNode(c); err != nil {
			return err
		}
	}
	return nil
}

func plainEach(nodes []tree.Node) error {
	for _, n := range nodes {
		if err := plainNode(n); err != nil {
			return err
		}
	}
	return nil
}

// plainField allows only the value of a label.
func plainField(ident []string) error {
	if len(ident) != 2 || ident[0] != "Labels" {
		return fmt.Errorf(".%s can't be used in an annotation", strings.Join(ident, "."))
	}
	return nil
}
