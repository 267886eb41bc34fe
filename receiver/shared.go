// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/culprit-dev/culprit/promql"
)

// shared is what outlives a reload: metrics, which may be registered once only.
type shared struct {
	queries *promql.Metrics
}

func newShared(opt Options) *shared {
	return &shared{queries: promql.NewMetrics(opt.Registry)}
}
