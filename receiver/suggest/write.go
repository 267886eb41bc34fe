// SPDX-License-Identifier: Apache-2.0

package suggest

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/expr"
	"github.com/culprit-dev/culprit/receiver/find"
)

const head = `# yaml-language-server: $schema=https://raw.githubusercontent.com/culprit-dev/culprit/main/examples/rules.schema.json
#
# Rules for culprit, suggested from %s.
#
# Each alert is explained without a rule, too, by what its own expression says.
# A rule tells culprit more: keep those of the alerts that wake people, add the
# candidates that you look at yourself when they fire, and delete the rest.
#
#   target      what the alert measures; left out, as here: taken from the alert,
#               with its threshold, its unit and the series beside its own
#   breakdown   labels to tell where from; left out: found when the alert fires
#   candidates  queries whose series may tell why, such as
#                 - {name: cpu, query: 'sum by (pod) (rate(container_cpu_usage_seconds_total[5m]))'}
#
# Load the file with "rule_files: [FILE]" in culprit.yml, and check it with
# "culprit check config culprit.yml --prometheus.url URL".

rules:
`

// Write writes a commented rule file with a rule per entry; source says where they come from.
// Alerting rules with the same name are distinguished by labels, or if that is impossible by the
// alert's expression.
func Write(w io.Writer, source string, entries []Entry) error {
	var b strings.Builder
	fmt.Fprintf(&b, head, oneLine(source))
	written := map[string]bool{}
	for i, e := range entries {
		if i > 0 {
			b.WriteString("\n")
		}
		own := distinguishing(e.Alert, e.Labels, entries)
		name := nameOf(e.Alert, own)
		switch {
		case e.Err != nil:
			writeUnderived(&b, e)
		case written[name]:
			comment(&b, "  # ", e.Alert+" again: the rule "+name+" is for this one, too.")
		default:
			writeRule(&b, e, own, e.unclear(own, entries))
			written[name] = true
		}
	}
	text := b.String()
	if len(written) == 0 {
		text = strings.Replace(text, "\nrules:\n", "\nrules: []\n", 1)
	}
	_, err := io.WriteString(w, text)
	return err
}

// nameOf is the name of a rule: that of the alert, plus distinguishing labels.
func nameOf(alert string, own model.LabelSet) string {
	for _, label := range sortedNames(own) {
		alert += " " + string(own[label])
	}
	return alert
}

func writeUnderived(b *strings.Builder, e Entry) {
	fmt.Fprintf(b, "  # %s: no KPI could be derived from its expression:\n", oneLine(e.Alert))
	comment(b, "  #   ", e.Err.Error())
	comment(b, "  #   ", e.Expr)
}

func writeRule(b *strings.Builder, e Entry, own model.LabelSet, unclear string) {
	comment(b, "  # ", fmt.Sprintf("%s fires when this is %s %s (kind: %s)", e.Alert, e.KPI.Operator, e.KPI.Threshold, e.KPI.Kind))
	for _, g := range e.KPI.Guards {
		comment(b, "  #   ", g.Join+" "+g.Expr)
	}
	matchers := []string{matcher(model.AlertNameLabel, e.Alert)}
	for _, label := range sortedNames(own) {
		matchers = append(matchers, matcher(label, string(own[label])))
	}
	fmt.Fprintf(b, "  - name: %s\n    matchers: [%s]\n", quote(nameOf(e.Alert, own)), strings.Join(matchers, ", "))
	writeTarget(b, e, unclear)
	writeBreakdown(b, e)
	writeCandidates(b, e)
}

// unclear says why the target is left to the alert; empty if it isn't.
func (e Entry) unclear(own model.LabelSet, all []Entry) string {
	switch {
	case len(e.KPI.Others) > 0:
		return "The expression has several branches: the alert decides which of them fires"
	case own == nil && count(e.Alert, all) > 1:
		return "Several alerting rules have this name: the alert decides which of them fires"
	case e.KPI.Kind == expr.KindQuantile:
		return "A quantile is broken down as the share of events beyond the threshold, which the alert provides"
	case strings.Contains(e.KPI.Target, "{{"):
		return "The expression holds {{, which would be a template here; it is taken from the alert"
	default:
		return ""
	}
}

// writeTarget writes the query as a comment, to be edited: the alert itself says more than a copy
// of it, such as the threshold.
func writeTarget(b *strings.Builder, e Entry, unclear string) {
	if unclear != "" {
		comment(b, "    # ", unclear+".")
		return
	}
	query := strings.TrimLeft(pretty(e.KPI.Target), " ")
	if strings.ContainsFunc(query, func(r rune) bool { return r != '\n' && !strconv.IsPrint(r) }) {
		fmt.Fprintf(b, "    # target:\n    #   query: %s\n", strconv.Quote(query)) // only double quotes interpret escapes
		return
	}
	b.WriteString("    # target:\n    #   query: |\n")
	for line := range strings.Lines(query) {
		fmt.Fprintf(b, "    #     %s\n", strings.TrimRight(line, "\n"))
	}
}

