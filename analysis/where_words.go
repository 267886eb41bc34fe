// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis/localize"
	"github.com/culprit-dev/culprit/analysis/words"
)

// unit is the unit of what shown returns.
func (l *location) unit() words.Unit {
	if l.breakdown.Seconds > 0 {
		return words.PerSecond
	}
	return ""
}

// sayVerdict explains a verdict without a confident cause, or what shares refer to if not to
// the change of the total.
func (l *location) sayVerdict(r localize.Result, mix *Mix) []string {
	change := l.change(r)
	moved := fmt.Sprintf("%s → %s", l.format(change.Forecast), l.format(change.Actual))
	switch {
	case r.Verdict == localize.TrafficMix && mix != nil:
		return []string{fmt.Sprintf("traffic mix: no part changed by itself (%s); traffic shifted %s", moved, l.sayMix(*mix))}
	case r.Verdict == localize.TrafficMix:
		where := "higher"
		if !change.Rising {
			where = "lower"
		}
		return []string{fmt.Sprintf("traffic mix: no part changed by itself; traffic shifted to parts where the ratio was already %s (%s)", where, moved)}
	case r.Verdict == localize.Outage:
		return []string{"everything stopped (" + moved + "): no label explains it"}
	case r.Verdict == localize.External && r.NoBaseline:
		return []string{"there was nothing before the incident, and what came is everywhere: no label value stands out"}
	case r.Verdict == localize.External:
		return []string{"everything moved alike (" + moved + "): the cause is not in the labels"}
	case r.Verdict == localize.NoChange:
		return []string{"the total did not move (" + moved + ")"}
	case r.Verdict == localize.NoConfident && len(r.Causes) == 0:
		return []string{"the total moved (" + moved + "), but no label value stands out beyond chance"}
	case r.Verdict == localize.NoConfident:
		return []string{"the total moved (" + moved + "); what stands out could be chance"}
	case r.NoBaseline:
		return []string{"there was nothing before the incident: shares are those of what came"}
	case r.Gross:
		return []string{"parts moved against each other, and the total (" + moved + ") shows little of it: shares are those of all that moved"}
	case mix != nil:
		return []string{fmt.Sprintf("%s of the change is traffic that shifted %s", words.Percent(mix.Share), l.sayMix(*mix))}
	case l.over > 1:
		return []string{"parts moved against the total (" + moved + "): shares are those of what moved its way"}
	}
	return nil
}

// format writes a value of the KPI; ratios have no unit.
func (l *location) format(v float64) string {
	if l.ratio() {
		return words.Number(v)
	}
	return l.unit().Format(v)
}

// doubts lists oddities of the values themselves.
func (l *location) doubts(r localize.Result) []string {
	var doubts []string
	if n := l.withoutTraffic(); n > 0 {
		doubts = append(doubts, fmt.Sprintf("%d combinations of labels have a numerator and no denominator: there the numerator is not a part of the denominator", n))
	}
	for _, d := range r.Dimensions {
		if d.Excess > 0 {
			doubts = append(doubts, fmt.Sprintf("the values of %s add up to %s more than the total: they overlap, or the total is not theirs", l.names[d.Label], words.Percent(finite(d.Excess))))
		}
	}
	return doubts
}

// withoutTraffic counts the leaves of a ratio with a numerator but no denominator.
func (l *location) withoutTraffic() int {
	p := l.input.Parts
	if p == nil {
		return 0
	}
	n := 0
	for i, den := range p.ActualDen {
		if den == 0 && l.input.Actual[i] > 0 {
			n++
		}
	}
	return n
}

// againstUpTo is the share of a change by which noise may move against it.
const againstUpTo = 0.05

