// SPDX-License-Identifier: Apache-2.0

package ruletest

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/confidence"
	"github.com/culprit-dev/culprit/config"
	"github.com/culprit-dev/culprit/promql"
	"github.com/culprit-dev/culprit/receiver"
	"github.com/culprit-dev/culprit/receiver/explain"
	"github.com/culprit-dev/culprit/receiver/find"
	"github.com/culprit-dev/culprit/receiver/report"
)

// Outcome is what became of one alert of a test.
type Outcome struct {
	Test     string          `json:"test"`
	Alert    string          `json:"alert"`
	Failures []string        `json:"failures"` // empty: it is as expected
	Summary  string          `json:"summary"`
	Result   analysis.Result `json:"result"`

	Report report.Report `json:"-"`
}

// Run runs all tests of a file. The error says what can't be run.
func (f *File) Run(ctx context.Context) ([]Outcome, error) {
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for i, t := range f.Tests {
		if t.Name == "" {
			t.Name = fmt.Sprintf("tests[%d]", i)
		}
		more, err := t.Run(ctx, cfg)
		if err != nil {
			return outcomes, fmt.Errorf("%s: %w", t.Name, err)
		}
		outcomes = append(outcomes, more...)
	}
	return outcomes, nil
}

// config is the configuration with the rules to test.
func (f *File) config() (*config.Config, error) {
	cfg, err := config.Parse("test", []byte(`prometheus: {url: "http://localhost"}`))
	if f.ConfigFile != "" {
		cfg, err = receiver.LoadConfig(f.ConfigFile)
	}
	if err != nil {
		return nil, err
	}
	for _, glob := range f.RuleFiles {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("rule_files: %s matches no file", glob)
		}
		for _, file := range files {
			rules, err := receiver.LoadRules(file)
			if err != nil {
				return nil, err
			}
			cfg.Rules = append(cfg.Rules, rules...)
		}
	}
	return cfg, nil
}

const defaultInterval = time.Minute

// Run asks about the alerts of one test, by the rules and options of a
// configuration; its servers are not asked.
func (t Test) Run(ctx context.Context, cfg *config.Config) ([]Outcome, error) {
	interval := time.Duration(t.Interval)
	if interval == 0 {
		interval = defaultInterval
	}
	series, err := newStore(t.InputSeries, interval)
	if err != nil {
		return nil, err
	}
	srv, err := newServer(series)
	if err != nil {
		return nil, err
	}
	defer srv.close()
	fetcher, err := srv.fetcher()
	if err != nil {
		return nil, err
	}
	var outcomes []Outcome
	for _, a := range t.Alerts {
		q := explain.QuestionOf(cfg, a.subject())
		r := explain.Report(ctx, fetcher, q)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		outcomes = append(outcomes, Outcome{Test: t.Name, Alert: r.Name(), Failures: a.compare(r), Summary: r.Summary, Result: r.Result, Report: r})
	}
	return outcomes, nil
}

// fetcher asks the server of the test.
func (s *server) fetcher() (*promql.Fetcher, error) {
	cfg, err := config.Parse("test", []byte("prometheus: {url: "+strconv.Quote(s.url)+", query_timeout: 1m}"))
	if err != nil {
		return nil, err
	}
	return promql.NewFetcher(cfg.Prometheus, nil)
}

func (a Alert) subject() find.Subject {
	alert := report.Alert{Labels: a.Labels, Annotations: a.Annotations, StartsAt: at(a.Onset), Fingerprint: a.Labels.Fingerprint().String()}
	if a.Expr != "" {
		alert.GeneratorURL = "http://localhost/graph?g0.expr=" + url.QueryEscape(a.Expr)
	}
	return find.Subject{Alert: alert, Onset: at(a.Onset), Now: at(a.At)}
}

// compare says in which way a report is not as expected.
func (a Alert) compare(r report.Report) []string {
	failures := []string{}
	if a.Verdict != "" && a.Verdict != string(r.Result.Verdict) {
		failures = append(failures, fmt.Sprintf("the verdict is %s, not %s", r.Result.Verdict, a.Verdict))
	}
	if a.Summary != "" && a.Summary != r.Summary {
		failures = append(failures, fmt.Sprintf("the line is %q, not %q", r.Summary, a.Summary))
	}
	if a.Causes != nil && len(a.Causes) == 0 {
		if first := slices.IndexFunc(r.Result.Causes, report.Confident); first >= 0 {
			failures = append(failures, "a cause was found where none is expected: "+line(r.Result.Causes[first]))
		}
	}
	for _, c := range a.Causes {
		if err := c.in(r.Result.Causes); err != nil {
			failures = append(failures, err.Error())
		}
	}
	return failures
}

// in looks for the cause. The error says what is there in its place.
func (c Cause) in(causes []analysis.Finding) error {
	i := slices.IndexFunc(causes, c.is)
	if i < 0 {
		return fmt.Errorf("%s is not among the causes; they are: %s", c, lines(causes))
	}
	found := causes[i]
	var errs []error
	if wanted, _ := c.least(); found.Confidence < wanted { // the word has been checked
		errs = append(errs, fmt.Errorf("%s has %s confidence, less than %s", c, found.Confidence, wanted))
	}
	if c.Top > 0 && found.Rank > c.Top {
		errs = append(errs, fmt.Errorf("%s has the rank %d, below %d; before it: %s", c, found.Rank, c.Top, lines(causes[:i])))
	}
	return errors.Join(errs...)
}

// least is the confidence that the cause must have.
func (c Cause) least() (analysis.Confidence, error) {
	return confidence.Parse(cmp.Or(string(c.Confidence), "medium"))
}

func (c Cause) is(f analysis.Finding) bool {
	if c.Series != "" {
		return f.Kind == analysis.KindSeries && (f.Series == c.Series || f.Name == c.Series || f.Metric == c.Series)
	}
	return f.Kind == analysis.KindLabels && slices.ContainsFunc(slices.Concat(f.Labels, f.Evidence.Same), func(set map[string]string) bool { return maps.Equal(set, c.Labels) })
}

// String names the cause as a report does.
func (c Cause) String() string {
	if c.Series != "" {
		return c.Series
	}
	return report.Title(analysis.Finding{Kind: analysis.KindLabels, Labels: []map[string]string{c.Labels}})
}

func line(f analysis.Finding) string {
	return fmt.Sprintf("%d. %s (%s)", f.Rank, report.Title(f), f.Confidence)
}

func lines(causes []analysis.Finding) string {
	if len(causes) == 0 {
		return "none"
	}
	texts := make([]string, len(causes))
	for i, f := range causes {
		texts[i] = line(f)
	}
	return strings.Join(texts, ", ")
}
