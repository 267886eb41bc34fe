// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"time"

	"github.com/culprit-dev/culprit/promql/bounded"
)

// Ping sends the cheapest query there is, to see whether the server answers.
func (f *Fetcher) Ping(ctx context.Context) error {
	return f.do(ctx, "query", func(ctx context.Context) error {
		_, _, err := f.client.Query(ctx, bounded.Question{Query: "vector(1)", End: time.Now(), Series: 1, Samples: 1})
		if cut := (*bounded.Cut)(nil); errors.As(err, &cut) {
			return nil // an oversized answer is an answer
		}
		return err
	})
}
