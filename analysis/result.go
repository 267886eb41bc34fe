// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/confidence"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Verdict is the whole answer in one word.
type Verdict string

// The verdicts, from the most to the least helpful.
const (
	Explained            Verdict = "explained"             // at least one cause passes its threshold
	External             Verdict = "external"              // everything moved alike: the cause is not in the labels
	NoConfidentCause     Verdict = "no_confident_cause"    // the KPI moved, nothing stands out
	NoChange             Verdict = "no_change"             // the KPI did not move
	InsufficientEvidence Verdict = "insufficient_evidence" // queries failed or too little history
)

// Confidence says how far a finding can be trusted.
type Confidence = confidence.Level

// The levels of confidence.
const (
	High   = confidence.High
	Medium = confidence.Medium
	Low    = confidence.Low
)

// Kinds of findings.
const (
	KindLabels = "labels" // where: a set of label values
	KindSeries = "series" // why: a series that moved with the KPI
	KindChange = "change" // what: something that was done before
)

// Result is what an analysis found. Its JSON is the `result` of a report.
type Result struct {
	Verdict    Verdict     `json:"verdict"`
	Causes     []Finding   `json:"causes"`
	Dimensions []Dimension `json:"dimensions"`
	Fit        *Fit        `json:"fit,omitempty"`
	Graph      Graph       `json:"graph"`
	Warnings   []Warning   `json:"warnings"`

	// Everywhere says why a change is of no single place: for the verdict external.
	Everywhere Everywhere `json:"everywhere,omitempty"`
	// Hurt are the services that are told to be victims, and first that of the KPI.
	Hurt []string `json:"hurt,omitempty"`
	// Load is what most of the candidates have in common, if that is the answer.
	Load *Load `json:"load,omitempty"`
	// Unclear says, in words, why none of the candidates is said with confidence.
	Unclear string `json:"unclear,omitempty"`
	// Change is the move of the first target, for sentences and charts.
	Change *Change `json:"change,omitempty"`
	// Changes is what was done around the onset; nil: it was not asked.
	Changes *Changes `json:"changes,omitempty"`
	// Recombined compares the parts of the breakdown with the whole.
	Recombined *Recombined `json:"recombined,omitempty"`
	// Forecast says how the expected values of the breakdown were made.
	Forecast string `json:"forecast,omitempty"`
	// Aside are the times before the incident that are no baseline.
	Aside []Stretch `json:"aside,omitempty"`
}

// Changes is what was done around the onset of an incident.
type Changes struct {
	Since  float64          `json:"since,omitempty"` // Unix seconds; from when on changes are known, 0: from the first one on
	Before int              `json:"before"`          // so many before the onset
	Later  []changes.Change `json:"later,omitempty"` // after it: consequences or remedies, and no causes
}

// Stretch is a time from its first moment up to its end, in Unix seconds.
type Stretch struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Why  Reason  `json:"why,omitempty"` // it is no baseline
}

// Reason says why a time is no baseline.
type Reason string

// The reasons.
const (
	Fired Reason = "alert" // the alert was pending or firing
	Far   Reason = "band"  // the KPI, or a part of it, was far from its usual
)

// Recombined is what the parts of a breakdown add up to, of a ratio those of the
// numerator, beside the whole, which was asked for by itself.
type Recombined struct {
	Parts float64 `json:"parts"`
	Whole float64 `json:"whole"`
}

// Share of the whole that the parts add up to: 1 is all of it.
func (r Recombined) Share() float64 { return r.Parts / r.Whole }

// Change is the move of a KPI: its expected and its actual value.
type Change struct {
	Target   string     `json:"target"`
	Forecast float64    `json:"forecast"`
	Actual   float64    `json:"actual"`
	Unit     words.Unit `json:"unit"` // of both; empty: a bare number, or not known
	Rising   bool       `json:"rising"`
	Clock    bool       `json:"clock,omitempty"`    // it is the time since or until something
	Others   float64    `json:"others,omitempty"`   // of a time: that of the middle one of its siblings
	Siblings int        `json:"siblings,omitempty"` // series that the KPI was compared with, without its own; 0: it was split into parts
	Level    *Level     `json:"level,omitempty"`    // of a KPI that did not move: how it stands to its alert's threshold
	Mix      *Mix       `json:"mix,omitempty"`      // of a ratio: where its traffic went, if that is a part of the change
}

// Finding is one cause.
type Finding struct {
	Rank       int                 `json:"rank"` // 1 is the best
	Kind       string              `json:"kind"` // labels, series or change
	Labels     []map[string]string `json:"labels,omitempty"`
	Series     string              `json:"series,omitempty"`
	Change     *changes.Change     `json:"change,omitempty"` // of a cause of that kind
	Metric     string              `json:"metric,omitempty"` // the series as Prometheus has it, where its rule gives it another name
	Name       string              `json:"name"`
	Score      float64             `json:"score"` // of its method; comparable inside one method only
	Share      float64             `json:"share"` // of the KPI's change that it explains
	Confidence Confidence          `json:"confidence"`
	Method     string              `json:"method"`
	Sentence   string              `json:"sentence"`
	Explains   []string            `json:"explains"` // names of the targets that it explains
	Common     bool                `json:"common"`   // it explains all targets of an incident
	Evidence   Evidence            `json:"evidence"`
	Explained  int                 `json:"explained,omitempty"` // how many it explains, if explains names the first of them only
	Role       Role                `json:"role,omitempty"`      // of a series: its part in the incident; empty: neither calls nor times tell it

	Odds float64 `json:"-"` // of changes, and series beside them: how likely they are among each other
}

