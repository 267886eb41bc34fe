// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"time"
)

// Role says what a query is for.
type Role string

// The roles.
const (
	RoleTarget    Role = "target"
	RoleBreakdown Role = "breakdown"
	RoleCandidate Role = "candidate"
	RoleTopology  Role = "topology"
	RoleBaseline  Role = "baseline" // when the alert fired before
	RoleChange    Role = "change"   // what was changed
)

// Query is one query to Prometheus.
type Query struct {
	Role  Role
	Name  string // of the target, the candidate or the piece of a breakdown
	Query string // PromQL

	Start, End time.Time     // an instant query is evaluated at End
	Step       time.Duration // 0: instant query
}

// instant says whether q is an instant query.
func (q Query) instant() bool { return q.Step == 0 }

// key identifies queries with the same answer.
func (q Query) key() string {
	return fmt.Sprintf("%d %d %d %s", q.Start.UnixMilli(), q.End.UnixMilli(), q.Step.Milliseconds(), q.Query)
}
