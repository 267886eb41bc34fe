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

// Outcome is the result for one alert of a test.
type Outcome struct {
	Test     string          `json:"test"`
	Alert    string          `json:"alert"`
	Line     int             `json:"line"`     // of the alert in its file; 0: unknown
	Failures []Failure       `json:"failures"` // empty: the test passed
	Summary  string          `json:"summary"`
	Result   analysis.Result `json:"result"`

	Report report.Report `json:"-"`
}

// Failure is one unmet expectation. In JSON it is a string.
type Failure struct {
	Line int // of the expectation; 0: unknown
	Text string

	path string // of the expectation, relative to the alert
}

// MarshalText returns the text; the [Outcome] has the line.
func (f Failure) MarshalText() ([]byte, error) { return []byte(f.Text), nil }

// Run runs all tests of a file. The error says what prevents that; it is a [config.Errors] if lines
// are to blame.
func (f *File) Run(ctx context.Context) ([]Outcome, error) {
	if f.doc == (config.Document{}) { // made rather than read
		f.doc = config.Decode("the tests", nil, &File{})
	}
	cfg, err := f.config()
	if err != nil {
		return nil, err
	}
	if err := f.checkKPIs(cfg); err != nil {
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
		for j := range more {
			f.place(&more[j], fmt.Sprintf("tests[%d].alerts[%d]", i, j))
		}
		outcomes = append(outcomes, more...)
	}
	return outcomes, nil
}

// place sets the lines of an outcome and its failures.
func (f *File) place(o *Outcome, path string) {
	o.Line = f.doc.Line(path)
	for i := range o.Failures {
		o.Failures[i].Line = cmp.Or(f.doc.Line(path+"."+o.Failures[i].path), o.Line)
	}
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
	for i, glob := range f.RuleFiles {
		files, err := filepath.Glob(glob)
		if err != nil || len(files) == 0 {
			return nil, f.noRules(i, glob)
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

// noRules is the error for a glob without a matching file.
func (f *File) noRules(i int, glob string) error {
	f.doc.At(fmt.Sprintf("rule_files[%d]", i), fmt.Sprintf("is %s, which matches no file", glob), "the path is relative to the file of the tests")
	return f.doc.Mistakes()
}

const defaultInterval = time.Minute

// Run explains the alerts of one test, with the rules and options of a configuration, but not its
// servers.
func (t Test) Run(ctx context.Context, cfg *config.Config) ([]Outcome, error) {
	series, err := newStore(t.InputSeries, t.interval())
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

// fetcher queries the server of the test.
func (s *server) fetcher() (*promql.Fetcher, error) {
	cfg, err := config.Parse("test", []byte("prometheus: {url: "+strconv.Quote(s.url)+", query_timeout: 1m}"))
	if err != nil {
		return nil, err
	}
	return promql.NewFetcher(cfg.Prometheus[0], nil)
}

func (a Alert) subject() find.Subject {
	alert := report.Alert{Labels: a.Labels, Annotations: a.Annotations, StartsAt: at(a.Onset), Fingerprint: a.Labels.Fingerprint().String()}
	if a.Expr != "" {
		alert.GeneratorURL = "http://localhost/graph?g0.expr=" + url.QueryEscape(a.Expr)
	}
	return find.Subject{Alert: alert, Onset: at(a.Onset), Now: at(a.At)}
}

// noVerdict says that a text is not a verdict, as a hint in the failure. It does not invalidate the
// file: the test shows what was found instead.
func noVerdict(text string) string {
	known := report.Verdicts()
	if slices.Contains(known, analysis.Verdict(text)) {
		return ""
	}
	return fmt.Sprintf(", which is not a verdict; hint: use one of %s", strings.Trim(fmt.Sprint(known), "[]"))
}

// compare lists the differences between a report and the expectations.
func (a Alert) compare(r report.Report) []Failure {
	failures := []Failure{}
	fail := func(path, format string, args ...any) {
		failures = append(failures, Failure{path: path, Text: fmt.Sprintf(format, args...)})
	}
	if a.Verdict != "" && a.Verdict != string(r.Result.Verdict) {
		fail("exp_verdict", "the verdict is %s, not %s%s", r.Result.Verdict, a.Verdict, noVerdict(a.Verdict))
	}
	if a.Summary != "" && a.Summary != r.Summary {
		fail("exp_summary", "the line is %q, not %q", r.Summary, a.Summary)
	}
	if a.Causes != nil && len(a.Causes) == 0 {
		if first := slices.IndexFunc(r.Result.Causes, report.Confident); first >= 0 {
			fail("exp_causes", "a cause was found where none is expected: %s", line(r.Result.Causes[first]))
		}
	}
	for i, c := range a.Causes {
		if err := c.in(r.Result.Causes); err != nil {
			fail(fmt.Sprintf("exp_causes[%d]", i), "%s", err)
		}
	}
	return failures
}

// in looks for the cause. The error says what there is instead.
func (c Cause) in(causes []analysis.Finding) error {
	i := slices.IndexFunc(causes, c.is)
	if i < 0 {
		return fmt.Errorf("%s is not among the causes; they are: %s", c, lines(causes))
	}
	found := causes[i]
	var errs []error
	if wanted, _ := c.least(); found.Confidence < wanted { // validated when read
		errs = append(errs, fmt.Errorf("%s has %s confidence, less than %s", c, found.Confidence, wanted))
	}
	if c.Top > 0 && found.Rank > c.Top {
		errs = append(errs, fmt.Errorf("%s has the rank %d, below %d; before it: %s", c, found.Rank, c.Top, lines(causes[:i])))
	}
	return errors.Join(errs...)
}

// least is the required confidence.
func (c Cause) least() (analysis.Confidence, error) {
	return confidence.Parse(cmp.Or(string(c.Confidence), "medium"))
}

func (c Cause) is(f analysis.Finding) bool {
	if c.Series != "" {
		return f.Kind == analysis.KindSeries && (f.Series == c.Series || f.Name == c.Series || f.Metric == c.Series)
	}
	return f.Kind == analysis.KindLabels && slices.ContainsFunc(slices.Concat(f.Labels, f.Evidence.Same), func(set map[string]string) bool { return maps.Equal(set, c.Labels) })
}

// String names the cause like a report does.
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