// OfLabels says whether the figures of a finding are those of a set of labels, of
// its own or of one that a change is.
func (f Finding) OfLabels() bool {
	return f.Kind == KindLabels || f.Kind == KindChange && len(f.Evidence.Places) > 0
}

// NumExplained is how many targets the cause explains.
func (f Finding) NumExplained() int { return max(f.Explained, len(f.Explains)) }

// Dimension is the KPI seen by one label.
type Dimension struct {
	Label     string    `json:"label"`
	Surprise  float64   `json:"surprise"`  // bits, of the candidate set
	Explained float64   `json:"explained"` // share of the change that the candidate set explains
	Masking   float64   `json:"masking"`   // Σ|Δ| / |ΣΔ|: 1 means that nothing moves against the total
	Elements  []Element `json:"elements"`
	Note      string    `json:"note,omitempty"` // pruned, folded, refused: why
}

// Element is one value of a label.
type Element struct {
	Value    string   `json:"value"`
	Forecast float64  `json:"forecast"`
	Actual   float64  `json:"actual"`
	EP       float64  `json:"ep"`       // explanatory power: share of the change
	Surprise float64  `json:"surprise"` // bits
	Change   float64  `json:"change"`   // actual − forecast
	Tags     []string `json:"tags,omitempty"`
}

// Fit describes the regression of the KPI on the candidates.
type Fit struct {
	Explained float64 `json:"explained"` // share of the KPI's variance
	Series    int     `json:"series"`    // candidates looked at
	Moved     int     `json:"moved"`     // candidates that moved in the incident
	Selected  int     `json:"selected"`
	Converged bool    `json:"converged"`

	Of []string `json:"of,omitempty"` // exporters of the candidates, sorted, if that is known of all
}

// Graph is the causal graph over the KPI and its leading candidates.
type Graph struct {
	Nodes  []Node   `json:"nodes"`
	Edges  []Edge   `json:"edges"`
	Chains []Chain  `json:"chains,omitempty"`
	Notes  []string `json:"notes,omitempty"`
}

// Node is one variable of the graph.
type Node struct {
	Name    string   `json:"name"`
	Role    string   `json:"role"` // target or candidate
	Aliases []string `json:"aliases,omitempty"`
	Score   float64  `json:"score"`

	// Unix seconds at which it first moved, and between which it may have by its
	// noise: 0 if it has not.
	Onset    float64 `json:"onset,omitempty"`
	Earliest float64 `json:"earliest,omitempty"`
	Latest   float64 `json:"latest,omitempty"`

	// Why says of a candidate, in words, what part it has, or why it isn't the cause.
	Why string `json:"why,omitempty"`
}

// Edge is one link of the graph.
type Edge struct {
	From               string  `json:"from"`
	To                 string  `json:"to"`
	Directed           bool    `json:"directed"`
	Feedback           bool    `json:"feedback,omitempty"`
	PartialCorrelation float64 `json:"partial_correlation"`
	P                  float64 `json:"p"`
	Weight             float64 `json:"weight"`
	Source             string  `json:"source"` // learned, topology or given
}

// Chain is a likely way from a suspect to the KPI.
type Chain struct {
	Nodes    []string `json:"nodes"`
	Weight   float64  `json:"weight"`
	Directed bool     `json:"directed"` // every edge of it has a known direction
	Sentence string   `json:"sentence"`
}

// Warning is a doubt that travels with the answer.
type Warning struct {
	Source string `json:"source"` // the query, the method or the sink that it is about
	Text   string `json:"text"`   // what is wrong, and what would help
}

// Role is the part that a series has in an incident. It is told where calls or times
// tell it, and else left out.
type Role string

// The roles.
const (
	RoleCause        Role = "cause"         // said with confidence, and it was first, or what hurts depends on it
	RoleFirstSymptom Role = "first_symptom" // nothing was slow or failed before it
	RoleVictim       Role = "victim"        // it is slow or fails because of what it depends on, or since the KPI does
	RoleFollower     Role = "follower"      // it moved after the KPI, and is no cause of it
)

// Load is a factor by which most of the candidates moved together: more or less
// is asked of everything, and nobody of those who serve it is the cause.
type Load struct {
	Series string  `json:"series,omitempty"` // the traffic that carries it; empty: no candidate measures that
	Factor float64 `json:"factor"`           // incident over baseline
	Moved  int     `json:"moved"`            // candidates that moved by it
	Of     int     `json:"of"`               // candidates in all
}

// Everywhere says why a change is of no single place.
type Everywhere string

// The reasons.
const (
	MovedAlike Everywhere = "alike"  // every value of every label moved with the total
	MixShifted Everywhere = "mix"    // a ratio moved because its traffic did; no part of it changed
	AllStopped Everywhere = "outage" // there is nothing left anywhere
)

// Mix is the part of a ratio's change that is none of its parts: traffic went to
// where the ratio has always been higher, or lower.
type Mix struct {
	Labels map[string]string `json:"labels"` // the value of a label that the traffic went to, or left
	Share  float64           `json:"share"`  // of the change of the ratio
	Before float64           `json:"before"` // its part of the traffic, before
	Now    float64           `json:"now"`    // and now
	Ratio  float64           `json:"ratio"`  // what the ratio was there, before
	Others float64           `json:"others"` // and elsewhere
}

func compareStanding(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Confidence.Rank(), b.Confidence.Rank()), cmp.Compare(b.Share, a.Share))
}
