// SPDX-License-Identifier: Apache-2.0

package web

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
	"github.com/culprit-dev/culprit/receiver/report"
)

// causeView is one cause in words.
type causeView struct {
	Rank       int
	Title      string
	Labels     string // of a series, without braces
	Kind       string // where or why
	Low        bool
	Confidence string
	Dots       string // Confidence as a picture
	Role       string // its role in the incident; empty: unknown
	Mark       string // Role as a picture
	Share      string // empty: unknown
	Bar        barView
	Before     string
	After      string
	Factor     string
	Sentence   string
	Explains   string
	Spark      *sparkView
	Method     string
	Evidence   []pair
}

// causeList holds the displayed causes. If some are confident, the guesses are folded away, like
// the series that were rejected.
type causeList struct {
	Shown, Guesses []causeView
	Rejected       []pair // series and why they are no causes
}

func newCauseList(views []causeView) causeList {
	sure := slices.IndexFunc(views, func(v causeView) bool { return v.Low })
	if sure <= 0 {
		return causeList{Shown: views}
	}
	for i := range views[sure:] { // the evidence of a guess is in the JSON
		views[sure+i].Evidence = nil
	}
	return causeList{Shown: views[:sure], Guesses: views[sure:]}
}

// causes describes the causes of a report. Label sets are in the unit of the KPI's parts; the unit
// of series is unknown.
func causes(r report.Report) causeList {
	views := make([]causeView, len(r.Result.Causes))
	above := leadingSeries(r) // drawn with the KPI already
	for i, f := range r.Result.Causes {
		views[i] = newCause(f, r.UnitOf(f))
		if f.Series != "" && !slices.ContainsFunc(above, func(w whySeries) bool { return w.chart.Name == f.Series }) {
			views[i].Spark = spark(r, f.Series)
		}
	}
	list := newCauseList(views)
	list.Rejected = rejected(r.Result)
	return list
}

// rejected lists the series of the graph that are no causes, and why.
func rejected(res analysis.Result) []pair {
	var list []pair
	for _, n := range res.Graph.Nodes {
		listed := slices.ContainsFunc(res.Causes, func(f analysis.Finding) bool {
			return f.Series == n.Name || slices.Contains(f.Evidence.Members, n.Name)
		})
		if n.Why != "" && !listed {
			list = append(list, pair{n.Name, n.Why})
		}
	}
	return list
}

func newCause(f analysis.Finding, unit words.Unit) causeView {
	v := causeView{
		Rank: f.Rank, Title: report.Title(f), Kind: "why", Sentence: sentence(f),
		Confidence: f.Confidence.String() + " confidence", Dots: dots[f.Confidence], Method: f.Method,
	}
	switch f.Kind {
	case analysis.KindLabels:
		v.Kind = "where"
	case analysis.KindChange:
		v.Kind = "what"
		if !f.OfLabels() {
			unit = ""
		}
	default:
		unit = ""
		v.Title, v.Labels = cutLabels(v.Title)
	}
	v.Evidence = evidence(f, unit)
	v.Low = !report.Confident(f)
	v.Role, v.Mark = report.RoleOf(f), marks()[f.Role]
	if f.Share > 0 {
		v.Share = words.Percent(min(f.Share, 1))
	}
	v.Bar = bar(f.Share)
	if before, after, ok := f.Evidence.Moved(); ok {
		v.Before, v.After, v.Factor = unit.Format(before), unit.Format(after), words.Factor(before, after)
	}
	return v
}

var dots = map[analysis.Confidence]string{analysis.Low: "●○○", analysis.Medium: "●●○", analysis.High: "●●●"}

// marks are pictures of the roles.
func marks() map[analysis.Role]string {
	return map[analysis.Role]string{
		analysis.RoleCause: "◆", analysis.RoleFirstSymptom: "◇", analysis.RoleVictim: "↓", analysis.RoleFollower: "→",
	}
}

// sentence is the sentence below a cause's name. If the cause is a series, its name is not
// repeated.
func sentence(f analysis.Finding) string {
	text, cut := f.Sentence, false
	if f.Kind == analysis.KindSeries {
		text, cut = strings.CutPrefix(text, f.Name+" ")
	}
	if cut || strings.HasPrefix(text, "all of ") { // otherwise it begins with a figure or a name
		first, size := utf8.DecodeRuneInString(text)
		return string(unicode.ToUpper(first)) + text[size:]
	}
	return text
}

