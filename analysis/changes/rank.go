// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	settled     = 600   // seconds within which half of the incidents caused by a change have begun
	day         = 86400 // seconds of prior history: a place is changed once a day
	step        = 2     // odds for each degree of nearness
	sure        = 10    // odds of certain evidence; likely evidence has the root of it
	fromChange  = 0.5   // share of incidents caused by a change; operators of large sites report more
	likely      = 0.5   // probability from which on a change is likely
	certain     = 0.9
	minTimeOdds = 3  // odds by time alone, that the change did it rather than the place by itself, required to call it likely
	fewPlaces   = 10 // smallest number of places in a system, even if fewer are known
)

// Incident is what changes are compared with.
type Incident struct {
	Onset  float64             // Unix seconds, as the alert says
	Moved  float64             // Unix seconds by which the KPI had certainly begun to move; 0: unknown
	Since  float64             // Unix seconds from which changes are known; 0: from the first one
	Labels map[string]string   // of the alert
	Calls  [][2]string         // caller, callee
	Found  []Part              // where the KPI changed
	Alike  []map[string]string // other places where the same KPI changed as here
	Series []Service           // evidence of the series
	Quiet  bool                // nothing moved, so no change did anything
	Move   Move                // of the KPI; zero: unknown
}

// Service is the evidence of one service's series.
type Service struct {
	Name     string
	Evidence float64 // natural logarithm of its odds, up to a constant
	Since    float64 // Unix seconds by which it had certainly begun to move; 0: unknown
	Sure     bool    // by the series alone it is a cause of at least medium confidence
	Certain  bool    // and of high confidence
	Trace    bool    // only resources moved that any process start moves: memory, CPU, connections
	Freed    bool    // and they fell
}

// Cause is one change with its evidence. The factors are likelihood ratios: above 1 they speak
// for it.
type Cause struct {
	Change
	Parts       []Change // all reports of it, if there are several
	Probability float64  // that it began the incident, among all changes and none
	Time        float64  // factor for its time and rarity
	Place       float64  // factor for its nearness
	Fit         float64  // factor for the label sets that were found
	Series      float64  // factor for the series of its service
	Near        Nearness
	Lag         float64  // seconds from its beginning to the onset
	Earlier     int      // number of earlier changes of the same kind there
	Services    []string // whose series were examined
	Found       []int    // indices in Incident.Found of the parts that are what was changed
	Confirmed   bool     // what was changed is what went bad, by labels or series
	Likely      bool     // more likely than not, and near or confirmed
	Certain     bool     // at least 90 % likely, and confirmed by certain evidence
	Late        bool     // the KPI moved independently of it

	proven bool
}

// Alone says whether, if the place is the cause, the change did it rather than the place by
// itself. A symptom did nothing.
func (c Cause) Alone() bool { return c.Time >= 1 && !c.Late && !c.symptom() }

// Ranking is all changes, the most likely cause first.
type Ranking struct {
	Causes []Cause
	None   float64   // probability that none of them is the cause
	Later  []Change  // after the onset: consequences, or remedies
	Odds   []float64 // per Incident.Series: factor by which its changes make it likelier, by time alone; 1: none
	Alone  []float64 // per Incident.Series: probability that it broke by itself
}

// Rank sorts changes by how likely they caused the incident. The order of the input, duplicate
// reports and a shift of all times have no influence. It costs O(n log n) for n changes.
func Rank(list []Change, in Incident) Ranking {
	var r Ranking
	later := func(c Change) bool { return c.At > in.Onset } // a remedy must not be merged with what it repairs
	for _, e := range eventsOf(slices.DeleteFunc(slices.Clone(list), func(c Change) bool { return !later(c) })) {
		r.Later = append(r.Later, e.Change)
	}
	before := eventsOf(slices.DeleteFunc(slices.Clone(list), later))
	w := newWeigher(before, in)
	for _, e := range before {
		r.Causes = append(r.Causes, w.weigh(e))
	}
	r.Odds = w.odds
	r.conclude(w)
	return r
}

