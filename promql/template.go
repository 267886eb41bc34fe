// SPDX-License-Identifier: Apache-2.0

package promql

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"strings"
	"text/template"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"

	"github.com/culprit-dev/culprit/promql/expr"
)

// errMisplaced is the error of a template in which a label value would become PromQL text.
var errMisplaced = errors.New("a value from the alert may stand only inside the value of a matcher, as in {service=\"{{ .Labels.service }}\"}")

// value is the value of a label or an annotation in a template. It prints as a placeholder with
// any verb; comparisons see the value itself.
type value string

// A placeholder consists of letters and digits, so that it is itself in any PromQL string, and
// it encodes its value, so that a template may cut or change it.
const (
	placeholderStart = "xculprit"
	placeholderEnd   = "z"
)

func (v value) String() string {
	return placeholderStart + hex.EncodeToString([]byte(v)) + placeholderEnd
}

// Format implements fmt.Formatter: no verb prints the value.
func (v value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, v.String()) }

// alertData is what a template sees.
type alertData struct {
	Labels      map[string]value
	Annotations map[string]value
	StartsAt    time.Time
	Series      map[string]anyOf // for default candidates: see Alert.Series

	all model.LabelSet
}

// Format implements fmt.Formatter: printing the whole would reveal the values.
func (d alertData) Format(f fmt.State, _ rune) { value("").Format(f, 'v') }

// anyOf prints as a regular expression that matches any of the values.
type anyOf []value

func (a anyOf) String() string {
	texts := make([]string, len(a))
	for i, v := range a {
		texts[i] = v.String()
	}
	return strings.Join(texts, "|")
}

// Hosts returns the values without ports.
func (a anyOf) Hosts() anyOf {
	hosts := make(anyOf, len(a))
	for i, v := range a {
		hosts[i] = v[:len(v)-len(regexp.MustCompile(`:[0-9]+$`).FindString(string(v)))]
	}
	return hosts
}

// Label returns a label whose name is no identifier: {{ .Label "http.status" }}.
func (d alertData) Label(name string) value { return value(d.all[model.LabelName(name)]) }

// newAlertData keeps only names that are identifiers: a template may range over the maps, and
// would print names as text.
func newAlertData(a Alert) alertData {
	return alertData{
		Labels:      identifiers(a.Labels),
		Annotations: identifiers(a.Annotations),
		StartsAt:    a.StartsAt,
		Series:      anyOfEach(a.Series),
		all:         a.Labels,
	}
}

func anyOfEach(values map[string][]string) map[string]anyOf {
	m := make(map[string]anyOf, len(values))
	for name, vs := range values {
		for _, v := range vs {
			m[name] = append(m[name], value(v))
		}
	}
	return m
}

func identifiers(set model.LabelSet) map[string]value {
	m := make(map[string]value, len(set))
	for name, v := range set {
		if model.LegacyValidation.IsValidLabelName(string(name)) {
			m[string(name)] = value(v)
		}
	}
	return m
}

// functions are the additional functions of templates. printf is replaced because the built-in
// one reveals a value for %p.
func functions() template.FuncMap {
	return template.FuncMap{
		"toLower":    func(v value) value { return value(strings.ToLower(string(v))) },
		"toUpper":    func(v value) value { return value(strings.ToUpper(string(v))) },
		"trimPrefix": func(prefix, v value) value { return value(strings.TrimPrefix(string(v), string(prefix))) },
		"trimSuffix": func(suffix, v value) value { return value(strings.TrimSuffix(string(v), string(suffix))) },
		"reReplaceAll": func(pattern, replacement string, v value) (value, error) {
			re, err := regexp.Compile(pattern)
			if err != nil {
				return "", err
			}
			return replaced(re, replacement, v)
		},
		"printf": func(format string, args ...any) string {
			for i, a := range args {
				if v, ok := a.(value); ok {
					args[i] = v.String()
				}
			}
			return fmt.Sprintf(format, args...)
		},
	}
}

// longestValue bounds a value that a template changes, in bytes: repeated replacements by
// itself would exhaust any memory.
const longestValue = 4 << 10

func replaced(re *regexp.Regexp, replacement string, v value) (value, error) {
	text, last := []byte(nil), 0
	for _, match := range re.FindAllStringSubmatchIndex(string(v), -1) {
		text = append(text, v[last:match[0]]...)
		text, last = re.ExpandString(text, replacement, string(v), match), match[1]
		if len(text) > longestValue {
			break
		}
	}
	if len(text)+len(v)-last > longestValue {
		return "", fmt.Errorf("a value has more than %d bytes", longestValue)
	}
	return value(append(text, v[last:]...)), nil
}

func parseTemplate(text string) (*template.Template, error) {
	return template.New("query").Funcs(functions()).Option("missingkey=zero").Parse(text)
}

