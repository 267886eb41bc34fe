// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"cmp"

	"github.com/culprit-dev/culprit/analysis/changes"
	"github.com/culprit-dev/culprit/analysis/confidence"
	"github.com/culprit-dev/culprit/analysis/words"
)

// Verdict is the answer in one word.
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
	KindChange = "change" // what: something that was done before the onset
)

// Result is what an analysis found. Its JSON is `result` in a report.
type Result struct {
	Verdict    Verdict     `json:"verdict"`
	Causes     []Finding   `json:"causes"`
	Dimensions []Dimension `json:"dimensions"`
	Fit        *Fit        `json:"fit,omitempty"`
	Graph      Graph       `json:"graph"`
	Warnings   []Warning   `json:"warnings"`

	// Everywhere says why the change has no single place, for the verdict external.
	Everywhere Everywhere `json:"everywhere,omitempty"`
	// Hurt names the services reported as victims, the KPI's own first.
	Hurt []string `json:"hurt,omitempty"`
	// Load is the common load of most candidates, if that is the answer.
	Load *Load `json:"load,omitempty"`
	// Unclear says, in words, why no candidate is reported with confidence.
	Unclear string `json:"unclear,omitempty"`
	// Change is the move of the first target, for sentences and charts.
	Change *Change `json:"change,omitempty"`
	// Changes is what was done around the onset; nil if nobody looked for changes.
	Changes *Changes `json:"changes,omitempty"`
	// Recombined compares the sum of the breakdown's parts with the whole.
	Recombined *Recombined `json:"recombined,omitempty"`
	// Forecast says how the expected values of the breakdown were made.
	Forecast string `json:"forecast,omitempty"`
	// Aside lists the times before the incident that are excluded from the baseline.
	Aside []Stretch `json:"aside,omitempty"`
}

// Changes is what was done around the onset of an incident.
type Changes struct {
	Since  float64          `json:"since,omitempty"` // Unix seconds from which changes are known; 0: from the first one
	Before int              `json:"before"`          // number of changes before the onset
	Later  []changes.Change `json:"later,omitempty"` // after the onset: consequences or remedies, never causes
}

// Stretch is the half-open interval [From, To), in Unix seconds.
type Stretch struct {
	From float64 `json:"from"`
	To   float64 `json:"to"`
	Why  Reason  `json:"why,omitempty"` // why it is excluded from the baseline
}

// Reason says why a stretch is excluded from the baseline.
type Reason string

// The reasons.
const (
	Fired Reason = "alert" // the alert was pending or firing
	Far   Reason = "band"  // the KPI, or a part of it, was far from its baseline
)

// Recombined compares what the parts of a breakdown add up to (for a ratio, its numerator) with
// the whole, which was queried separately.
type Recombined struct {
	Parts float64 `json:"parts"`
	Whole float64 `json:"whole"`
}

// Share returns the parts as a fraction of the whole; 1 means they add up.
func (r Recombined) Share() float64 { return r.Parts / r.Whole }

// Change is the move of a KPI from its expected to its actual value.
type Change struct {
	Target   string     `json:"target"`
	Forecast float64    `json:"forecast"`
	Actual   float64    `json:"actual"`
	Unit     words.Unit `json:"unit"` // of both values; empty: a bare number, or unknown
	Rising   bool       `json:"rising"`
	Clock    bool       `json:"clock,omitempty"`    // the KPI is the time since or until something
	Others   float64    `json:"others,omitempty"`   // for a clock: the median of its siblings
	Siblings int        `json:"siblings,omitempty"` // other series that the KPI was compared with; 0: it was split into parts
	Level    *Level     `json:"level,omitempty"`    // for a KPI that did not move: how it compares with its alert's threshold
	Mix      *Mix       `json:"mix,omitempty"`      // for a ratio: where its traffic went, if that is part of the change
}

