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

	"github.com/culprit-dev/culprit/analysis/changes"
)

// Filter selects changes. The zero value passes everything.
type Filter struct {
	From, To time.Time // range that the change must overlap; zero: unbounded
	Matchers labels.Matchers
	Limit    int // 0: unlimited
	After    Cursor
}

// Cursor is a position in the list, behind the change with this time and ID. The zero value is the
// start.
type Cursor struct {
	At time.Time
	ID string
}

// CursorOf is the position behind a change.
func CursorOf(c Change) Cursor { return Cursor{c.At, c.ID} }

// String encodes the cursor for a URL.
func (c Cursor) String() string { return strconv.FormatInt(c.At.UnixNano(), 10) + "." + c.ID }

// ParseCursor decodes [Cursor.String].
func ParseCursor(text string) (Cursor, error) {
	nanos, id, ok := strings.Cut(text, ".")
	n, err := strconv.ParseInt(nanos, 10, 64)
	if !ok || err != nil {
		return Cursor{}, fmt.Errorf("after is %.40q; hint: take it from the header Link of the answer before", text)
	}
	return Cursor{time.Unix(0, n), id}, nil
}

// pageSize is how many changes are examined at a time, so that writers don't wait long.
const pageSize = 1000

// List returns the changes that pass a filter, newest first.
func (b *Book) List(ctx context.Context, f Filter) ([]Change, error) {
	list := []Change{}
	at := f.After
	if at == (Cursor{}) && !f.To.IsZero() {
		at = Cursor{At: f.To.Add(1)} // nothing after To
	}
	for {
		page := b.before(at)
		for _, c := range page { // unlocked: filtering may be slow
			if f.Limit > 0 && len(list) == f.Limit || f.past(c.Change) {
				return list, nil
			}
			if f.passes(c.Change) {
				list = append(list, c.Change)
			}
		}
		if len(page) < pageSize {
			return list, nil
		}
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		at = CursorOf(page[len(page)-1].Change)
	}
}

// before returns the page of changes behind a position, newest first.
func (b *Book) before(place Cursor) []*entry {
	b.mu.RLock()
	defer b.mu.RUnlock()
	end := len(b.order)
	if place != (Cursor{}) {
		end, _ = slices.BinarySearchFunc(b.order, &entry{Change: Change{At: place.At, ID: place.ID}}, compareEntries)
	}
	page := slices.Clone(b.order[max(0, end-pageSize):end])
	slices.Reverse(page)
	return page
}

func (f Filter) passes(c Change) bool {
	return (f.From.IsZero() || !c.end().Before(f.From)) && (f.To.IsZero() || !c.At.After(f.To)) && f.Matchers.Matches(labelSet(c.Labels))
}

// past reports whether a change began too early for it, or any older one, to overlap the filter's
// range.
func (f Filter) past(c Change) bool { return !f.From.IsZero() && c.At.Before(f.From.Add(-maxSpan)) }

// maxBetween bounds the changes considered for one alert.
const maxBetween = 1000

// Between returns the newest 1,000 changes that overlap a time range, both ends inclusive, ordered
// by start; and how many older ones it leaves out.
func (b *Book) Between(_ context.Context, from, to time.Time) (list []changes.Change, older int, err error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	for _, c := range slices.Backward(b.order[b.begin(from.Add(-maxSpan)):]) {
		switch {
		case c.At.After(to) || c.end().Before(from):
		case len(list) == maxBetween:
			older++
		default:
			list = append(list, c.Event())
		}
	}
	slices.Reverse(list)
	return list, older, nil
}

// begin is the index of the first change not before t. The caller holds b.mu.
func (b *Book) begin(t time.Time) int {
	at, _ := slices.BinarySearchFunc(b.order, &entry{Change: Change{At: t}}, compareEntries)
	return at
}

func labelSet(set map[string]string) model.LabelSet {
	out := make(model.LabelSet, len(set))
	for name, value := range set {
		out[model.LabelName(name)] = model.LabelValue(value)
	}
	return out
}
