// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
)

// Restricting any expression to the labels of one of its series keeps that series and its
// value.
func TestAnExpressionThatIsHeldKeepsTheAlertsOwnSeries(t *testing.T) {
	serial(t)
	engine := newEngine(t)
	held := 0
	for seed := range uint64(400) {
		rng := rand.New(rand.NewPCG(seed, 8))
		g := grammar{rng.IntN}
		text := g.one(g.vector(3), fmt.Sprintf(g.one(`count_values%s("copy", %s)`, "quantile%s(0.5, %s)"), g.grouping(), g.vector(2)))
		e, err := Parse(text)
		if err != nil {
			continue
		}
		w := newWorld(e, seed)
		whole, err := w.run(t, engine, text)
		if err != nil {
			continue
		}
		for r, regime := range whole {
			for _, one := range regime {
				result := model.LabelSet{}
				one.labels.Range(func(l labels.Label) {
					if l.Name != model.MetricNameLabel {
						result[model.LabelName(l.Name)] = model.LabelValue(l.Value)
					}
				})
				own := MustParse(text)
				ScopeResult(own, result)
				if own.String() == e.String() {
					continue
				}
				held++
				again, err := w.run(t, engine, own.String())
				if err != nil {
					t.Fatalf("%s: %v", own, err)
				}
				if got, ok := again[r][one.labels.String()]; !ok || math.Abs(got.value-one.value) > 1e-9*math.Abs(one.value) {
					t.Errorf("%d: %s\n\t%s\n\t%s: %v, was %v", seed, text, own, one.labels, got, one.value)
				}
				break
			}
		}
	}
	if held < 100 {
		t.Errorf("%d were held", held)
	}
}