func writeBreakdown(b *strings.Builder, e Entry) {
	if e.KPI.Undone != "" {
		comment(b, "    # ", "Not broken down by labels: "+e.KPI.Undone+".")
	}
	for _, d := range e.Doubts {
		comment(b, "    # ", "Note: "+d.Text+".")
	}
	if e.Survey == nil {
		return
	}
	if e.Survey.Series == 0 {
		b.WriteString("    # It has no series now: the labels are found when the alert fires.\n")
	}
	var names, counts []string
	for _, l := range e.Survey.Labels {
		names = append(names, l.Label)
		counts = append(counts, fmt.Sprintf("%s %d", l.Label, l.Values))
	}
	if len(names) > 0 {
		comment(b, "    # ", "Values of each label: "+strings.Join(counts, ", ")+".")
		writeLabels(b, names)
	}
	for _, r := range e.Survey.Refused {
		comment(b, "    # ", "Left out: "+r.Label+", as "+r.Reason+".")
	}
}

// writeLabels writes the labels as a comment: without a choice culprit looks for the place in other
// ways, too.
func writeLabels(b *strings.Builder, names []string) {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = quote(name)
	}
	fmt.Fprintf(b, "    # breakdown: {labels: [%s]}\n", strings.Join(quoted, ", "))
}

func writeCandidates(b *strings.Builder, e Entry) {
	if e.Survey == nil || len(e.Survey.Candidates) == 0 {
		return
	}
	b.WriteString("    candidates: # these have series there\n")
	for _, c := range e.Survey.Candidates {
		fmt.Fprintf(b, "      - name: %s\n", quote(c.Name))
		if c.Kind != "" {
			fmt.Fprintf(b, "        kind: %s\n", quote(c.Kind))
		}
		fmt.Fprintf(b, "        query: %s\n", quote(c.Query))
	}
}

// distinguishing returns the labels that distinguish a rule from others of its name: empty if there
// are no others, nil if they can't all be distinguished.
func distinguishing(alert string, ls model.LabelSet, all []Entry) model.LabelSet {
	own := model.LabelSet{}
	for _, a := range all {
		for _, b := range all {
			if a.Alert != alert || b.Alert != alert || a.Expr == b.Expr && a.Labels.Equal(b.Labels) {
				continue
			}
			differing := differing(a.Labels, b.Labels)
			if len(differing) == 0 {
				return nil
			}
			for _, name := range differing {
				own[name] = ls[name]
			}
		}
	}
	return own
}

// differing returns the labels for which both have different values. Templates may have any value.
func differing(a, b model.LabelSet) []model.LabelName {
	var names []model.LabelName
	for name, v := range a {
		if w := b[name]; v != w && v != "" && w != "" && !strings.Contains(string(v+w), "{{") {
			names = append(names, name)
		}
	}
	return names
}

func count(alert string, all []Entry) int {
	n := 0
	for _, e := range all {
		if e.Alert == alert {
			n++
		}
	}
	return n
}

func sortedNames(ls model.LabelSet) []model.LabelName {
	names := make([]model.LabelName, 0, len(ls))
	for name := range ls {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// matcher formats an Alertmanager matcher as YAML.
func matcher(name model.LabelName, value string) string {
	label := string(name)
	if !model.LegacyValidation.IsValidLabelName(label) {
		label = strconv.Quote(label)
	}
	return "'" + strings.ReplaceAll(label+"="+strconv.Quote(value), "'", "''") + "'"
}

// quote formats a one-line YAML scalar.
func quote(s string) string {
	plain := s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return r != '_' && r != '-' && r != ' ' && (r < '0' || r > '9') && (r < 'a' || r > 'z') && (r < 'A' || r > 'Z')
	})
	if plain && strings.Trim(s, " -0123456789") == s && !slices.Contains([]string{"true", "false", "yes", "no", "on", "off", "null", "y", "n"}, strings.ToLower(s)) {
		return s
	}
	if strings.ContainsAny(s, `"\\`) && !strings.ContainsFunc(s, func(r rune) bool { return r == '\'' || !strconv.IsPrint(r) }) {
		return "'" + s + "'"
	}
	return strconv.Quote(s)
}

// pretty formats a long expression on several lines.
func pretty(query string) string {
	expr, err := find.QueryParser().ParseExpr(query)
	if err != nil {
		return query
	}
	return parser.Prettify(expr)
}

// comment writes a text as a comment, truncated to what people read.
func comment(b *strings.Builder, prefix, text string) {
	const most = 300
	text = oneLine(text)
	if len(text) > most {
		text = strings.ToValidUTF8(text[:most], "") + "…"
	}
	b.WriteString(prefix + text + "\n")
}

func oneLine(s string) string {
	return strings.Join(strings.Fields(strings.ToValidUTF8(s, "�")), " ")
}
