// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"log/slog"
	"sync"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/promql"
)

// mistaken logs each mistake in the annotations of alerting rules once: the reports of their alerts
// repeat it. It is safe for concurrent use; nil logs nothing.
type mistaken struct {
	mu   sync.Mutex
	said map[string]bool
}

const mostSaid = 1000 // bounds the memory

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
