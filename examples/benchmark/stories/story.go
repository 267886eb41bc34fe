// SPDX-License-Identifier: Apache-2.0

package stories

import (
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/receiver/ruletest"
)

// Kind is what was done before an incident.
type Kind string

// The kinds of stories.
const (
	Release   Kind = "bad release"
	Canary    Kind = "bad release on some pods"
	Restart   Kind = "restart"
	Flag      Kind = "flag"
	ScaleDown Kind = "scale-down"
	Reload    Kind = "configuration reload"
	Nothing   Kind = "no change at all"
	Elsewhere Kind = "changes elsewhere only"
)

// Kinds are the kinds in the order in which they take turns.
func Kinds() []Kind {
	return []Kind{Release, Restart, Flag, ScaleDown, Reload, Nothing, Canary, Restart, Flag, ScaleDown, Reload, Elsewhere}
}

// Count is the number of stories of a seed.
const Count = 60

// The times of a story, in minutes.
const (
	history = 240 // before the fault
	length  = 9   // of the fault, as far as known
	delay   = 1   // from the fault to the alert's condition
	mostLag = 20  // from the change to the fault

	earliest = 90 // before the fault: an innocent release of the same service
)

// Story is one incident.
type Story struct {
	Kind       Kind
	Seed       uint64
	Service    string
	Lead       int // minutes from the change to the fault
	Generation int
	Innocent   int    // changes of others
	Before     int    // minutes from an innocent release of the same service to the fault; 0: there is none
	Whole      bool   // the alert is on the whole shop, not on one service
	Versions   bool   // requests have a version label
	Extent     string // how far an incomplete release had got: 3 of 6 pods

	Test ruletest.Test
}

// New draws a story by number and seed.
func New(seed uint64, number int) Story {
	rng := rand.New(rand.NewPCG(seed, uint64(number)))
	s := Story{Kind: Kinds()[number%len(Kinds())], Seed: seed, Whole: number/len(Kinds())%2 == 1, Versions: rng.IntN(2) == 0}
	shop := newShop(rng, s.Versions)
	guilty := shop.services[rng.IntN(len(shop.services))]
	s.Service, s.Lead = guilty.name, rng.IntN(mostLag+1)
	if s.Kind != Nothing {
		s.Innocent = shop.innocents(guilty)
	}
	if s.Kind != Nothing && rng.IntN(3) == 0 {
		s.Before = earliest + rng.IntN(90)
		shop.rollOut(guilty, history-s.Before)
	}
	s.Generation = guilty.generation
	guilty.fault = rng.Float64()*.25 + .15
	if s.Kind == Canary {
		guilty.fault += .4
		s.Extent = fmt.Sprintf("%d of %d pods", guilty.replicas/2, guilty.replicas)
	}
	shop.do(s.Kind, guilty, history-s.Lead)
	s.Test = shop.test(s)
	return s
}

// test returns the story as a rule test.
func (sh *shop) test(s Story) ruletest.Test {
	labels, by := model.LabelSet{"alertname": "ErrorsHigh", "namespace": "shop"}, "namespace"
	if !s.Whole {
		labels["service"], by = model.LabelValue(s.Service), "namespace, service"
	}
	const onset = history + delay
	return ruletest.Test{
		Name: fmt.Sprintf("%s of %s, %d minutes before", s.Kind, s.Service, s.Lead), Interval: ruletest.Duration(interval), InputSeries: sh.series(),
		Alerts: []ruletest.Alert{{
			Labels: labels, Verdict: "any",
			Expr:  fmt.Sprintf(`sum by (%[1]s) (rate(http_requests_total{code="500"}[2m])) / sum by (%[1]s) (rate(http_requests_total[2m])) > 0.02`, by),
			Onset: ruletest.Duration(onset * time.Minute), At: ruletest.Duration((onset + 6) * time.Minute),
		}},
	}
}
