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

// Title names a cause on one line. Label sets are written as people say them: path=/pay,
// version=v2, or path=/a and /b if several act together. A series goes by its name.
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

// combinations formats label sets, naming the label once if it is the only one.
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

// onlyLabel returns the label that every set consists of, if there is one.
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

// value formats a label value so that an empty one is visible. The attribution folds rare values
// into one, and marks parts without the label.
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

// KPI names what moved: the first target's name, or else the alert's.
func (r Report) KPI() string {
	if c := r.Result.Change; c != nil {
		if name := clean(c.Target); name != "" && name != "target" {
			return name
		}
	}
	return r.Name()
}

// Name is the alertname.
func (r Report) Name() string {
	if name := clean(string(r.Alert.Labels[model.AlertNameLabel])); name != "" {
		return name
	}
	return "alert " + r.Alert.Fingerprint
}

// Unit is the unit of the KPI, as far as the target's query shows it.
func (r Report) Unit() words.Unit {
	if r.Units.KPI != "" {
		return r.Units.KPI
	}
	return r.unitOf(RoleTarget)
}

// PartUnit is the unit of the KPI's parts: the KPI's, or that of the numerator of a ratio.
func (r Report) PartUnit() words.Unit {
	if r.Units.Parts != "" {
		return r.Units.Parts
	}
	return r.unitOf(RoleBreakdown)
}

// UnitOf is the unit of a label set's values: that of the parts, or of the KPI if it was compared
// with its peers.
func (r Report) UnitOf(f analysis.Finding) words.Unit {
	if f.Method == analysis.MethodPeers {
		return r.Unit()
	}
	return r.PartUnit()
}

// SeriesUnit is the unit of a series among the causes, as far as its query shows it.
func (r Report) SeriesUnit(f analysis.Finding) words.Unit {
	for _, q := range r.Plan.Queries {
		if q.Role == RoleCandidate && q.Name == f.Evidence.Query {
			return words.Unit(expr.Unit(q.Query))
		}
	}
	return ""
}

// unitOf is the unit of the first query with a role.
func (r Report) unitOf(role string) words.Unit {
	for _, q := range r.Plan.Queries {
		if q.Role == role {
			return words.Unit(expr.Unit(q.Query))
		}
	}
	return ""
}

// Open reports whether the alert still fires, as far as we know.
func (r Report) Open() bool { return r.ResolvedAt == nil }

// Confident reports whether a cause passes the threshold of its method.
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
