// SPDX-License-Identifier: Apache-2.0

package web

import (
	"context"
	"net/http"
	"time"

	"github.com/culprit-dev/culprit/receiver/changelog"
)

// paged reads the part of a list that a request asks for; older is the address at which
// the list goes on, empty at its end. A cursor names the place of what is in the list, so
// that a link leads to the same while more comes in.
func paged[T any](r *http.Request, f Filter, read func(context.Context, Filter) ([]T, error), place func(T) changelog.Cursor) (list []T, older string, err error) {
	limit := f.Limit
	f.Limit++ // whether there are more
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

// writeList answers with a list. Where there is more of it the header Link leads on.
func (s *server) writeList(w http.ResponseWriter, path, older string, list any) {
	if older != "" {
		w.Header().Set("Link", "<"+s.pages.path(path)+older+`>; rel="next"`)
	}
	writeJSON(w, http.StatusOK, list)
}

// passAfter says whether something stands behind the filter's cursor, in a list that has
// the newest first.
func (f Filter) passAfter(created time.Time, id string) bool {
	if f.After == (changelog.Cursor{}) {
		return true
	}
	c := created.Compare(f.After.At)
	return c < 0 || c == 0 && id < f.After.ID
}
