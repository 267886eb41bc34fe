// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/receiver/changelog"
)

// paged reads the requested page of a list. older is the URL of the next page, empty on the last. A
// cursor is the position of an element, so that links stay valid while elements are added.
func paged[T any](r *http.Request, f Filter, read func(context.Context, Filter) ([]T, error), place func(T) changelog.Cursor) (list []T, older string, err error) {
	limit := f.Limit
	f.Limit++ // one more, to know whether there is another page
	if list, err = read(r.Context(), f); err != nil {
		return nil, "", err
	}
	if list == nil {
		list = []T{} // [], not null
	}
	if len(list) > limit {
		list = list[:limit]
		q := r.URL.Query()
		q.Set("after", place(list[limit-1]).String())
		older = "?" + q.Encode()
	}
	return list, older, nil
}

// writeList sends a list. The Link header leads to the next page.
func (s *server) writeList(w http.ResponseWriter, path, older string, list any) {
	if older != "" {
		w.Header().Set("Link", "<"+s.pages.path(path)+older+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, list)
}

// passAfter reports whether an element comes after the filter's cursor, newest first.
func (f Filter) passAfter(created time.Time, id string) bool {
	if f.After == (changelog.Cursor{}) {
		return true
	}
	c := created.Compare(f.After.At)
	return c < 0 || c == 0 && id < f.After.ID
}
