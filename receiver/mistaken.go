// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"log/slog"
	"sync"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql"
)

// mistaken says once what is wrong with the annotations of alerting rules: each
// report of an alert of theirs says it, too. It is safe for concurrent use, and nil
// says nothing.
type mistaken struct {
	mu   sync.Mutex
	said map[string]bool
}

const mostSaid = 1000 // that are remembered

func (m *mistaken) tell(log *slog.Logger, alert string, warnings []analysis.Warning) {
	for _, w := range warnings {
		if w.Source == promql.SourceAnnotations && m.first(alert+"\x00"+w.Text) {
			log.Warn("The annotations of an alerting rule can't be used as they are", "alert", alert, "err", w.Text)
		}
	}
}

func (m *mistaken) first(text string) bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.said == nil || len(m.said) >= mostSaid {
		m.said = map[string]bool{}
	}
	before := m.said[text]
	m.said[text] = true
	return !before
}
