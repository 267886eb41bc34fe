// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"github.com/culprit-dev/culprit/promql"
)

// shared survives reloads: metrics can be registered only once.
type shared struct {
	queries *promql.Metrics
}

func newShared(opt Options) *shared {
	return &shared{queries: promql.NewMetrics(opt.Registry)}
}
