// SPDX-License-Identifier: Apache-2.0

package analysis

import "github.com/culprit-dev/culprit/analysis/localize"

// LabelModes are the names of the modes of the attribution to label values, the
// default first.
func LabelModes() []string {
	names := make([]string, len(labelModes))
	for i, m := range labelModes {
		names[i] = m.name
	}
	return names
}

// labelModes are the modes by name: a new one is a line here.
var labelModes = []struct {
	name string
	mode localize.Mode
}{
	{"auto", localize.Auto},
	{"nsdi", localize.NSDI},
	{"complete", localize.Complete},
	{"grescan", localize.GREScan},
}

// modeOf reads a mode; whoever took it from a user has refused all others.
func modeOf(name string) localize.Mode {
	for _, m := range labelModes {
		if m.name == name {
			return m.mode
		}
	}
	return localize.Auto
}

// GoneModes are the names of modes that were, and what to do instead.
var GoneModes = map[string]string{
	"riskloc": "it was there for comparison, and is part of the benchmark now: leave the mode out, or use grescan",
}
