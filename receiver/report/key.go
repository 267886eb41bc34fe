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

// Keys are what reports are brought together by: short, and the same for the same
// thing.
type Keys struct {
	Causes []string // of each confident cause: the same label set, series or change
	Set    string   // of all confident label sets and series; empty: there are none
	Change string   // of the kind and the place of the first confident change, whenever it was; empty: there is none
}

// KeysOf are the keys of a report.
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

// All are the keys by which a report is found again.
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

// CauseKey is the same for the same cause in two reports.
func CauseKey(r Report, f analysis.Finding) string {
	return short("cause", r.ofServer(causeText(f)))
}

// ofServer is a text about what a report has found: what two Prometheus servers name
// alike are two things.
func (r Report) ofServer(text string) string {
	if r.Prometheus == "" {
		return text
	}
	return text + "\x02" + r.Prometheus
}

// causeText tells one cause from all others. A change is one event, whoever has
// found it first; a series goes by its own name, whatever a rule calls it.
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

// kindOf is what was done and where: its title without the words that have a
// figure in them, such as a version, and the workload, or else all labels.
func kindOf(c changes.Change) string {
	words := slices.DeleteFunc(strings.Fields(c.Title), func(w string) bool { return strings.ContainsFunc(w, unicode.IsDigit) })
	where := changes.WorkloadOf(c.Labels)
	if where == "" {
		where = fmt.Sprintf("%q", c.Labels)
	}
	return strings.Join(words, " ") + "\x00" + where
}

// short is a text of a fixed length in the place of one of any.
func short(kind, text string) string {
	sum := sha256.Sum256([]byte(kind + "\x00" + text))
	return kind + ":" + hex.EncodeToString(sum[:12])
}
