// SPDX-License-Identifier: Apache-2.0

package report

import (
	"slices"
	"strings"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Title names a cause on one line. A set of labels is written as people say
// it: path=/pay, version=v2, or path=/a and /b where several combinations act
// together. A series goes by its name.
func Title(f analysis.Finding) string {
	if f.Kind == analysis.KindLabels && len(f.Labels) > 0 {
		return combinations(f.Labels)
	}
	for _, name := range []string{f.Name, f.Series} {
		if name = clean(name); name != "" {
			return name
		}
	}
	return "(no name)"
}

// combinations writes several label sets, with the label said once if all
// have that one only.
func combinations(sets []map[string]string) string {
	if label, ok := onlyLabel(sets); ok {
		values := make([]string, len(sets))
		for i, set := range sets {
			values[i] = value(set[label])
		}
		return clean(label) + "=" + words.List(values)
	}
	texts := make([]string, len(sets))
	for i, set := range sets {
		texts[i] = combination(set)
	}
	return words.List(texts)
}

// onlyLabel returns the one label that all sets have and that is all they have.
func onlyLabel(sets []map[string]string) (string, bool) {
	name := ""
	for _, set := range sets {
		if len(set) != 1 {
			return "", false
		}
		for label := range set {
			if name != "" && label != name {
				return "", false
			}
			name = label
		}
	}
	return name, name != ""
}

func combination(set map[string]string) string {
	pairs := make([]string, 0, len(set))
	for label, v := range set {
		pairs = append(pairs, clean(label)+"="+value(v))
	}
	slices.Sort(pairs)
	return strings.Join(pairs, ", ")
}

// value writes a label value so that an empty one is seen. The attribution
// folds rare values into one, and marks leaves that lack the label.
func value(v string) string {
	switch v = clean(v); v {
	case "", "__missing__":
		return `""`
	case "__other__":
		return "(all others)"
	default:
		return v
	}
}

// KPI is the name of what moved: that of the first target, unless it has none
// of its own; then the alert's.
func (r Report) KPI() string {
	if c := r.Result.Change; c != nil {
		if name := clean(c.Target); name != "" && name != "target" {
			return name
		}
	}
	return r.Name()
}

// Name is the alert's name.
func (r Report) Name() string {
	if name := clean(string(r.Alert.Labels[model.AlertNameLabel])); name != "" {
		return name
	}
	return "alert " + r.Alert.Fingerprint
}

// Unit is the unit of the KPI, as far as the target's query tells.
func (r Report) Unit() words.Unit {
	if r.Units.KPI != "" {
		return r.Units.KPI
	}
	return r.unitOf(RoleTarget)
}

// PartUnit is the unit of the parts that the KPI was broken down into: that of
// the KPI, or of its numerator if it is a ratio.
func (r Report) PartUnit() words.Unit {
	if r.Units.Parts != "" {
		return r.Units.Parts
	}
	return r.unitOf(RoleBreakdown)
}

// UnitOf is the unit of the values of a set of labels: that of the parts, or of the
// KPI, where it was compared with those beside it.
func (r Report) UnitOf(f analysis.Finding) words.Unit {
	if f.Method == analysis.MethodPeers {
		return r.Unit()
	}
	return r.PartUnit()
}

// SeriesUnit is the unit of a series among the causes, as far as its query tells.
func (r Report) SeriesUnit(f analysis.Finding) words.Unit {
	for _, q := range r.Plan.Queries {
		if q.Role == RoleCandidate && q.Name == f.Evidence.Query {
			return words.Unit(expr.Unit(q.Query))
		}
	}
	return ""
}

// unitOf is the unit of the first query of a role.
func (r Report) unitOf(role string) words.Unit {
	for _, q := range r.Plan.Queries {
		if q.Role == role {
			return words.Unit(expr.Unit(q.Query))
		}
	}
	return ""
}

// Open says whether the alert still fires, as far as is known.
func (r Report) Open() bool { return r.ResolvedAt == nil }

// Confident says whether a cause passes the mark of its method.
func Confident(f analysis.Finding) bool {
	return f.Confidence != analysis.Low
}

// best returns the first confident cause of a kind.
func best(causes []analysis.Finding, kind string) *analysis.Finding {
	for i := range causes {
		if causes[i].Kind == kind && Confident(causes[i]) {
			return &causes[i]
		}
	}
	return nil
}