// weigher has what all changes share.
type weigher struct {
	Incident
	sites  []site
	course *course
	often  map[string]int       // number of changes by kind and place
	waves  map[string][]float64 // when those weighed so far began, by kind and place; what is done within minutes is one
	moves  map[move]float64     // when each was last made before the KPI's
	list   []*event
	named  map[string][]int // services of Incident.Series by name
	pods   map[string][]int // and by workload, for those named like pods
	odds   []float64        // see Ranking
	mean   float64          // log of the mean odds of the services
	places float64
}

func newWeigher(events []*event, in Incident) *weigher {
	w := &weigher{Incident: in, sites: sitesOf(in), course: in.Move.course(), often: map[string]int{}, waves: map[string][]float64{}, moves: map[move]float64{}, list: events, named: map[string][]int{}, pods: map[string][]int{}}
	names := map[string]bool{}
	if len(events) > 0 && (w.Since == 0 || w.Since > events[0].At) {
		w.Since = events[0].At
	}
	for _, e := range events {
		e.like = e.place.name + "\x00" + e.kind()
		w.often[e.like]++
		w.moves[move{e.place.name, e.From, e.To}] = e.At
		names[e.place.name] = true
	}
	evidence := make([]float64, len(in.Series))
	for i, s := range in.Series {
		names[s.Name] = true
		evidence[i] = s.Evidence
		w.named[s.Name] = append(w.named[s.Name], i)
		if workload := ofPod(s.Name); workload != s.Name {
			w.pods[workload] = append(w.pods[workload], i)
		}
		w.odds = append(w.odds, 1)
	}
	if len(evidence) > 0 {
		w.mean = floats.LogSumExp(evidence) - math.Log(float64(len(evidence)))
	}
	w.places = max(fewPlaces, float64(len(names)))
	return w
}

// weigh collects the evidence about one change.
func (w *weigher) weigh(e *event) Cause {
	c := Cause{Change: e.Change, Fit: 1, Series: 1, Earlier: w.earlier(e)}
	if len(e.parts) > 1 {
		c.Parts = e.parts
	}
	c.Lag = max(0, w.began()-e.At)
	took := min(max(0, e.Until-e.At), c.Lag) // duration within the lag, during which the incident may begin at any time
	after := 1 + (c.Lag-took)/settled
	rate := float64(w.often[e.like]) / (day + w.Onset - w.Since)
	c.Time = 1 / (settled*after*after + took) / rate
	c.Late = w.course.without(e.At) || w.course.preceded(e.At, w.began()) || w.course.remedied(e.At, w.began()) || w.reverted(e)
	if c.Late || c.Reaction || w.Moved > 0 && e.At > w.Moved {
		c.Time /= sure
	}
	c.Near = w.nearness(e)
	c.Place = math.Pow(step, float64(c.Near))
	w.labels(&c, e)
	w.series(&c, e)
	return c
}

// move is a change of a place from one version, value or state to another.
type move struct{ place, from, to string }

// reverted reports whether a change was undone before the KPI moved.
func (w *weigher) reverted(e *event) bool {
	back, ok := w.moves[move{e.place.name, e.To, e.From}]
	return e.Undone || ok && e.From != e.To && e.At < back && back < w.began()-maxDelay
}

// earlier returns how often the like was done before an event, which is the next in time.
// What is done everywhere within minutes was done once.
func (w *weigher) earlier(e *event) int {
	waves := w.waves[e.like]
	if n := len(waves); n == 0 || e.At-waves[n-1] >= together {
		w.waves[e.like] = append(waves, e.At)
	}
	return len(w.waves[e.like]) - 1
}

// began returns when the KPI began to move, which may be before the alert's onset.
func (w *weigher) began() float64 {
	if w.Moved > 0 {
		return min(w.Onset, w.Moved)
	}
	return w.Onset
}

// nearness returns the nearness to the closest place that hurts. An alert of the same workload
// is another symptom, not a change of it.
func (w *weigher) nearness(e *event) Nearness {
	near := Elsewhere
	for _, s := range w.sites {
		n := s.nearness(e.place)
		if s.same(e.place) && (e.otherReplica(s.labels) || w.hurtsElsewhere(e)) {
			n = min(n, Namespace)
		}
		near = max(near, n)
	}
	if e.Source == FromAlert && near == Workload {
		return Somewhere
	}
	return near
}

