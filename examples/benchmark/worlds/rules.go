// SPDX-License-Identifier: Apache-2.0

package worlds

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/prometheus/common/model"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/receiver/ruletest"
)

// unit is the unit and the names of the KPI: a world in other units is the same world.
type unit struct {
	factor           float64
	events, parts    string // names of counters: of what is summed, and of the part of a ratio
	seconds, holding string // of a mean without its suffix, and of a gauge
}

func units() []unit {
	return []unit{
		{1, "orders_total", "errors_total", "checkout_duration_seconds", "queue_depth"},
		{1000, "sent_bytes_total", "failed_bytes_total", "checkout_duration_milliseconds", "memory_used_bytes"},
		{0.01, "cost_dollars_total", "lost_dollars_total", "checkout_duration_minutes", "load_average"},
		{1, "x_total", "y_total", "z", "w"},
	}
}

// requests returns the factor of the denominator: a ratio has one unit, the denominator of a mean
// is a count.
func (u unit) requests(k kind) float64 {
	if k == ratio {
		return u.factor
	}
	return 1
}

const (
	scrape = 30 * time.Second
	span   = "[2m]" // of rates
	hours  = 150    // minutes of history, if the scene doesn't say
)

// asRules shows the scene as series of a Prometheus, and asks about its alert.
func (s *scene) asRules(ctx context.Context, d drawer) (analysis.Result, error) {
	cfg, err := config.Parse("world", []byte(s.config()))
	if err != nil {
		return analysis.Result{}, err
	}
	outcomes, err := s.test(d).Run(ctx, cfg)
	if err != nil {
		return analysis.Result{}, err
	}
	return outcomes[0].Result, nil
}

// test is the scene as a test of rules.
func (s *scene) test(d drawer) ruletest.Test {
	past := s.past
	if past == 0 {
		past = hours
	}
	minutes := func(m float64) ruletest.Duration {
		return ruletest.Duration(math.Round((past+m)*60) * float64(time.Second))
	}
	labels := model.LabelSet{model.AlertNameLabel: "KpiMoved", "severity": "page"}
	for name, v := range s.alert.own {
		labels[model.LabelName(name)] = model.LabelValue(v)
	}
	return ruletest.Test{
		Name: "world", Interval: ruletest.Duration(scrape), InputSeries: s.series(d, past),
		Alerts: []ruletest.Alert{{Labels: labels, Expr: s.expression(), Onset: minutes(s.lag), At: minutes(s.end())}},
	}
}

// config is culprit's configuration: with a rule that names the KPI and its
// labels, or none.
func (s *scene) config() string {
	text := "prometheus: {url: 'http://localhost'}\n"
	if !s.byRule {
		return text
	}
	text += fmt.Sprintf("rules:\n  - name: kpi\n    matchers: ['alertname=\"KpiMoved\"']\n    target: {query: %q}\n    breakdown: {labels: [%s]}\n",
		s.query(), strings.Join(s.labels, ", "))
	if s.busy != "" {
		text += "    candidates: [{name: " + processor + ", query: " + busyRatio + "}]\n"
	}
	return text
}

// query is PromQL of the KPI.
func (s *scene) query() string {
	agg := func(inner string) string {
		switch s.alert.by {
		case "":
			return "sum(" + inner + ")"
		case eachLeaf:
			return inner
		default:
			return s.alert.by + " (" + inner + ")"
		}
	}
	switch s.kind {
	case ratio:
		return agg("rate("+s.unit.parts+span+")") + " / " + agg("rate("+s.unit.events+span+")")
	case mean:
		return agg("rate("+s.unit.seconds+"_sum"+span+")") + " / " + agg("rate("+s.unit.seconds+"_count"+span+")")
	case gauge:
		return agg(s.unit.holding)
	default:
		return agg("rate(" + s.unit.events + span + ")")
	}
}

// eachLeaf is the aggregation of an alert that fires on single series.
const eachLeaf = "each"

// limitShare is the share of a limit that an alert is about.
const limitShare = 0.9

// expression is that of the alerting rule: the threshold lies half way.
func (s *scene) expression() string {
	var t Truth
	s.measure(&t, 1)
	op, half := " > ", (t.Usual+t.Now)/2
	switch {
	case t.Falling:
		op = " < "
	case t.Now == t.Usual:
		half = 0.8 * t.Usual // it has always been above
	}
	switch s.alert.versus {
	case aLimit:
		return fmt.Sprintf("%s > %v * %s_limit", s.query(), limitShare, s.unit.holding)
	case peers:
		return fmt.Sprintf("%s > 2 * scalar(avg(%s))", s.query(), s.query())
	case yesterday:
		return fmt.Sprintf("%s%s%.3g * %s", s.query(), op, half/t.Usual, strings.ReplaceAll(s.query(), span, span+" offset 1d"))
	default:
		return s.query() + op + number64(half)
	}
}
