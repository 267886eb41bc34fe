// SPDX-License-Identifier: Apache-2.0

package report

import (
	"time"

	"github.com/culprit-dev/culprit/analysis/words"
)

// NoChange says that no change was found before the onset; empty if there was one, or nobody
// looked.
func (r Report) NoChange() string {
	c := r.Result.Changes
	if c == nil || c.Before > 0 || r.Result.Change == nil {
		return ""
	}
	if before := r.Onset.Sub(time.Unix(int64(c.Since), 0)); c.Since > 0 && before > 0 {
		return "No change was found in the " + words.Seconds.Format(before.Round(time.Minute).Seconds()) + " before it"
	}
	return "No change was found before it"
}
