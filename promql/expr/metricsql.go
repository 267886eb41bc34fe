// SPDX-License-Identifier: Apache-2.0

package expr

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/prometheus/prometheus/promql/parser"
)

// unreadable says why an expression can't be parsed, naming the MetricsQL in it if that is the
// reason.
func unreadable(text string, err error) error {
	if what := metricsQL(text, err); what != "" {
		return fmt.Errorf("the expression uses %s, which PromQL does not have (is it MetricsQL?): %w; hint: give the rule a target.query in PromQL", what, err)
	}
	return fmt.Errorf("the expression can't be read: %w", err)
}

var (
	quoted          = regexp.MustCompile("\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|`[^`]*`")
	word            = regexp.MustCompile(`[A-Za-z_][A-Za-z0-9_:]*`)
	unknownFunction = regexp.MustCompile(`unknown function with name "([^"]+)"`)
	noRange         = regexp.MustCompile(`expected type range vector in call to function "([^"]+)"`)
)

// metricsQL names what PromQL does not have; empty if it finds no MetricsQL.
func metricsQL(text string, err error) string {
	if m := noRange.FindStringSubmatch(err.Error()); m != nil {
		return m[1] + "() without a window"
	}
	if m := unknownFunction.FindStringSubmatch(err.Error()); m != nil {
		return m[1] + "()"
	}
	bare := quoted.ReplaceAllString(text, `""`)
	for _, at := range word.FindAllStringIndex(bare, -1) {
		w := bare[at[0]:at[1]]
		called := strings.HasPrefix(strings.TrimSpace(bare[at[1]:]), "(")
		if _, known := parser.Functions[w]; !known && called && slices.Contains(metricsQLCalls, w) {
			return w + "()"
		}
		if slices.Contains(metricsQLWords, strings.ToLower(w)) {
			return w
		}
	}
	return ""
}

// metricsQLWords are operators and modifiers of MetricsQL.
var metricsQLWords = []string{"default", "if", "ifnot", "keep_metric_names"}

// metricsQLCalls are functions of MetricsQL that PromQL's parser misreads, so that its error
// doesn't name them.
var metricsQLCalls = []string{
	"any", "distinct", "geomean", "histogram", "mad", "median", "mode", "outliersk", "outliers_iqr", "outliers_mad", "quantiles", "share",
	"sum2", "WITH", "with", "union", "zscore",
}