// cutLabels splits a series name into metric and labels.
func cutLabels(name string) (metric, labels string) {
	metric, rest, ok := strings.Cut(name, "{")
	if !ok || metric == "" || !strings.HasSuffix(rest, "}") {
		return name, ""
	}
	return metric, strings.TrimSuffix(rest, "}")
}

// dimensionView is the KPI by one label.
type dimensionView struct {
	Label    string
	Most     string // the value that stands out
	Facts    string // the figures
	Note     string
	Elements []elementView
	More     string // set if elements were left out
}

type elementView struct {
	Value, Before, After, Share, Surprise, Tags string
	Bar                                         barView
	Part                                        string // label and value, to look at it by itself; empty: several values
}

// How many values a page lists: of the first label, and of the others.
const (
	shownElements = 12
	fewElements   = 4
	fullLabels    = 4 // labels with a list of values; the others only name the one that stands out
)

func dimensions(dims []analysis.Dimension, unit words.Unit) []dimensionView {
	views := make([]dimensionView, len(dims))
	for i, d := range dims {
		v := dimensionView{Label: d.Label, Note: d.Note, Most: mostOf(d), Facts: dimensionFacts(d)}
		elements := slices.Clone(d.Elements)
		slices.SortStableFunc(elements, func(a, b analysis.Element) int { return cmp.Compare(math.Abs(b.EP), math.Abs(a.EP)) })
		most := fewElements
		if i == 0 {
			most = shownElements
		}
		if left := len(elements) - most; left > 0 {
			v.More = fmt.Sprintf("and %d more values that explain less", left)
			elements = elements[:most]
		}
		if i >= fullLabels {
			elements, v.More = nil, ""
		}
		for _, e := range elements {
			view := newElement(e, unit)
			view.Part = partOf(d.Label, e.Value)
			v.Elements = append(v.Elements, view)
		}
		views[i] = v
	}
	return views
}

func newElement(e analysis.Element, unit words.Unit) elementView {
	return elementView{
		Value: shownValue(e.Value), Before: unit.Format(e.Forecast), After: unit.Format(e.Actual),
		Share: share(e.EP), Surprise: words.Number(e.Surprise), Tags: strings.Join(e.Tags, ", "), Bar: bar(e.EP),
	}
}

func shownValue(value string) string {
	switch value {
	case "", "__missing__":
		return "(no such label)"
	case "__other__":
		return "(all others)"
	default:
		return value
	}
}

// share formats a share so that a column of them is tidy.
func share(ep float64) string {
	if math.Abs(ep) < 0.1 {
		ep = math.Round(1000*ep) / 1000
	}
	return words.Percent(ep)
}

// alikeUpTo is the share of the change that may differ from all values moving alike, for a label
// without a value that stands out.
const alikeUpTo = 0.1

// mostOf names the value with most of the change, unless all moved alike.
func mostOf(d analysis.Dimension) string {
	if len(d.Elements) == 0 {
		return ""
	}
	total, elsewhere, most := 0.0, 0.0, d.Elements[0]
	for _, e := range d.Elements {
		total += e.Forecast
		if e.EP > most.EP {
			most = e
		}
	}
	for _, e := range d.Elements {
		if total > 0 {
			elsewhere += math.Abs(e.EP-e.Forecast/total) / 2
		}
	}
	if total > 0 && elsewhere <= alikeUpTo || most.EP <= 0 {
		return "no value stands out"
	}
	return shownValue(most.Value) + " " + share(most.EP)
}

func dimensionFacts(d analysis.Dimension) string {
	var facts []string
	if d.Explained != 0 {
		facts = append(facts, "What stands out explains "+words.Percent(d.Explained))
	}
	if d.Surprise != 0 {
		facts = append(facts, "surprise "+words.Number(d.Surprise)+" bits")
	}
	if d.Masking > 1.5 {
		facts = append(facts, "values move against each other (masking "+words.Number(d.Masking)+")")
	}
	return strings.Join(facts, ", ")
}

// barView is a horizontal bar in percent.
type barView struct {
	Width    string
	Negative bool
	Shown    bool
}

func bar(share float64) barView {
	if math.IsNaN(share) {
		return barView{}
	}
	return barView{Width: f1(100 * min(math.Abs(share), 1)), Negative: share < 0, Shown: share != 0}
}

// f1 formats a coordinate.
func f1(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
