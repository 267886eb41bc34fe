package web

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// figureName is what people call a figure of the evidence.
type figureName struct {
	key, name string
	write     func(v any, unit words.Unit) string // nil: as its type is written
}

// figureNames are the names of figures of the evidence that people may not
// know, in the order in which they are read. Figures that are not among them
// come after these under their own name.
func figureNames() []figureName {
	return []figureName{
		{key: "scope", name: "looked at inside"},
		{"forecast", "expected", amount},
		{"actual", "actual", amount},
		{"before", "before", amount},
		{"after", "in the incident", amount},
		{"since", "moved since", instant},
		{"share", "share of the change", part},
		{key: "ratio", name: "actual by expected"},
		{key: "appeared", name: "there was nothing of it before"},
		{key: "vanished", name: "there is nothing of it now"},
		{key: "rollover", name: "one value took the place of another"},
		{key: "offsetting", name: "moved against the total"},
		{key: "gross", name: "the total stood still"},
		{key: "surprise", name: "surprise, bits"},
		{key: "score_by_chance", name: "score that chance hardly reaches"},
		{key: "leaves", name: "combinations of labels in it"},
		{key: "only_of", name: "series beside which it is the only one"},
		{key: "partial_leaves", name: "of them lack samples"},
		{key: "homogeneity", name: "how alike they moved, 0 to 1"},
		{"rate_effect", "share of the change by changed rates", part},
		{"mix_effect", "share of the change by changed traffic", part},
		{key: "deviation", name: "deviation, in units of its own noise"},
		{key: "residual", name: "deviation that its parents don't explain"},
		{key: "association", name: "association with the KPI, |r|"},
		{key: "coefficient", name: "coefficient of the regression"},
		{key: "relevance", name: "relevance in the regression, 0 to 1"},
		{key: "selected", name: "chosen by the regression"},
		{key: "phi", name: "contribution, in the KPI's unit (φ)"},
		{"psi", "share of the change by the regression (ψ)", part},
		{"unexplained", "left unexplained by the regression", part},
		{key: "service", name: "service"},
		{key: "kind", name: "kind of metric"},
		{key: "query", name: "query"},
		{key: "members", name: "can't be told apart from"},
		{"shares", "share of each alert", part},
	}
}

// evidence puts the figures behind a cause into words. Amounts are in the unit
// of the cause. What tells nothing, as an empty list or the cause's own name, is
// left out.
func evidence(f analysis.Finding, unit words.Unit) []pair {
	known := figureNames()
	place := func(key string) int {
		if i := slices.IndexFunc(known, func(n figureName) bool { return n.key == key }); i >= 0 {
			return i
		}
		return len(known)
	}
	keys := make([]string, 0, len(f.Evidence))
	for key := range f.Evidence {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, func(a, b string) int { return cmp.Or(cmp.Compare(place(a), place(b)), cmp.Compare(a, b)) })
	out := make([]pair, 0, len(keys))
	for _, key := range keys {
		n := figureName{name: strings.ReplaceAll(key, "_", " ")}
		if at := place(key); at < len(known) {
			n = known[at]
		}
		write := n.write
		if write == nil {
			write = plain
		}
		if value := figure(f.Evidence[key], unit, write); value != "" && value != "unknown" && value != f.Name {
			out = append(out, pair{n.name, value})
		}
	}
	return out
}

// figure writes one value of the evidence, as it is after its way through
// JSON or before it: the members of a list or an object one by one.
func figure(v any, unit words.Unit, write func(any, words.Unit) string) string {
	switch v := v.(type) {
	case []string:
		return listed(v)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = figure(v[i], unit, write)
		}
		return listed(parts)
	case map[string]float64:
		return joinFigures(v, unit, write)
	case map[string]any:
		return joinFigures(v, unit, write)
	default:
		return write(v, unit)
	}
}

func joinFigures[T any](figures map[string]T, unit words.Unit, write func(any, words.Unit) string) string {
	parts := make([]string, 0, len(figures))
	for key, v := range figures {
		parts = append(parts, key+" "+figure(any(v), unit, write))
	}
	slices.Sort(parts)
	return strings.Join(parts, ", ")
}

// listed writes a list as people say it: a, b and c.
func listed(parts []string) string {
	if n := len(parts); n > 1 {
		return strings.Join(parts[:n-1], ", ") + " and " + parts[n-1]
	}
	return strings.Join(parts, "")
}

// plain writes a value as its type is written.
func plain(v any, _ words.Unit) string {
	switch v := v.(type) {
	case nil:
		return ""
	case float64:
		return words.Number(v)
	case int:
		return strconv.Itoa(v)
	case bool:
		if v {
			return "yes"
		}
		return "no"
	default:
		return fmt.Sprint(v)
	}
}

// amount writes a value in the unit of the cause.
func amount(v any, unit words.Unit) string { return number(v, unit.Format) }

// part writes a share.
func part(v any, _ words.Unit) string { return number(v, share) }

// instant writes Unix seconds.
func instant(v any, _ words.Unit) string {
	return number(v, func(t float64) string { return clockSeconds(t) + " UTC" })
}

// number writes what is a number, and anything else as it is.
func number(v any, format func(float64) string) string {
	switch v := v.(type) {
	case float64:
		return format(v)
	case int:
		return format(float64(v))
	default:
		return plain(v, "")
	}
}
