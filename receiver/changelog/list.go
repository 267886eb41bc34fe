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

// pageSize is how many changes are looked at before whoever writes has a turn.
const pageSize = 1000

// List returns the changes that a filter lets pass, newest first.
func (b *Book) List(ctx context.Context, f Filter) ([]Change, error) {
	list := []Change{}
	at := f.After
	if at == (Cursor{}) && !f.To.IsZero() {
		at = Cursor{At: f.To.Add(1)} // nothing after To
	}
	for {
		page := b.before(at)
		for _, c := range page { // without the lock: a filter may take long
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

// before returns the page of changes behind a place, newest first.
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

// past says whether a change began so early that neither it nor any that is older
// can reach into the time of the filter.
func (f Filter) past(c Change) bool { return !f.From.IsZero() && c.At.Before(f.From.Add(-maxSpan)) }

// maxBetween is how many changes one alert is brought together with.
const maxBetween = 1000

// Between returns the changes of which a part lies in a time, both ends
// inclusive, in the order of their beginnings: the newest 1,000, and how many older
// ones it leaves out.
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

// begin is the place of the first change that is not before a time. The caller
// holds the lock.
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
