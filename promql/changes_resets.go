// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/expr"
)

// A process that exposes neither start time nor uptime still shows a restart: all of its
// counters reset.
const (
	resetLooksBack = 5 * time.Minute // a counter that falls by more than half within this time was reset
	mostResets     = 5               // per process; with more it is crashing, not changed
)

// resets selects the processes behind the KPIs' counters of which at least one counter was
// reset, and none went on. It is empty if the KPIs read no counters.
func (p Plan) resets() string {
	counters := p.counters()
	if len(counters) == 0 {
		return ""
	}
	now := strings.Join(counters, " or ")
	was := offset(counters, resetLooksBack)
	process := strings.Join(processLabels(), ", ")
	return fmt.Sprintf("count by (%[1]s) ((%[2]s) < 0.5 * (%[3]s)) unless count by (%[1]s) ((%[2]s) >= 0.5 * ((%[3]s) > 0))", process, now, was)
}

// counters returns the selectors of which the KPIs take a rate.
func (p Plan) counters() []string {
	var found []string
	for _, t := range p.Targets {
		parser.Inspect(expr.MustParse(t.Query.Query), func(n parser.Node, _ []parser.Node) error {
			call, ok := n.(*parser.Call)
			if !ok || !slices.Contains([]string{"rate", "increase", "irate"}, call.Func.Name) {
				return nil
			}
			if m, ok := call.Args[0].(*parser.MatrixSelector); ok {
				found = append(found, expr.SelectorTexts(m.VectorSelector)...)
			}
			return nil
		})
	}
	slices.Sort(found)
	return slices.Compact(found)
}

// offset joins selectors, each with an offset.
func offset(selectors []string, by time.Duration) string {
	texts := make([]string, len(selectors))
	for i, s := range selectors {
		texts[i] = fmt.Sprintf("%s offset %s", s, model.Duration(by))
	}
	return strings.Join(texts, " or ")
}

// processLabels identify a process.
func processLabels() []string {
	names := []string{}
	for _, l := range append(processNames(), placeLabels()...) {
		names = append(names, string(l))
	}
	return names
}