// expand executes a template and parses the result. missing lists matchers that were left
// empty, such as service="".
func expand(text string, data alertData) (e parser.Expr, missing []string, err error) {
	t, err := parseTemplate(text)
	if err != nil {
		return nil, nil, err
	}
	var b strings.Builder
	if err := t.Execute(&b, data); err != nil {
		return nil, nil, err
	}
	e, err = expr.Parse(b.String())
	if err != nil {
		return nil, nil, placeholderError(b.String(), err)
	}
	if missing, err = fill(e); err != nil {
		return nil, nil, err
	}
	return e, missing, expr.Evaluable(e)
}

// templateError shortens "template: query:1:15: executing "query" at <…>: …".
func templateError(err error) string {
	text := strings.TrimPrefix(err.Error(), "template: query:")
	if where, what, ok := strings.Cut(text, `executing "query" at `); ok {
		text = where + what
	}
	return regexp.MustCompile(`can't evaluate field (\w+) in type \S+`).ReplaceAllString(text, "there is no .$1")
}

// placeholderError removes placeholders from a parse error: they mean nothing to people.
func placeholderError(text string, err error) error {
	shown := placeholders().ReplaceAllString(err.Error(), "{{…}}")
	if misplaced(text) {
		return fmt.Errorf("%s: %w", shown, errMisplaced)
	}
	return errors.New(shown)
}

// misplaced says, roughly, whether a placeholder is outside quotes. It only affects the wording
// of an error.
func misplaced(text string) bool {
	quoted := regexp.MustCompile("\"[^\"]*\"|'[^']*'|`[^`]*`")
	return strings.Contains(quoted.ReplaceAllString(text, ""), placeholderStart)
}

func placeholders() *regexp.Regexp {
	return regexp.MustCompile(placeholderStart + "([0-9a-f]*)" + placeholderEnd)
}

// fill replaces the placeholders in the matcher values of e. A placeholder anywhere else is an
// error.
func fill(e parser.Expr) (missing []string, err error) {
	selectors := expr.Selectors(e)
	kept := make([][]*labels.Matcher, len(selectors))
	for i, s := range selectors {
		kept[i] = s.LabelMatchers
		s.LabelMatchers = blank(s)
	}
	rest := e.String()
	for i, s := range selectors {
		s.LabelMatchers = kept[i]
	}
	if placeholders().MatchString(rest) {
		return nil, errMisplaced
	}
	for _, s := range selectors {
		for i, m := range s.LabelMatchers {
			filled, err := fillMatcher(m)
			if err != nil {
				return nil, err
			}
			if filled.Value == "" && m.Value != "" {
				missing = append(missing, filled.String())
			}
			s.LabelMatchers[i] = filled
		}
	}
	return missing, nil
}

// blank returns the matchers of s with empty values; a metric name before the braces is text,
// and stays.
func blank(s *parser.VectorSelector) []*labels.Matcher {
	var ms []*labels.Matcher
	for _, m := range s.LabelMatchers {
		ms = append(ms, &labels.Matcher{Type: m.Type, Name: m.Name})
	}
	return ms
}

// fillMatcher returns m with its placeholders replaced. In a regular expression the value is
// quoted, and grouped if a quantifier (*, +, ?, {) follows.
func fillMatcher(m *labels.Matcher) (*labels.Matcher, error) {
	ps := placeholders().FindAllStringSubmatchIndex(m.Value, -1)
	if len(ps) == 0 {
		return m, nil
	}
	isRegexp := m.Type == labels.MatchRegexp || m.Type == labels.MatchNotRegexp
	if isRegexp && strings.Contains(m.Value, `\Q`) {
		return nil, fmt.Errorf(`%s%s: a value from the alert can't be quoted by \Q; hint: leave out \Q and \E, values are quoted anyhow`, m.Name, m.Type)
	}
	var b strings.Builder
	last := 0
	for _, p := range ps {
		b.WriteString(m.Value[last:p[0]])
		last = p[1]
		v, err := hex.DecodeString(m.Value[p[2]:p[3]])
		if err != nil {
			return nil, fmt.Errorf("%s%s: %w", m.Name, m.Type, errMisplaced)
		}
		if isRegexp {
			b.WriteString(quoteRegexp(string(v), m.Value[last:]))
		} else {
			b.Write(v)
		}
	}
	b.WriteString(m.Value[last:])
	filled, err := labels.NewMatcher(m.Type, m.Name, b.String())
	if err != nil {
		return nil, fmt.Errorf("%s%s%q is not a regular expression: %w", m.Name, m.Type, b.String(), err)
	}
	return filled, nil
}

func quoteRegexp(v, next string) string {
	q := regexp.QuoteMeta(v)
	if next != "" && strings.ContainsRune("*+?{", rune(next[0])) {
		return "(?:" + q + ")"
	}
	return q
}

// sampleData returns an alert with the given labels, for checks without an alert.
func sampleData(names map[string]bool) alertData {
	d := alertData{Labels: map[string]value{}, Annotations: map[string]value{}, StartsAt: time.Unix(0, 0).UTC()}
	for name := range names {
		d.Labels[name] = "x"
	}
	d.Annotations = maps.Clone(d.Labels)
	return d
}
