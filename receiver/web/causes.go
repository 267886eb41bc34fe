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
	Labels     string // of a series, without its braces
	Kind       string // where or why
	Low        bool
	Confidence string
	Dots       string // the same as a picture
	Role       string // its part in the incident; empty: not told
	Mark       string // the same as a picture
	Share      string // empty: not known
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

// causeList are the causes as they are shown: when some are confident, the
// others are one tap away, and so is why further series are no causes.
type causeList struct {
	Shown, Guesses []causeView
	Rejected       []pair // series and why
}

func newCauseList(views []causeView) causeList {
	sure := slices.IndexFunc(views, func(v causeView) bool { return v.Low })
	if sure <= 0 {
		return causeList{Shown: views}
	}
	for i := range views[sure:] { // of a guess the arithmetic is in the JSON
		views[sure+i].Evidence = nil
	}
	return causeList{Shown: views[:sure], Guesses: views[sure:]}
}

// causes puts the causes of a report into words. Label sets are in the unit of
// the KPI's parts, series in one that is not known.
func causes(r report.Report) causeList {
	views := make([]causeView, len(r.Result.Causes))
	above := leadingSeries(r) // the KPI, so that their lines are drawn already
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

// rejected are the series of the graph that are not listed, and why they are not.
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

// marks are the roles as pictures.
func marks() map[analysis.Role]string {
	return map[analysis.Role]string{
		analysis.RoleCause: "◆", analysis.RoleFirstSymptom: "◇", analysis.RoleVictim: "↓", analysis.RoleFollower: "→",
	}
}

// sentence is that of a cause, as it stands below the cause's name: that of a
// series begins with its name, which is not said again.
func sentence(f analysis.Finding) string {
	text, cut := f.Sentence, false
	if f.Kind == analysis.KindSeries {
		text, cut = strings.CutPrefix(text, f.Name+" ")
	}
	if cut || strings.HasPrefix(text, "all of ") { // else it begins with a figure or a name
		first, size := utf8.DecodeRuneInString(text)
		return string(unicode.ToUpper(first)) + text[size:]
	}
	return text
}

// cutLabels parts a series name into what is measured and its labels.
func cutLabels(name string) (metric, labels string) {
	metric, rest, ok := strings.Cut(name, "{")
	if !ok || metric == "" || !strings.HasSuffix(rest, "}") {
		return name, ""
	}
	return metric, strings.TrimSuffix(rest, "}")
}

// dimensionView is the KPI seen by one label.
type dimensionView struct {
	Label    string
	Most     string // which value stands out
	Facts    string // the arithmetic
	Note     string
	Elements []elementView
	More     string // said when elements were left out
}

type elementView struct {
	Value, Before, After, Share, Surprise, Tags string
	Bar                                         barView
	Part                                        string // label and value, to be looked at by itself; empty: of no one value
}

// How many values of a label a page lists: of the first label, and of the others.
const (
	shownElements = 12
	fewElements   = 4
	fullLabels    = 4 // labels whose values are listed; of others it is said which stands out
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

// share writes a share so that many of them make a tidy column.
func share(ep float64) string {
	if math.Abs(ep) < 0.1 {
		ep = math.Round(1000*ep) / 1000
	}
	return words.Percent(ep)
}

// alikeUpTo is the share of the change that may lie elsewhere than had all
// values moved alike, for a label of which none stands out.
const alikeUpTo = 0.1

// mostOf names the value of a label that holds most of the change, unless all
// of them moved alike.
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

// barView is a horizontal bar from 0 to 100.
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

// f1 writes a coordinate of a drawing.
func f1(v float64) string { return strconv.FormatFloat(math.Round(v*10)/10, 'f', -1, 64) }
