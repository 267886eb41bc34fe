// SPDX-License-Identifier: Apache-2.0

package analysis

import "github.com/culprit-dev/culprit/analysis/localize"

// The methods of each analysis, by the names that users configure. A new one needs its kernel,
// a line here and a line of documentation.

// labelModes are the modes of attribution to label values, the default first.
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
	undated bool // works without an onset
	changes bool // ranks changes too
	run     func(*candidates) seriesAnswer
}{
	{name: "rank", changes: true, run: (*candidates).rank},
	{name: "balance", undated: true, run: (*candidates).balance},
}

// goneModes maps removed modes to what to use instead.
var goneModes = map[string]string{
	"riskloc": "it was there for comparison, and is part of the benchmark now: leave the mode out, or use grescan",
}

// LabelModes returns the names of the modes of attribution to label values, the default first.
func LabelModes() []string {
	names := make([]string, len(labelModes))
	for i, m := range labelModes {
		names[i] = m.name
	}
	return names
}

// GoneMode says what to use instead of a removed mode; ok is false if there was none of that
// name.
func GoneMode(name string) (hint string, ok bool) {
	hint, ok = goneModes[name]
	return hint, ok
}

// modeOf parses a mode. Unknown names, which configuration refuses, give the default.
func modeOf(name string) localize.Mode {
	for _, m := range labelModes {
		if m.name == name {
			return m.mode
		}
	}
	return labelModes[0].mode
}

// SeriesMethods returns the names of the methods that rank candidate series, the default first.
func SeriesMethods() []string {
	names := make([]string, len(seriesMethods))
	for i, m := range seriesMethods {
		names[i] = m.name
	}
	return names
}

// NeedsOnset says whether the configured method can rank nothing without an onset.
func (o SeriesOptions) NeedsOnset() bool { return !seriesMethods[o.method()].undated }

// KnowsChanges says whether the configured method ranks changes together with series.
func (o SeriesOptions) KnowsChanges() bool { return seriesMethods[o.method()].changes }

// method returns the index of the configured method. Unknown names, which configuration
// refuses, give the default.
func (o SeriesOptions) method() int {
	for i, m := range seriesMethods {
		if m.name == o.Method {
			return i
		}
	}
	return 0
}
