// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/expr"
)

// Alert is what a plan needs to know of an alert.
type Alert struct {
	Labels       model.LabelSet // as Alertmanager has them
	Annotations  model.LabelSet
	StartsAt     time.Time // onset plus the rule's `for`
	GeneratorURL string
	Fingerprint  string

	Onset time.Time      // when the condition began to hold: see Fetcher.ActiveAt; zero: StartsAt
	Own   model.LabelSet // the labels without external ones, as series have them; nil: Labels
	KPI   *KPI           // what the expression measures: see Fetcher.Locate; nil: told from GeneratorURL
	Past  bool           // it is looked at again, and counts for no storm
	Trust config.Trust   // in the expression of GeneratorURL; empty: any

	Annotated      bool // its rule in Prometheus may say how it is explained: see config.RuleAnnotations
	ChangesUnasked bool // Prometheus is not asked what changed: see config.Changes

	// Part holds the KPI to a part of its series; nil: it is looked at as a whole.
	Part []*labels.Matcher

	Storm  bool           // many alerts of the same name fire at once, so that what they share is looked at
	Shared model.LabelSet // in a storm: the labels that all its alerts have

	// Series are the values of labels that the alert does not have and the series
	// have that its KPI is made of, as far as they are few: see Fetcher.Complete.
	Series map[string][]string

	cluster string // matchers, as a template, that hold candidates to the alert's cluster; empty: there is one only
}

// KPI is what an alert's expression measures, as far as Prometheus was asked.
type KPI struct {
	expr.Derivation
	Unread   bool           // the expression is not known, or no PromQL: alerts of the name are counted
	Expanded string         // Target with its recording rules written out; empty: it has none
	Result   model.LabelSet // labels of the expression's own result for this alert; nil: not known
	Scrape   time.Duration  // between two samples; 0: not known
}

// evaluated is when the alert's expression is looked at: when it fired, and
// never in the future.
func (a Alert) evaluated(now time.Time) time.Time {
	for _, t := range []time.Time{a.StartsAt, a.Onset} {
		if !t.IsZero() && t.Before(now) {
			return t
		}
	}
	return now
}

// subsetOf says whether every label of a is in b, with the same value.
func subsetOf(a, b model.LabelSet) bool {
	for name, v := range a {
		if w, ok := b[name]; !ok || w != v {
			return false
		}
	}
	return true
}
