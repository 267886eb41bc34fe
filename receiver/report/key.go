// SPDX-License-Identifier: Apache-2.0

package report

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"unicode"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// Keys are short, stable keys that relate reports to each other.
type Keys struct {
	Causes []string // one per confident cause: same label set, series or change
	Set    string   // of all confident label sets and series; empty: none
	Change string   // of the kind and place of the first confident change, at any time; empty: none
}

// KeysOf computes the keys of a report.
func KeysOf(r Report) Keys {
	var k Keys
	var set []string
	for _, f := range r.Result.Causes {
		if !Confident(f) {
			continue
		}
		k.Causes = append(k.Causes, CauseKey(r, f))
		if f.Kind != analysis.KindChange {
			set = append(set, causeText(f))
		} else if f.Change != nil && k.Change == "" {
			k.Change = short("kind", r.ofServer(kindOf(*f.Change)))
		}
	}
	if slices.Sort(set); len(set) > 0 {
		k.Set = short("set", r.ofServer(strings.Join(set, "\x01")))
	}
	return k
}

// All returns the keys to index a report by.
func (k Keys) All() []string {
	all := slices.Clone(k.Causes)
	for _, one := range []string{k.Set, k.Change} {
		if one != "" {
			all = append(all, one)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// CauseKey is equal for the same cause in two reports.
func CauseKey(r Report, f analysis.Finding) string {
	return short("cause", r.ofServer(causeText(f)))
}

// ofServer qualifies a text with the report's server: equal names on two Prometheus servers are
// different things.
func (r Report) ofServer(text string) string {
	if r.Prometheus == "" {
		return text
	}
	return text + "\x02" + r.Prometheus
}

// causeText identifies a cause. A change is one event, whoever found it first; a series goes by its
// own name, whatever a rule calls it.
func causeText(f analysis.Finding) string {
	switch {
	case f.Kind == analysis.KindChange && f.Change != nil:
		return fmt.Sprintf("change\x00%.0f\x00%s\x00%s\x00%q", f.Change.At, f.Change.Title, f.Change.To, f.Change.Labels)
	case f.Kind == analysis.KindSeries:
		return "series\x00" + cmp.Or(f.Metric, f.Series, f.Name)
	default:
		return identity(f)
	}
}

// kindOf identifies what was done and where: the title without words that contain digits, such as
// versions, plus the workload, or else all labels.
func kindOf(c changes.Change) string {
	words := slices.DeleteFunc(strings.Fields(c.Title), func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) })
	where := changes.WorkloadOf(c.Labels)
	if where == "" {
		where = fmt.Sprintf("%q", c.Labels)
	}
	return strings.Join(words, " ") + "\x00" + where
}

// short hashes a text to a fixed length.
func short(kind, text string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + text))
	return kind + ":" + hex.EncodeToString(sum[:12])
}