// sentence describes a cause: "82 % of the extra errors come from path=/pay on version=v2
// (forecast 3.1/s, now 41/s)".
func (l *location) sentence(r localize.Result, c localize.Cause, f Finding) string {
	where := places(f.Labels)
	u := l.unit()
	numbers := fmt.Sprintf("(forecast %s, now %s)", u.Format(l.shown(c.Forecast)), u.Format(l.shown(c.Actual)))
	switch {
	case c.Rollover:
		return fmt.Sprintf("%s took the place of another value: a rollout or a restart %s", where, numbers)
	case r.Gross || c.Share <= 0:
		return fmt.Sprintf("%s %s %s, and the total did not move with it", where, direction(c.Forecast, c.Actual), numbers)
	case f.Evidence.Gone:
		is := "is gone: it makes"
		if len(f.Labels) > 1 {
			is = "are gone: they make"
		}
		return fmt.Sprintf("%s %s %s of the change (it was %s)", where, is, words.Percent(min(f.Share, 1)), u.Format(l.shown(c.Forecast)))
	case f.Evidence.OnlyOf > 0:
		return fmt.Sprintf("of %d series only %s %s %s", f.Evidence.OnlyOf, where, direction(r.Forecast, r.Actual), numbers)
	case c.Share*l.over > 1+againstUpTo:
		return fmt.Sprintf("all of the %s from %s %s, and elsewhere it went the other way", l.noun(r), where, numbers)
	case c.Share > 0.999:
		return fmt.Sprintf("all of the %s from %s %s", l.noun(r), where, numbers)
	default:
		return fmt.Sprintf("%s of the %s from %s %s", words.Percent(f.Share), l.noun(r), where, numbers)
	}
}

// noun says what there is more or less of, with its verb.
func (l *location) noun(r localize.Result) string {
	extra, missing := "rise comes", "fall comes"
	if kindOf(l.target.Kind, l.target.Name).String() == "error" {
		extra, missing = "extra errors come", "missing errors come"
	}
	if r.Actual >= r.Forecast {
		return extra
	}
	return missing
}

// direction says which way a value moved.
func direction(before, after float64) string {
	if after >= before {
		return "rose"
	}
	return "fell"
}

// places writes label sets for people. Values of a single label are listed: path=/a, /b and /c.
func places(sets []map[string]string) string {
	texts := make([]string, len(sets))
	label := onlyLabel(sets)
	for i, set := range sets {
		texts[i] = place(set)
		if label != "" && i > 0 {
			texts[i] = shownValue(set[label])
		}
	}
	return words.List(texts)
}

// onlyLabel returns the label that all sets consist of; "" if there are several.
func onlyLabel(sets []map[string]string) string {
	names := map[string]bool{}
	for _, set := range sets {
		for name := range set {
			names[name] = true
		}
	}
	if len(names) != 1 {
		return ""
	}
	return slices.Collect(maps.Keys(names))[0]
}

// place writes one label set: path=/pay on version=v2.
func place(labels map[string]string) string {
	pairs := make([]string, 0, len(labels))
	for _, name := range slices.Sorted(maps.Keys(labels)) {
		pairs = append(pairs, name+"="+shownValue(labels[name]))
	}
	if len(pairs) < 2 {
		return strings.Join(pairs, "")
	}
	return pairs[0] + " on " + strings.Join(pairs[1:], ", ")
}

// shownValue makes an empty value visible.
func shownValue(v string) string {
	if v == "" {
		return `""`
	}
	return v
}

// note says why a label gives no causes, and what of it is not displayed.
func (l *location) note(d localize.Dimension) string {
	var notes []string
	switch d.Reason {
	case localize.Constant:
		notes = append(notes, "it has one value only")
	case localize.Alias:
		notes = append(notes, "it says the same as "+l.names[d.AliasOf])
	case localize.Volatile:
		notes = append(notes, "most of its values come and go, so it is shown and not searched")
	case localize.OnlyShown:
		notes = append(notes, "it names a replica, so it is shown and not searched; name it in breakdown.labels to have it searched")
	case localize.Surplus:
		notes = append(notes, "too many labels: more surprising ones were searched for combinations")
	}
	if d.Rollover {
		notes = append(notes, "a value went and another came, as in a rollout")
	}
	if d.Folded > 0 {
		notes = append(notes, fmt.Sprintf("its %d smallest values are taken together as __other__", d.Folded))
	}
	if n := len(d.Elements) - shownElements; n > 0 {
		notes = append(notes, fmt.Sprintf("%d more values are not shown", n))
	}
	if d.Masking > 3 {
		notes = append(notes, "its values move against each other much more than the total shows")
	}
	return strings.Join(notes, "; ")
}