// Finding is one cause.
type Finding struct {
	Rank       int                 `json:"rank"` // 1 is the best
	Kind       string              `json:"kind"` // labels, series or change
	Labels     []map[string]string `json:"labels,omitempty"`
	Series     string              `json:"series,omitempty"`
	Change     *changes.Change     `json:"change,omitempty"` // for that kind only
	Metric     string              `json:"metric,omitempty"` // the Prometheus series, if its rule renames it
	Name       string              `json:"name"`
	Score      float64             `json:"score"` // comparable within one method only
	Share      float64             `json:"share"` // of the KPI's change that the cause explains
	Confidence Confidence          `json:"confidence"`
	Method     string              `json:"method"`
	Sentence   string              `json:"sentence"`
	Explains   []string            `json:"explains"` // names of the targets that the cause explains
	Common     bool                `json:"common"`   // it explains all targets of an incident
	Evidence   Evidence            `json:"evidence"`
	Explained  int                 `json:"explained,omitempty"` // number of explained targets, if Explains names only the first ones
	Role       Role                `json:"role,omitempty"`      // of a series in the incident; empty if neither calls nor timing tell

	Odds float64 `json:"-"` // of changes, and of the series ranked with them: relative likelihood
}

// OfLabels says whether the finding's figures are those of a label set: its own, or one that
// its change accounts for.
func (f Finding) OfLabels() bool {
	return f.Kind == KindLabels || f.Kind == KindChange && len(f.Evidence.Places) > 0
}

// NumExplained returns how many targets the cause explains.
func (f Finding) NumExplained() int { return max(f.Explained, len(f.Explains)) }

// Dimension is the KPI broken down by one label.
type Dimension struct {
	Label     string    `json:"label"`
	Surprise  float64   `json:"surprise"`  // bits, of the candidate set
	Explained float64   `json:"explained"` // share of the change that the candidate set explains
	Masking   float64   `json:"masking"`   // Σ|Δ| / |ΣΔ|: 1 means that no value moves against the total
	Elements  []Element `json:"elements"`
	Note      string    `json:"note,omitempty"` // why it was pruned, folded or refused
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

	Of []string `json:"of,omitempty"` // exporters of the candidates, sorted; nil unless all are known
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

	// Unix seconds of its first move, and the range in which noise leaves that uncertain; 0 if
	// it did not move.
	Onset    float64 `json:"onset,omitempty"`
	Earliest float64 `json:"earliest,omitempty"`
	Latest   float64 `json:"latest,omitempty"`

	// Why says in words what role the candidate has, or why it isn't the cause.
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

// Chain is a likely path from a suspect to the KPI.
type Chain struct {
	Nodes    []string `json:"nodes"`
	Weight   float64  `json:"weight"`
	Directed bool     `json:"directed"` // every edge has a known direction
	Sentence string   `json:"sentence"`
}

// Warning is a doubt that travels with the answer.
type Warning struct {
	Source string `json:"source"` // the query, method or sink concerned
	Text   string `json:"text"`   // what is wrong, and what would help
}

// Role is the part of a series in an incident. It is empty unless calls or timing show it.
type Role string

// The roles.
const (
	RoleCause        Role = "cause"         // reported with confidence, and it moved first or what hurts depends on it
	RoleFirstSymptom Role = "first_symptom" // nothing was slow or failed before it
	RoleVictim       Role = "victim"        // slow or failing because of a dependency, or since the KPI moved
	RoleFollower     Role = "follower"      // moved after the KPI, so it is no cause
)

// Load is a factor by which most candidates moved together: demand changed everywhere, and none
// of the services that serve it is the cause.
type Load struct {
	Series string  `json:"series,omitempty"` // the traffic series that carries it; empty: no candidate measures it
	Factor float64 `json:"factor"`           // incident over baseline
	Moved  int     `json:"moved"`            // candidates that moved by this factor
	Of     int     `json:"of"`               // number of candidates
}

// Everywhere says why a change has no single place.
type Everywhere string

// The reasons.
const (
	MovedAlike Everywhere = "alike"  // every value of every label moved with the total
	MixShifted Everywhere = "mix"    // a ratio moved because its traffic did; no part of it changed by itself
	AllStopped Everywhere = "outage" // nothing is left anywhere
)

// Mix is the part of a ratio's change that comes from traffic alone: it shifted to where the
// ratio has always been higher, or lower.
type Mix struct {
	Labels map[string]string `json:"labels"` // the label value that traffic went to or left
	Share  float64           `json:"share"`  // of the ratio's change
	Before float64           `json:"before"` // its fraction of the traffic before
	Now    float64           `json:"now"`    // and in the incident
	Ratio  float64           `json:"ratio"`  // the ratio there, before
	Others float64           `json:"others"` // and elsewhere, before
}

func compareStanding(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Confidence.Rank(), b.Confidence.Rank()), cmp.Compare(b.Share, a.Share))
}
