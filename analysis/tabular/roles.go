// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/changes"
)

// Entry is the pseudo-service of measurements at the entry point. Its series are KPIs and never
// causes; in a call graph it is an ordinary node.
const Entry = "entry"

// Roles say what the columns of a table are. Only Targets is required.
type Roles struct {
	Targets    []string // columns of the KPIs
	Onset, End float64  // Unix seconds of the first and last row of the incident; 0: unknown, and the last row

	Services map[string]string // column → service; others: derived from the name
	Kinds    map[string]string // column → kind; others: derived from the name
	Topology [][2]string       // caller, callee; services may have no series
	Changes  []changes.Change  // what was done; the label service is the service of the columns
	Tiers    map[string]int    // column → tier: a later one can't cause an earlier one

	Scale    string // for all candidates: each or common; empty: the default
	Positive bool   // the KPI can only rise with a candidate
	Lags     []int  // shifts of copies of each candidate, in rows
}

// Override returns the roles with everything that is set in other. Kinds and services are
// overridden column by column.
func (r Roles) Override(other Roles) Roles {
	if len(other.Targets) > 0 {
		r.Targets = other.Targets
	}
	r.Onset, r.End = cmp.Or(other.Onset, r.Onset), cmp.Or(other.End, r.End)
	if other.Topology != nil {
		r.Topology = other.Topology
	}
	if other.Changes != nil {
		r.Changes = other.Changes
	}
	if other.Tiers != nil {
		r.Tiers = other.Tiers
	}
	r.Kinds, r.Services = overlay(r.Kinds, other.Kinds), overlay(r.Services, other.Services)
	r.Scale = cmp.Or(other.Scale, r.Scale)
	r.Positive = r.Positive || other.Positive
	if other.Lags != nil {
		r.Lags = other.Lags
	}
	return r
}

func overlay(below, above map[string]string) map[string]string {
	both := maps.Clone(below)
	if both == nil {
		both = map[string]string{}
	}
	maps.Copy(both, above)
	return both
}

// Frame returns a frame in which all columns are candidates, except the KPIs and those of the
// pseudo-service [Entry].
func (s *Series) Frame(roles Roles) (analysis.Frame, error) {
	if len(roles.Targets) == 0 {
		return analysis.Frame{}, errors.New("no column is named as the KPI")
	}
	if len(s.Times) == 0 {
		return analysis.Frame{}, errors.New("there are no rows below the header")
	}
	f := analysis.Frame{
		Times: s.Times, Onset: roles.Onset, End: roles.End, Topology: roles.Topology, Tiers: roles.Tiers,
		Changes: roles.Changes,
	}
	for _, note := range s.Notes {
		f.Warnings = append(f.Warnings, analysis.Warning{Source: "file", Text: note})
	}
	candidates := s.candidates(roles)
	for _, name := range roles.Targets {
		values, ok := s.Column(name)
		if !ok {
			return analysis.Frame{}, fmt.Errorf("there is no column %q: %s", name, s.similar(name))
		}
		f.Targets = append(f.Targets, analysis.Target{
			Name: name, Kind: roles.Kinds[name], Service: roles.service(name), Values: values, Candidates: candidates,
		})
	}
	return f, nil
}

func (s *Series) candidates(roles Roles) []analysis.Series {
	var list []analysis.Series
	for _, c := range s.Columns {
		service := roles.service(c.Name)
		if slices.Contains(roles.Targets, c.Name) || service == Entry {
			continue
		}
		list = append(list, analysis.Series{
			Name: c.Name, Service: service, Kind: roles.Kinds[c.Name], Values: c.Values,
			Scale: roles.Scale, Positive: roles.Positive, Lags: roles.Lags,
		})
	}
	return list
}

// service returns the service of a column.
func (r Roles) service(column string) string {
	if service, ok := r.Services[column]; ok {
		return service
	}
	return splitName(column)
}

// similar suggests columns: those that share a word with name, or else the first ones.
func (s *Series) similar(name string) string {
	const shown = 5
	words := strings.FieldsFunc(strings.ToLower(name), func(r rune) bool { return strings.ContainsRune("|_{}=\" ", r) })
	var near, all []string
	for _, c := range s.Columns {
		all = append(all, c.Name)
		lower := strings.ToLower(c.Name)
		if slices.ContainsFunc(words, func(w string) bool { return strings.Contains(lower, w) }) {
			near = append(near, c.Name)
		}
	}
	if len(near) > 0 {
		return "did you mean " + strings.Join(near[:min(shown, len(near))], ", ") + "?"
	}
	return "the columns are " + strings.Join(all[:min(shown, len(all))], ", ") + more(len(all)-shown)
}

func more(n int) string {
	if n <= 0 {
		return ""
	}
	return fmt.Sprintf(" and %d more", n)
}