// hurtsElsewhere says whether a place that was not changed hurts in the same way.
func (w *weigher) hurtsElsewhere(e *event) bool {
	return slices.ContainsFunc(w.Alike, func(set map[string]string) bool { return !placeOf(merged(w.Labels, set)).same(e.place) })
}

// labels compares what was changed with the parts that went bad.
func (w *weigher) labels(c *Cause, e *event) {
	for i, p := range w.Found {
		odds := math.Pow(sure, min(max(p.Sure, 0), 2)/2)
		switch fit := e.fits(p); {
		case fit == Agrees && w.idleElsewhere(e, p):
		case fit == Agrees:
			c.Found = append(c.Found, i)
			if !p.Rollover {
				c.Fit = max(c.Fit, odds)
				c.Confirmed, c.proven = c.Confirmed || p.Sure >= 1, c.proven || p.Sure >= 2
			}
		case fit == Contradicts:
			c.Fit = min(c.Fit, 1/odds)
		}
	}
}

// idleElsewhere says whether a similar change was made in another place at the same time, where
// the KPI did not change: then the change does not distinguish the bad part from the others.
func (w *weigher) idleElsewhere(e *event, p Part) bool {
	first, _ := slices.BinarySearchFunc(w.list, e.At-together, func(o *event, at float64) int { return cmp.Compare(o.At, at) })
	for _, o := range w.list[first:] {
		if o.At > e.At+together {
			break
		}
		if o.like == e.like && o.fits(p) == Contradicts {
			return true
		}
	}
	return false
}

// series adds the evidence of its services' series, that of the loudest. A service that moved
// before the change speaks against it.
func (w *weigher) series(c *Cause, e *event) {
	for _, i := range w.indices(e.place) {
		s := w.Series[i]
		w.odds[i] = max(w.odds[i], 1+fromChange/(1-fromChange)*c.Time)
		odds := math.Exp(s.Evidence - w.mean)
		early := s.Since > 0 && s.Since < e.At
		if early {
			odds /= sure
		}
		if len(c.Services) == 0 || odds > c.Series {
			c.Series = odds
		}
		c.Services = append(c.Services, s.Name)
		if !early && !s.Trace {
			c.Confirmed, c.proven = c.Confirmed || s.Sure, c.proven || s.Certain
		}
	}
}

// indices returns the services at a place, else those of its pods, in order.
func (w *weigher) indices(p place) []int {
	var all []int
	for _, name := range p.names {
		all = append(all, w.named[name]...)
	}
	if len(all) == 0 {
		for _, name := range p.names {
			all = append(all, w.pods[name]...)
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// open says that neither labels nor series name a place. Then a change of a configured
// candidate needs no evidence but its time.
func (w *weigher) open() bool {
	return !slices.ContainsFunc(w.Found, func(p Part) bool { return p.Sure >= 1 }) &&
		!slices.ContainsFunc(w.Incident.Series, func(s Service) bool { return s.Sure })
}

// supported says whether anything besides time supports that a change did it.
func (w *weigher) supported(c Cause) bool {
	return c.Confirmed || !c.Guessed && (c.Near >= Workload || c.Change.Series != "" && w.open())
}

// odds returns the odds of the change against an incident without a change.
func (c Cause) odds(places float64) float64 {
	return fromChange / (1 - fromChange) / places * c.Time * c.Place * c.Fit * c.Series
}

// conclude turns the evidence into probabilities, and sorts.
func (r *Ranking) conclude(w *weigher) {
	all := 1.0
	for _, c := range r.Causes {
		all += c.odds(w.places)
	}
	r.None = 1 / all
	for _, s := range w.Series {
		r.Alone = append(r.Alone, math.Exp(s.Evidence-w.mean)/w.places/all)
	}
	for i := range r.Causes {
		c := &r.Causes[i]
		c.Probability = c.odds(w.places) / all
		c.Likely = !w.Quiet && !c.Late && !c.symptom() && c.Probability >= likely && c.Time >= minTimeOdds && c.Fit >= 1 && w.supported(*c)
		c.Certain = c.Likely && c.Probability >= certain && c.proven
	}
	slices.SortStableFunc(r.Causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), cmp.Compare(b.At, a.At)) // ties keep their order
	})
}
