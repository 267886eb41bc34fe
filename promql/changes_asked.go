// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis/changes"
)

// Changes returns what changed within [ChangesBefore] before a time, as close to a place as its
// labels say, in no order. It sends four queries. Without a namespace, numerous series such as
// those of pods are left out. Symptoms, such as a target that disappeared, are included.
func (f *Fetcher) Changes(ctx context.Context, place model.LabelSet, at time.Time) ([]changes.Change, error) {
	where := Alert{Labels: place, Own: place}.whereabouts()
	where.all = false
	p := Plan{Onset: at, End: at, where: where}
	i := f.inquire(asker{})
	defer func() { f.metrics.spent(i.budget) }()
	ctx, cancel := context.WithTimeout(ctx, f.mostTime)
	defer cancel()
	asked := p.changes()
	answers := i.ask(ctx, asked)
	for _, q := range asked {
		if err := answers.to(q).Err; err != nil {
			return nil, fmt.Errorf("asking Prometheus for %s: %s", q.Name, explain(err))
		}
	}
	return p.changesFound(asked, answers), nil
}
