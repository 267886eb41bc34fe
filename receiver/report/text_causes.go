// SPDX-License-Identifier: Apache-2.0

package report

import (
	"fmt"
	"slices"
	"strings"

	"github.com/culprit-dev/culprit/analysis"
	"github.com/culprit-dev/culprit/analysis/words"
)

// causeParts names the best confident cause of each kind, in order. u is the unit of the KPI's
// parts.
func causeParts(causes []analysis.Finding, of string, u words.Unit) []string {
	parts := placeParts(causes, of, u)
	what := best(causes, analysis.KindChange)
	switch {
	case what == nil:
		return parts
	case len(parts) == 0 || causes[0].Kind == analysis.KindChange:
		return append(sayChange(*what), andThen(parts)...)
	default:
		return append(parts, andThen(sayChange(*what)[:1])...)
	}
}

// andThen prepares parts to follow others.
func andThen(parts []string) []string {
	if len(parts) > 0 {
		parts[0] = "; " + parts[0]
	}
	return parts
}

// sayChange says what was done and how long before, then further evidence for it.
func sayChange(f analysis.Finding) []string {
	parts := strings.Split(clean(f.Sentence), "; ")
	for i := range parts {
		if parts[i] = middle(parts[i], titleLimit); i > 0 {
			parts[i] = "; " + parts[i]
		}
	}
	parts[0] = likely(f) + parts[0]
	return parts
}

// placeParts names the best places and series.
func placeParts(causes []analysis.Finding, of string, u words.Unit) []string {
	where, why := leading(causes), best(causes, analysis.KindSeries)
	switch {
	case where == nil && why == nil:
		return nil
	case why == nil:
		return []string{sayPlaces(where, of, u)}
	case where == nil:
		return []string{likely(*why) + saySeries(*why, of)}
	case where[0].Rank <= why.Rank:
		return []string{sayPlaces(where, of, u), "; " + likely(*why) + saySeries(*why, "")}
	default: // one of the shares is from a regression: side by side they would seem to add up
		return []string{likely(*why) + saySeries(*why, ""), "; " + sayPlaces(where, of, u)}
	}
}

// asLarge is the fraction of the first cause's share from which another one is as important.
const asLarge = 0.5

// asRounded is the excess over 1 that shares may add up to because of noise.
const asRounded = 0.05

// leading returns the confident label sets that a line must name together: the first, and those
// with similar shares. Naming only one of two would point at half of the fault. Sets that add up to
// more than everything are views of the same; then the first suffices.
func leading(causes []analysis.Finding) []analysis.Finding {
	first := best(causes, analysis.KindLabels)
	if first == nil {
		return nil
	}
	list, all := []analysis.Finding{*first}, first.Share
	for _, f := range causes {
		if f.Rank > first.Rank && f.Kind == analysis.KindLabels && Confident(f) && f.Share > 0 && f.Share >= asLarge*first.Share {
			list = append(list, f)
			all += f.Share
		}
	}
	if all > 1+asRounded {
		return list[:1]
	}
	return list
}

// sayPlaces names one label set, or two of several with similar shares.
func sayPlaces(list []analysis.Finding, of string, u words.Unit) string {
	unsure := slices.IndexFunc(list, func(f analysis.Finding) bool { return f.Confidence == analysis.Medium })
	prefix := ""
	if unsure >= 0 {
		prefix = likely(list[unsure])
	}
	if len(list) == 1 {
		return prefix + sayLabels(list[0], of)
	}
	more := ""
	if n := len(list) - 2; n > 0 {
		more = fmt.Sprintf(", and %d more", n)
	}
	a, b := list[0], list[1]
	if against(a, b) {
		return fmt.Sprintf("%s%s and %s moved against each other%s", prefix, went(a, u), went(b, u), more)
	}
	return fmt.Sprintf("%s%s, %s %s%s", prefix, sayLabels(a, of), words.Percent(min(b.Share, 1)), middle(Title(b), pairLimit), more)
}

// pairLimit is the length of a name next to another one, in bytes.
const pairLimit = 48

// against reports whether two causes moved in opposite directions.
func against(a, b analysis.Finding) bool {
	a0, a1, known := a.Evidence.Moved()
	b0, b1, too := b.Evidence.Moved()
	return known && too && (a1 > a0) != (b1 > b0)
}

