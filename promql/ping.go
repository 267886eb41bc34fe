package promql

import (
	"context"
	"time"
)

// Ping asks the cheapest question there is: whether the server answers at all.
func (f *Fetcher) Ping(ctx context.Context) error {
	return f.do(ctx, "query", func(ctx context.Context) error {
		_, _, _, err := f.api.Query(ctx, "vector(1)", time.Now())
		return err
	})
}
