// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"

	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql/promtest"
)

// stormOfRules has a hundred alerts of one rule ask for the rules, in every way in which an
// alert does, while their other answers fill the memory. It returns how many got the rule's
// `for`.
func stormOfRules(t *testing.T, f *Fetcher) (told int) {
	t.Helper()
	const alerts = 100
	known := make([]bool, alerts)
	var storm errgroup.Group
	storm.SetLimit(4)
	for i := range alerts {
		storm.Go(func() error {
			labels := model.LabelSet{"alertname": "Errors", "pod": model.LabelValue(fmt.Sprint("pod-", i))}
			own := url.Values{"g0.expr": {"errors > 3"}}
			f.Complete(t.Context(), config.Rule{}, Alert{Labels: labels, Own: labels, StartsAt: time.Unix(600, 0), Onset: time.Unix(600, 0), GeneratorURL: "http://p/graph?" + own.Encode()}, nil)
			_, _ = f.hasRule(t.Context(), "Errors")
			_, _, _ = f.memory.recall(t.Context(), fmt.Sprint("answer ", i), func() (any, int, error) { return nil, f.memory.most, nil })
			held, ok := f.HeldFor(t.Context(), labels)
			if known[i] = ok; ok && held != 5*time.Minute {
				return fmt.Errorf("for: %s", held)
			}
			return nil
		})
	}
	if err := storm.Wait(); err != nil {
		t.Error(err)
	}
	for _, ok := range known {
		if ok {
			told++
		}
	}
	return told
}

// rulesAsked counts the requests for the rules.
func rulesAsked(s *promtest.Server) (n int) {
	for _, r := range s.Requests() {
		if r.Path == "/api/v1/rules" {
			n++
		}
	}
	return n
}

// serverOfErrors has one rule, and a Fetcher to query it.
func serverOfErrors(t *testing.T) (*promtest.Server, *Fetcher) {
	t.Helper()
	s := promtest.New(t, "load 1m\n  errors{pod=\"pod-1\"} 0+1x20\n")
	s.PutRules(promtest.Rule{Alert: "Errors", Query: "errors > 3", For: 5 * time.Minute})
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	f, err := NewFetcher(config.Prometheus{URL: config.NewURL(u), QueryTimeout: model.Duration(time.Minute)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return s, f
}

func TestAStormAsksForTheRulesOnce(t *testing.T) {
	s, f := serverOfErrors(t)
	if told := stormOfRules(t, f); told != 100 || rulesAsked(s) != 1 {
		t.Errorf("%d alerts know the rule, %d requests", told, rulesAsked(s))
	}
}

// If the rules can't be read, a storm asks for them once, and asks again after the failure
// expires.
func TestStormAsksOnceForRulesThatFail(t *testing.T) {
	s, f := serverOfErrors(t)
	s.Fail("/api/v1/rules", promtest.Failure{Status: 502})
	if told := stormOfRules(t, f); told != 0 || rulesAsked(s) != 1 {
		t.Errorf("%d alerts know the rule, %d requests", told, rulesAsked(s))
	}
	s.Fail("/api/v1/rules", promtest.Failure{})
	f.ruleMemory.entries["rules"].until = time.Now()
	if told := stormOfRules(t, f); told != 100 || rulesAsked(s) != 2 {
		t.Errorf("later: %d alerts know the rule, %d requests", told, rulesAsked(s))
	}
}

// A caller with a short deadline doesn't fail the others.
func TestShortDeadlineDoesNotFailOtherAlerts(t *testing.T) {
	s, f := serverOfErrors(t)
	s.Fail("/api/v1/rules", promtest.Failure{After: time.Hour})
	hasty, cancel := context.WithTimeout(t.Context(), 10*time.Millisecond)
	defer cancel()
	if _, err := f.rules(hasty); !errors.As(err, new(gaveUp)) {
		t.Errorf("%v", err)
	}
	s.Fail("/api/v1/rules", promtest.Failure{})
	if _, known := f.HeldFor(t.Context(), model.LabelSet{"alertname": "Errors"}); !known {
		t.Error("the next one is told nothing")
	}
}
