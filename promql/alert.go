// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Alert is what a plan needs to know about an alert.
type Alert struct {
	Labels       model.LabelSet // as in Alertmanager
	Annotations  model.LabelSet
	StartsAt     time.Time // onset plus the rule's `for`
	GeneratorURL string
	Fingerprint  string

	Onset time.Time      // when its condition began to hold, from Fetcher.ActiveAt; zero: StartsAt
	Own   model.LabelSet // without external labels, as on series; nil: Labels
	KPI   *KPI           // what the expression measures, from Fetcher.Locate; nil: derived from GeneratorURL
	Past  bool           // explained again later, so it is no part of a storm
	Trust config.Trust   // in the expression of GeneratorURL; empty: any expression

	Annotated      bool // the annotations of its rule in Prometheus may configure it: see config.RuleAnnotations
	ChangesUnasked bool // Prometheus is not asked what changed: see config.Changes

	// Part restricts the KPI to a part of its series; nil: no restriction.
	Part []*labels.Matcher

	Storm  bool           // many alerts of this name fire at once, so what they share is analysed
	Shared model.LabelSet // in a storm: labels common to all its alerts

	// Series maps labels that the alert lacks to the values that the KPI's series have for
	// them, if those are few; see Fetcher.Complete.
	Series map[string][]string

	cluster string // template of matchers that restrict candidates to the alert's cluster; empty: there is only one
}

// KPI is what an alert's expression measures, with what Prometheus added.
type KPI struct {
	expr.Derivation
	Unread   bool           // the expression is unknown or no PromQL, so alerts of the name are counted
	Expanded string         // Target with its recording rules expanded; empty: it uses none
	Result   model.LabelSet // labels of the expression's own result for this alert; nil: unknown
	Scrape   time.Duration  // time between two samples; 0: unknown
}

// evaluated returns when to evaluate the alert's expression: when it fired, but never in the
// future.
func (a Alert) evaluated(now time.Time) time.Time {
	for _, t := range []time.Time{a.StartsAt, a.Onset} {
		if !t.IsZero() && t.Before(now) {
			return t
		}
	}
	return now
}

// subsetOf says whether b has every label of a with the same value.
func subsetOf(a, b model.LabelSet) bool {
	for name, v := range a {
		if w, ok := b[name]; !ok || w != v {
			return false
		}
	}
	return true
}
