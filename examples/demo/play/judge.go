// SPDX-License-Identifier: Apache-2.0

package main

import (
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/examples/lab"
	"github.com/culprit-dev/culprit/receiver/report"
)

// judge checks the causes of a report: the first must be the injected place or the series that
// moved first, and the first place must be the injected one.
func judge(r report.Report, truth lab.Truth) error {
	if len(r.Result.Causes) == 0 {
		return fmt.Errorf("there are no causes; the verdict is %s", r.Result.Verdict)
	}
	var errs []error
	if r.Result.Verdict != analysis.Explained {
		errs = append(errs, fmt.Errorf("the verdict is %s", r.Result.Verdict))
	}
	first := r.Result.Causes[0]
	if !inPlace(first, truth) && !isSeries(first, r, truth) {
		errs = append(errs, fmt.Errorf("the first cause is %s, want %v or %s%v", first.Name, truth.Labels, truth.Metric, truth.Series))
	}
	for _, c := range r.Result.Causes {
		if c.Kind == analysis.KindLabels {
			if !inPlace(c, truth) {
				errs = append(errs, fmt.Errorf("the first place is %s, want %v", c.Name, truth.Labels))
			}
			return errors.Join(errs...)
		}
	}
	return errors.Join(append(errs, errors.New("no place is among the causes"))...)
}

// inPlace reports whether a cause names the injected place: every combination of labels has a label
// of the place, and none that contradicts it.
func inPlace(c analysis.Finding, truth lab.Truth) bool {
	if c.Kind != analysis.KindLabels || len(c.Labels) == 0 {
		return false
	}
	for _, combination := range c.Labels {
		hits := 0
		for name, value := range combination {
			want, known := truth.Labels[name]
			switch {
			case known && value == want:
				hits++
			case known || !implied(truth, name, value):
				return false
			}
		}
		if hits == 0 {
			return false
		}
	}
	return true
}

// implied reports whether everything in the injected place has the label, so that naming it is no
// mistake.
func implied(truth lab.Truth, name, value string) bool { return truth.Implied[name] == value }

// isSeries reports whether a cause is the series that moved first: of a candidate query for the
// metric, with the labels.
func isSeries(c analysis.Finding, r report.Report, truth lab.Truth) bool {
	brace := strings.IndexByte(c.Series, '{')
	if c.Kind != analysis.KindSeries || brace < 0 {
		return false
	}
	set, err := parser.NewParser(parser.Options{}).ParseMetric(c.Series[brace:])
	if err != nil {
		return false
	}
	for name, value := range truth.Series {
		if set.Get(name) != value {
			return false
		}
	}
	return slices.ContainsFunc(r.Plan.Queries, func(q report.Query) bool {
		return q.Name == c.Series[:brace] && strings.Contains(q.Query, truth.Metric)
	})
}

// judgeSeries checks that the series that moved first is among the causes.
func judgeSeries(r report.Report, truth lab.Truth) error {
	if !slices.ContainsFunc(r.Result.Causes, func(c analysis.Finding) bool { return isSeries(c, r, truth) }) {
		return fmt.Errorf("%s%v is not among the causes", truth.Metric, truth.Series)
	}
	return nil
}

// judgeLine checks that the first line has a label of the injected place and, if culprit is
// confident of it, the series that moved first.
func judgeLine(r report.Report, truth lab.Truth) error {
	var errs []error
	if !slices.ContainsFunc(slices.Collect(maps.Keys(truth.Labels)), func(name string) bool {
		return strings.Contains(r.Summary, name+"="+truth.Labels[name])
	}) {
		errs = append(errs, fmt.Errorf("the first line names nothing of %v: %s", truth.Labels, r.Summary))
	}
	for _, c := range r.Result.Causes {
		if isSeries(c, r, truth) && report.Confident(c) && !strings.Contains(r.Summary, c.Series) {
			errs = append(errs, fmt.Errorf("the first line is silent about %s: %s", c.Series, r.Summary))
		}
	}
	return errors.Join(errs...)
}

// levels are the levels of the KPI according to Prometheus.
type levels struct{ usual, now float64 }

// judgeFigures checks the figures of a report: expected is the level before the fault, within a
// quarter of the change; actual is the current level, without the ramp; and no place has more of
// the change than there is, but for noise.
func judgeFigures(r report.Report, l levels) error {
	c := r.Result.Change
	if c == nil {
		return errors.New("it tells no change")
	}
	var errs []error
	move := l.now - l.usual
	if math.Abs(c.Forecast-l.usual) > math.Abs(move)/4 {
		errs = append(errs, fmt.Errorf("%.4g was expected, and the level was %.4g", c.Forecast, l.usual))
	}
	if way := (c.Actual - l.usual) / move; way < 0.5 || way > 1.25 {
		errs = append(errs, fmt.Errorf("it is said to be %.4g now, and is %.4g", c.Actual, l.now))
	}
	for _, f := range r.Result.Causes {
		if f.Kind == analysis.KindLabels && (f.Share <= 0 || f.Share > 1.1) {
			errs = append(errs, fmt.Errorf("%s has %.0f %% of the change", f.Name, 100*f.Share))
		}
	}
	return errors.Join(errs...)
}
