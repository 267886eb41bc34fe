// SPDX-License-Identifier: Apache-2.0

package analysis

import "github.com/culprit-dev/culprit/analysis/localize"

// The methods of each analysis, by the names under which a user asks for them: a new
// one is its kernel, a line here and a line of documentation.

// labelModes are the modes of the attribution to label values, the default first.
var labelModes = []struct {
	name string
	mode localize.Mode
}{
	{"auto", localize.Auto},
	{"nsdi", localize.NSDI},
	{"complete", localize.Complete},
	{"grescan", localize.GREScan},
}

// seriesMethods are the methods that rank candidate series, the default first.
var seriesMethods = []struct {
	name    string
	undated bool // it can do without an onset
	changes bool // it knows of changes
	run     func(*candidates) seriesAnswer
}{
	{name: "rank", changes: true, run: (*candidates).rank},
	{name: "balance", undated: true, run: (*candidates).balance},
}

// goneModes are the names of modes that were, and what to do instead.
var goneModes = map[string]string{
	"riskloc": "it was there for comparison, and is part of the benchmark now: leave the mode out, or use grescan",
}

// LabelModes are the names of the modes of the attribution to label values, the
// default first.
func LabelModes() []string {
	names := make([]string, len(labelModes))
	for i, m := range labelModes {
		names[i] = m.name
	}
	return names
}

// GoneMode says what to do instead of a mode that was, if there was one of that name.
func GoneMode(name string) (hint string, ok bool) {
	hint, ok = goneModes[name]
	return hint, ok
}

// modeOf reads a mode; whoever took it from a user has refused all others.
func modeOf(name string) localize.Mode {
	for _, m := range labelModes {
		if m.name == name {
			return m.mode
		}
	}
	return labelModes[0].mode
}

// SeriesMethods are the names of the methods that rank candidate series, the default
// first.
func SeriesMethods() []string {
	names := make([]string, len(seriesMethods))
	for i, m := range seriesMethods {
		names[i] = m.name
	}
	return names
}

// NeedsOnset says whether a method that ranks series has nothing to rank by without
// an onset.
func (o SeriesOptions) NeedsOnset() bool { return !seriesMethods[o.method()].undated }

// KnowsChanges says whether a method that ranks series puts changes beside them.
func (o SeriesOptions) KnowsChanges() bool { return seriesMethods[o.method()].changes }

// method is the index of the method; whoever took its name from a user has refused
// all others.
func (o SeriesOptions) method() int {
	for i, m := range seriesMethods {
		if m.name == o.Method {
			return i
		}
	}
	return 0
}
