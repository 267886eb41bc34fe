// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// seriesLevel is one series of a level: its values before the onset and now.
type seriesLevel struct {
	leaf        string // values of the labels, separated by commas
	before, now float64
}

// levelsOf returns series with two hours of history and noise of 1 % each; the first is the
// KPI.
func levelsOf(labels string, series ...seriesLevel) *Breakdown {
	b := &Breakdown{Labels: strings.Split(labels, ","), Levels: true, Beside: true, Own: map[string]string{}}
	for _, s := range series {
		b.Leaves = append(b.Leaves, strings.Split(s.leaf, ","))
		b.Numerator.Actual = append(b.Numerator.Actual, s.now)
	}
	for i, name := range b.Labels {
		b.Own[name] = b.Leaves[0][i]
	}
	for k := range 24 {
		var step []float64
		for i, s := range series {
			step = append(step, s.before*(1+.01*math.Sin(float64(3*k+i))))
		}
		b.Numerator.Recent = append(b.Numerator.Recent, step)
	}
	return b
}

// leavesOf is the breakdown of a KPI whose parts add up.
func leavesOf(label string, parts ...seriesLevel) *Breakdown {
	b := levelsOf(label, parts...)
	b.Levels, b.Own, b.Beside = false, nil, false
	return b
}

func frameWith(inside, beside *Breakdown) Frame {
	f := Frame{Onset: 1_700_000_000 + 50*60}
	var before, now float64
	for i := range inside.Leaves {
		before, now = before+inside.Numerator.Recent[0][i], now+inside.Numerator.Actual[i]
	}
	values := make([]float64, 60)
	for i := range values {
		f.Times = append(f.Times, float64(1_700_000_000+60*i))
		if values[i] = before; i >= 50 {
			values[i] = now
		}
	}
	f.Targets = []Target{{Name: "kpi", Values: values, Crossing: true, Breakdown: inside, Beside: beside}}
	return f
}

func pods(now ...float64) *Breakdown {
	var parts []seriesLevel
	for i, v := range now {
		parts = append(parts, seriesLevel{fmt.Sprintf("w-%d", i), 10, v})
	}
	return leavesOf("pod", parts...)
}

func services(now ...float64) *Breakdown {
	var series []seriesLevel
	for i, v := range now {
		series = append(series, seriesLevel{[]string{"pay", "cart", "search", "stock", "mail", "audit"}[i], 30, v})
	}
	return levelsOf("service", series...)
}

// The comparison with the siblings never hides a part inside the KPI, nor the other way round.
func TestKPIIsComparedWithSiblingsAndBrokenDown(t *testing.T) {
	moved := services(300, 30, 30, 30)
	unique := services(300, 30, 30, 30)
	unique.Here = map[string][]string{"pod": {"w-1"}}
	for name, c := range map[string]struct {
		inside, beside *Breakdown
		verdict        Verdict
		where          string
		insideOf       string
	}{
		"it alone, inside all alike":                     {pods(100, 100, 100), moved, Explained, `{service="pay"}`, "[pod]"},
		"one part of it":                                 {pods(10, 280, 10), moved, Explained, `{pod="w-1",service="pay"}`, "[]"},
		"one part that no other has":                     {pods(10, 280, 10), unique, Explained, `{pod="w-1"}`, "[]"},
		"all of them, inside all alike":                  {pods(100, 100, 100), services(300, 290, 310, 300), External, "", "[]"},
		"all of them, and the same part of each":         {pods(10, 280, 10), services(300, 290, 310, 300), Explained, `{pod="w-1"}`, "[]"},
		"two of six":                                     {pods(100, 100, 100), services(300, 280, 30, 30, 30, 30), Explained, `{service="pay"} or {service="cart"}`, "[pod]"},
		"it alone, and nothing to look into":             {&Breakdown{}, moved, Explained, `{service="pay"}`, "[]"},
		"it alone; the other moved the other way":        {pods(100, 100, 100), services(300, 3), Explained, `{service="pay"}`, "[pod]"},
		"it did not move; another did, which is not it":  {pods(10, 10, 10), services(30, 300, 30, 30), NoChange, "", "[]"},
		"all stopped inside, and the others did not":     {pods(0, 0, 0), services(0, 30, 30, 30), Explained, `{service="pay"}`, "[]"},
		"all stopped inside, and the others did as well": {pods(0, 0, 0), services(0, 0, 0, 0), External, "", "[]"},
	} {
		t.Run(name, func(t *testing.T) {
			r := Run(frameWith(c.inside, c.beside), Options{})
			where, inside := "", "[]"
			if len(r.Causes) > 0 {
				where, inside = r.Causes[0].Name, fmt.Sprint(r.Causes[0].Evidence.Inside)
			}
			if r.Verdict != c.verdict || where != c.where || inside != c.insideOf {
				t.Errorf("%s %s %q inside %s, warnings %v", r.Verdict, r.Everywhere, where, inside, r.Warnings)
			}
			for _, w := range r.Warnings {
				if r.Verdict == Explained && strings.Contains(w.Text, "not in the labels") {
					t.Errorf("beside a place it says: %s", w.Text)
				}
			}
		})
	}
	if c := Run(frameWith(pods(100, 100), services(300, 290, 310, 300)), Options{}).Change; c.Siblings != 3 {
		t.Errorf("compared with %d", c.Siblings)
	}
}

