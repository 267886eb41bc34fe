// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"slices"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/receiver/report"
)

// queryView is one query with a link to run it.
type queryView struct {
	Role, Name, Query string
	Link              link

	confident bool // a confident cause comes from it
}

// queryGroup holds the queries of one role, which a page folds.
type queryGroup struct {
	Words   string
	Open    bool
	Queries []queryView
}

// groupQueries groups the queries by role, the target first. In a group, those behind confident
// causes come first.
func groupQueries(r report.Report, servers Servers) []queryGroup {
	var groups []queryGroup
	byRole := map[string][]queryView{}
	for _, q := range r.Plan.Queries {
		v := queryView{Role: q.Role, Name: q.Name, Query: q.Query, confident: sureOf(r, q)}
		if v.confident || q.Role != report.RoleCandidate { // the others are many, and rarely run
			v.Link = servers.graph(q.Query, r)
		}
		byRole[q.Role] = append(byRole[q.Role], v)
	}
	for _, role := range []struct{ name, one, many string }{
		{"target", "target", "targets"},
		{"breakdown", "breakdown", "breakdowns"},
		{"candidate", "candidate", "candidates"},
		{"topology", "topology query", "topology queries"},
	} {
		if list := byRole[role.name]; len(list) > 0 {
			groups = append(groups, newQueryGroup(counted(len(list), role.one, role.many), role.name == "target", list))
			delete(byRole, role.name)
		}
	}
	var rest []queryView
	for _, q := range r.Plan.Queries { // unknown roles
		rest = append(rest, byRole[q.Role]...)
		delete(byRole, q.Role)
	}
	if len(rest) > 0 {
		groups = append(groups, newQueryGroup(counted(len(rest), "other query", "other queries"), false, rest))
	}
	return groups
}

func newQueryGroup(words string, open bool, list []queryView) queryGroup {
	slices.SortStableFunc(list, func(a, b queryView) int { return cmp.Compare(rank(a), rank(b)) })
	return queryGroup{words, open, list}
}

func rank(q queryView) int {
	if q.confident {
		return 0
	}
	return 1
}

// sureOf reports whether a confident cause is a series of a query.
func sureOf(r report.Report, q report.Query) bool {
	return q.Role == "candidate" && slices.ContainsFunc(r.Result.Causes, func(f analysis.Finding) bool {
		metric, _ := cutLabels(f.Series)
		return f.Series != "" && report.Confident(f) && metric == q.Name
	})
}
