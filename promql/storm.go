// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"sync"
	"time"

	"github.com/prometheus/common/model"
)

// In a storm, many alerts of one name fire at about the same time.
const (
	stormFrom   = 10 // alerts of one name within stormWindow
	stormWindow = time.Minute
	stormFactor = 15 // a storm may send as many queries as this many of its alerts
)

// storms tracks queries by alert name. It is safe for concurrent use.
type storms struct {
	mu   sync.Mutex
	name map[string]*storm
}

type storm struct {
	alerts  map[model.Fingerprint]time.Time // when each was last seen
	shared  model.LabelSet                  // labels common to all of them
	asked   []time.Time                     // time of each query of the last stormWindow
	own     map[model.Fingerprint]int       // queries of each alert
	largest int                             // largest value of own
}

// asker is the alert that a query is sent for; zero: none.
type asker struct {
	name string
	id   model.Fingerprint
}

func (a Alert) asker() asker {
	if a.Past {
		return asker{}
	}
	return asker{string(a.Labels[model.AlertNameLabel]), a.Labels.Fingerprint()}
}

func newStorms() *storms { return &storms{name: map[string]*storm{}} }

// see records an alert. It returns the labels common to all alerts of the storm; nil if there
// is no storm.
func (s *storms) see(labels model.LabelSet, now time.Time) (shared model.LabelSet) {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of(string(labels[model.AlertNameLabel]), now)
	if len(st.alerts) == 0 {
		st.shared = labels.Clone()
	}
	st.alerts[labels.Fingerprint()] = now
	for name, v := range st.shared {
		if labels[name] != v {
			delete(st.shared, name)
		}
	}
	if len(st.alerts) <= stormFrom {
		return nil
	}
	return st.shared.Clone()
}

// of returns the storm of a name, after dropping what is out of date.
func (s *storms) of(name string, now time.Time) *storm {
	for other, st := range s.name {
		st.forget(now)
		if len(st.alerts) == 0 && len(st.asked) == 0 {
			delete(s.name, other)
		}
	}
	if s.name[name] == nil {
		s.name[name] = &storm{alerts: map[model.Fingerprint]time.Time{}, own: map[model.Fingerprint]int{}}
	}
	return s.name[name]
}

func (st *storm) forget(now time.Time) {
	for fp, seen := range st.alerts {
		if now.Sub(seen) > stormWindow {
			delete(st.alerts, fp)
		}
	}
	for len(st.asked) > 0 && now.Sub(st.asked[0]) > stormWindow {
		st.asked = st.asked[1:]
	}
	if len(st.asked) == 0 {
		clear(st.own)
	}
}

// ask counts a query for an alert, or returns an error if the alerts of its name have sent
// enough. The alert with the most queries may always go on, so that at least one is explained
// as if it were alone.
func (s *storms) ask(a asker, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.of(a.name, now)
	if len(st.asked) >= stormFactor*st.largest && st.own[a.id] < st.largest {
		return &overBudget{
			"many alerts of this name fire at once, so queries specific to this one were left out",
			"look at the alerts of the same name that came first",
		}
	}
	st.asked = append(st.asked, now)
	st.own[a.id]++
	st.largest = max(st.largest, st.own[a.id])
	return nil
}