// went says how one of two causes moved.
func went(f analysis.Finding, u words.Unit) string {
	before, after, _ := f.Evidence.Moved()
	return fmt.Sprintf("%s (%s → %s)", middle(Title(f), pairLimit), u.Format(before), u.Format(after))
}

// likely marks a cause that is not certain.
func likely(f analysis.Finding) string {
	if f.Confidence == analysis.Medium {
		return "likely "
	}
	return ""
}

func sayLabels(f analysis.Finding, of string) string {
	title := middle(Title(f), titleLimit)
	if f.Evidence.OnlyOf > 0 { // "100 %" of the alert's own series would say nothing
		return onlyOf(title, f.Evidence) + isGone(f.Evidence, max(f.Evidence.Along, 1))
	}
	if f.Evidence.Gone && f.Share > 0 { // it did not fall
		return fmt.Sprintf("%s%s: %s of %s", title, isGone(f.Evidence, len(f.Labels)), words.Percent(min(f.Share, 1)), shareOf(f, of))
	}
	if swapped(f) {
		return title + " changed places"
	}
	if f.Share > 0 {
		return fmt.Sprintf("%s of %s is %s", words.Percent(min(f.Share, 1)), shareOf(f, of), title)
	}
	return title + " stands out"
}

// swapped reports whether values replaced each other while their total stood still. They are all
// that moved, and have no share of the total.
func swapped(f analysis.Finding) bool {
	return f.Evidence.Gross && f.Evidence.Rollover && len(f.Labels) > 1
}

// isGone says that n series no longer exist; empty if they do.
func isGone(e analysis.Evidence, n int) string {
	switch {
	case !e.Gone:
		return ""
	case n > 1:
		return " are gone"
	default:
		return " is gone"
	}
}

// onlyOf says which of the compared series moved.
func onlyOf(title string, e analysis.Evidence) string {
	switch more := e.Along - e.Leaves; {
	case e.Along > 1 && more > 0:
		return fmt.Sprintf("%s and %d more of %d series", title, more, e.OnlyOf)
	case e.Along > 1:
		return fmt.Sprintf("only %s, %d of %d series", title, e.Leaves, e.OnlyOf)
	default:
		return fmt.Sprintf("only %s of %d series", title, e.OnlyOf)
	}
}

// sayInside gives another name of a place, or says that nothing inside it was more specific.
func sayInside(causes []analysis.Finding) string {
	first := best(causes, analysis.KindLabels)
	if first == nil {
		return ""
	}
	for _, same := range first.Evidence.Same {
		if same["pod"] != "" || same["instance"] != "" {
			return "; that is " + middle(Title(analysis.Finding{Kind: analysis.KindLabels, Labels: []map[string]string{same}}), pairLimit)
		}
	}
	if len(first.Evidence.Inside) > 0 {
		return "; inside it no " + noneOf(first.Evidence.Inside) + " stands out"
	}
	return ""
}

// noneOf lists label names, if they are few.
func noneOf(names []string) string {
	const most = 3
	if len(names) > most {
		return "label value"
	}
	cleaned := make([]string, len(names))
	for i, name := range names {
		cleaned[i] = clean(name)
	}
	return strings.Join(cleaned, " or ")
}

// shareOf names what the share of a label set is a share of: the change of the total, unless that
// hides what moved inside.
func shareOf(f analysis.Finding, of string) string {
	if f.Evidence.Gross {
		return "all that moved"
	}
	return of
}

// alongside counts the series of the same kind that moved together, after a word; empty if it moved
// alone.
func alongside(word string, e analysis.Evidence) string {
	switch n := e.Along - 1; {
	case n <= 0:
		return ""
	case e.Along == e.OnlyOf:
		return word + others(n)
	default:
		return fmt.Sprintf("%s%d more of %d", word, n, e.OnlyOf)
	}
}

// saySeries says how a series moved; of is empty if the share would be one figure too many.
func saySeries(f analysis.Finding, of string) string {
	text := middle(Title(f), titleLimit) + alongside(" and ", f.Evidence)
	if before, after, ok := f.Evidence.Moved(); f.Evidence.Vanished {
		if n := len(f.Evidence.Members); n > 0 {
			return fmt.Sprintf("%s and %d more are gone", text, n)
		}
		return text + " is gone"
	} else if ok {
		text += " " + words.Move(before, after)
	} else {
		text += " moved with it"
	}
	if of != "" && f.Share > 0 {
		text += fmt.Sprintf(", %s of %s", words.Percent(min(f.Share, 1)), of)
	}
	return text
}
