// SPDX-License-Identifier: Apache-2.0

package changelog

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/alertmanager/pkg/labels"
	"github.com/prometheus/common/model"
)

// Filter chooses changes from the book. The zero value lets everything pass.
type Filter struct {
	From, To time.Time // of which a part of the change lies between; zero: no bound
	Matchers labels.Matchers
	Limit    int // at most so many; 0: no limit
	After    Cursor
}

// Cursor is where a list goes on: behind the change with this time and id. The
// zero value is its beginning.
type Cursor struct {
	At time.Time
	ID string
}

// CursorOf is the place behind a change.
func CursorOf(c Change) Cursor { return Cursor{c.At, c.ID} }

// String is the cursor as a part of an address.
func (c Cursor) String() string { return strconv.FormatInt(c.At.UnixNano(), 10) + "." + c.ID }

// ParseCursor reads what [Cursor.String] has written.
func ParseCursor(text string) (Cursor, error) {
	nanos, id, ok := strings.Cut(text, ".")
	n, err := strconv.ParseInt(nanos, 10, 64)
	if !ok || err != nil {
		return Cursor{}, fmt.Errorf("after is %.40q; hint: take it from the header Link of the answer before", text)
	}
	return Cursor{time.Unix(0, n), id}, nil
}

// List returns the changes that a filter lets pass, newest first.
func (b *Book) List(ctx context.Context, f Filter) ([]Change, error) {
	b.mu.RLock()
	all := slices.Clone(b.order) // a filter may take long
	b.mu.RUnlock()
	list := []Change{}
	for _, c := range slices.Backward(all) {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if f.Limit > 0 && len(list) == f.Limit {
			break
		}
		if f.passes(c) {
			list = append(list, c)
		}
	}
	return list, nil
}

func (f Filter) passes(c Change) bool {
	return (f.From.IsZero() || !c.end().Before(f.From)) && (f.To.IsZero() || !c.At.After(f.To)) &&
		(f.After == Cursor{} || compare(c, Change{At: f.After.At, ID: f.After.ID}) < 0) &&
		f.Matchers.Matches(labelSet(c.Labels))
}

func labelSet(set map[string]string) model.LabelSet {
	out := make(model.LabelSet, len(set))
	for name, value := range set {
		out[model.LabelName(name)] = model.LabelValue(value)
	}
	return out
}