// Sizes don't matter: a volume of 500 MB counts as much as one of 200 GB or 2 TB.
func TestSiblingsAreComparedRelativeToTheirSize(t *testing.T) {
	for _, full := range []string{"/boot", "/", "/data"} {
		sizes := map[string]float64{"/boot": 3e8, "/": 1.2e11, "/data": 1.2e12}
		series := []seriesLevel{{full, sizes[full], sizes[full] / 30}}
		for _, mount := range slices.Sorted(maps.Keys(sizes)) {
			if mount != full {
				series = append(series, seriesLevel{mount, sizes[mount], .99 * sizes[mount]})
			}
		}
		r := Run(frameWith(levelsOf("mountpoint", series...), nil), Options{})
		if r.Verdict != Explained || r.Causes[0].Labels[0]["mountpoint"] != full || r.Causes[0].Evidence.OnlyOf != 3 {
			t.Errorf("%s: %s %v", full, r.Verdict, r.Causes)
		}
	}
}

func TestPlaceAmongSiblingsUsesFewestLabels(t *testing.T) {
	grid := func(hit func(region, service string) bool) *Breakdown {
		series := []seriesLevel{{}}
		for _, region := range []string{"eu", "us", "ap"} {
			for _, service := range []string{"pay", "cart", "search", "stock"} {
				l := seriesLevel{region + "," + service, 20, 20}
				if hit(region, service) {
					l.now = 200
				}
				if region == "eu" && service == "pay" {
					series[0] = l
					continue
				}
				series = append(series, l)
			}
		}
		return levelsOf("region,service", series...)
	}
	for name, c := range map[string]struct {
		hit  func(region, service string) bool
		want string
	}{
		"both labels":     {func(r, s string) bool { return r == "eu" && s == "pay" }, `{region="eu",service="pay"}`},
		"one of them":     {func(_, s string) bool { return s == "pay" }, `{service="pay"}`},
		"the other":       {func(r, _ string) bool { return r == "eu" }, `{region="eu"}`},
		"another as well": {func(r, s string) bool { return s == "pay" || r == "us" && s == "cart" }, `{service="pay"} or {region="us",service="cart"}`},
	} {
		r := Run(frameWith(grid(c.hit), nil), Options{})
		if r.Verdict != Explained || r.Causes[0].Name != c.want {
			t.Errorf("%s: %s %v", name, r.Verdict, r.Causes)
			continue
		}
		if e := r.Causes[0].Evidence; e.Along != e.Leaves || e.OnlyOf != 12 {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

// A device and its mount point identify the same volume: the first line names one of the two
// labels and lists the other as an alias.
func TestEquivalentLabelsAreAliases(t *testing.T) {
	b := levelsOf("device,mountpoint", seriesLevel{"sda2,/boot", 5, .1}, seriesLevel{"sda1,/", 200, 200}, seriesLevel{"sdb1,/data", 900, 900})
	r := Run(frameWith(b, nil), Options{})
	if f := r.Causes[0]; f.Name != `{mountpoint="/boot"}` || fmt.Sprint(f.Evidence.Same) != "[map[device:sda2]]" {
		t.Errorf("%s, the same as %v", f.Name, f.Evidence.Same)
	}
}

// Of equivalent labels the report shows the one with readable names, whatever the label is
// called.
func TestNamesArePreferredToIDs(t *testing.T) {
	for id, want := range map[string]string{
		"16384,16385,16386": "datname", "9f1c0d2e,77aa01bc,00000000": "datname",
		"1b4e28ba-2fa1-11d2-883f-0016d3cca427,,6ba7b810-9dad-11d1-80b4-00c04fd430c8": "datname",
		"shop,docs,template1":    "datid",   // alphabetical
		"16384,16384,16386":      "datname", // shop and docs share it: it identifies less
		"beefcafe,decade,facade": "datid",
	} {
		ids := strings.Split(id, ",")
		b := levelsOf("datid,datname", seriesLevel{ids[0] + ",shop", 5, 93}, seriesLevel{ids[1] + ",docs", 5, 5}, seriesLevel{ids[2] + ",wiki", 7, 7})
		if f := Run(frameWith(b, nil), Options{}).Causes[0]; f.Name != map[string]string{"datname": `{datname="shop"}`, "datid": `{datid="` + ids[0] + `"}`}[want] {
			t.Errorf("of ids %s: %s", id, f.Name)
		}
		b.Levels, b.Beside, b.Own = false, false, nil
		if ids[0] == ids[1] {
			continue
		}
		if l := newLocation(Target{Breakdown: b}, Options{}); l.names[0] != want {
			t.Errorf("of ids %s: %v", id, l.names)
		}
	}
}

// A sibling whose noise hides whether it moved counts neither for nor against the KPI.
func TestNoisySiblingsAreInconclusive(t *testing.T) {
	b := levelsOf("x", seriesLevel{"a", 10, 13}, seriesLevel{"b", 10, 12}, seriesLevel{"c", 10, 12}, seriesLevel{"d", 10, 10})
	for k, step := range b.Numerator.Recent[:18] {
		for i := 1; i < 3; i++ {
			step[i] = 10 + 4*math.Cos(math.Pi*float64(k))
		}
	}
	p := newPeers(b)
	if p.alike() || p.known() || p.apart() {
		t.Errorf("%v %v", p.course, p.relative)
	}
}

// The KPI that is the largest of its series is the place, unless all of them rose.
func TestKPIThatIsTheMaximumOfSeries(t *testing.T) {
	one := levelsOf("shard,pod", seriesLevel{"c,c-0", 20, 450}, seriesLevel{"c,c-1", 20, 440}, seriesLevel{"a,a-0", 20, 20}, seriesLevel{"a,a-1", 21, 21}, seriesLevel{"b,b-0", 30, 30})
	one.Extreme = true
	r := Run(frameWith(one, nil), Options{})
	if r.Verdict != Explained || r.Causes[0].Name != `{shard="c"}` || r.Change.Siblings != 0 {
		t.Errorf("%s %v, %d siblings", r.Verdict, r.Causes, r.Change.Siblings)
	}
	all := levelsOf("pod", seriesLevel{"c-0", 20, 450}, seriesLevel{"c-1", 20, 440}, seriesLevel{"a-0", 20, 460})
	all.Extreme = true
	if r := Run(frameWith(all, nil), Options{}); r.Verdict != External || r.Everywhere != MovedAlike {
		t.Errorf("%s %v", r.Verdict, r.Causes)
	}
}

// Values that may be negative are compared by difference, not by factor.
func TestSignedValuesAreComparedByDifference(t *testing.T) {
	b := levelsOf("pod", seriesLevel{"a", -500, 60}, seriesLevel{"b", -480, -470}, seriesLevel{"c", -900, -890})
	if r := Run(frameWith(b, nil), Options{}); r.Verdict != Explained || r.Causes[0].Name != `{pod="a"}` {
		t.Errorf("%s %v", r.Verdict, r.Causes)
	}
}
