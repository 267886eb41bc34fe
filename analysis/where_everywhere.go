package analysis

import "strings"

// Everywhere says what the verdict [External] means: the cause is of no single
// place, for one of three reasons.
type Everywhere string

// The reasons.
const (
	MovedAlike Everywhere = "alike"  // every value of every label moved with the total
	MixShifted Everywhere = "mix"    // a ratio moved because its traffic did; no part of it changed
	AllStopped Everywhere = "outage" // there is nothing left anywhere
)

// Openings of the warnings that tell the reasons apart. They are written and
// read in this package only; a stored report has its reason in them.
const (
	openMix     = "traffic mix: "
	openStopped = "everything stopped"
)

// Everywhere returns why an External change is of no single place, as the
// warning about the labels tells it. Without such a warning everything moved
// alike.
func (r Result) Everywhere() Everywhere {
	for _, w := range r.Warnings {
		if w.Source != "labels" && !strings.HasSuffix(w.Source, ": labels") { // with several targets the source says whose
			continue
		}
		switch {
		case strings.HasPrefix(w.Text, openMix):
			return MixShifted
		case strings.HasPrefix(w.Text, openStopped):
			return AllStopped
		}
	}
	return MovedAlike
}
