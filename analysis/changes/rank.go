// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"cmp"
	"math"
	"slices"

	"gonum.org/v1/gonum/floats"
)

const (
	settled    = 600   // seconds within which half of the incidents that a change brings have begun
	day        = 86400 // seconds of history that stand for what is usual: a place is changed once a day
	step       = 2     // odds of each step nearer to what hurts
	sure       = 10    // odds that something certain is worth; what is likely, the root of it
	fromChange = 0.5   // share of incidents that come from a change; operators of large sites count more
	likely     = 0.5   // probability from which on a change is
	certain    = 0.9
	rather     = 3  // odds, by its time, that the change did it and that the place did not break by itself, from which on it is said
	fewPlaces  = 10 // places that a system has at the least, also if fewer are known
)

// Incident is what changes are held against.
type Incident struct {
	Onset  float64             // Unix seconds, as the alert says
	Moved  float64             // Unix seconds at which the KPI was on its way for certain; 0: unknown
	Since  float64             // Unix seconds from which on changes are known; 0: from the first one on
	Labels map[string]string   // of the alert
	Calls  [][2]string         // caller, callee
	Found  []Part              // where the KPI changed
	Alike  []map[string]string // other places where the same KPI changed as here
	Series []Service           // what the series say
	Quiet  bool                // nothing moved: no change has done anything
	Move   Move                // of the KPI; the zero value: not known
}

// Service is what the series of one service say.
type Service struct {
	Name     string
	Evidence float64 // natural logarithm of its odds; only differences count
	Since    float64 // Unix seconds at which it was on its way for certain; 0: unknown
	Sure     bool    // the series alone say with confidence that it is a cause
	Certain  bool    // and with high confidence
	Trace    bool    // what moved is what each start of a process moves: memory, processor, connections
	Freed    bool    // and is less than it was
}

// A Cause is one change with its evidence. The factors are likelihood ratios:
// above 1 they speak for it.
type Cause struct {
	Change
	Parts       []Change // all that tell of it, if there are several
	Probability float64  // that it began the incident, given that it is this one, another one, or none
	Time        float64  // factor of its time, and of how rare the like is
	Place       float64  // factor of how near it is
	Fit         float64  // factor of the label sets that were found
	Series      float64  // factor of the series of its service
	Near        Nearness
	Lag         float64  // seconds from its beginning to the onset
	Earlier     int      // how often the like was done there before it
	Services    []string // whose series were looked at
	Found       []int    // the parts that are what was changed, as indices in Incident.Found
	Confirmed   bool     // what was changed is what went bad, by the labels or the series
	Likely      bool     // more likely than not, and near or confirmed
	Certain     bool     // nine of ten, and confirmed by what is certain itself
	Late        bool     // the KPI went its way without it

	proven bool
}

// Alone says whether, if the place is the cause, it is more likely that the change
// did it than that the place broke by itself. A symptom did nothing.
func (c Cause) Alone() bool { return c.Time >= 1 && !c.Late && !c.symptom() }

// A Ranking is all changes, the most likely cause first.
type Ranking struct {
	Causes []Cause
	None   float64   // probability that it is none of them
	Later  []Change  // after the onset: consequences, or remedies
	Odds   []float64 // of Incident.Series: by how much its changes make each service likelier by their times alone, 1 if not
	Alone  []float64 // of Incident.Series: probability that the service broke by itself
}

// Rank returns the changes in the order in which they are likely to be the
// cause. The order in which they come, their number of tellings, and an equal shift of
// all times have no say. It costs O(n log n) for n changes.
func Rank(list []Change, in Incident) Ranking {
	var r Ranking
	later := func(c Change) bool { return c.At > in.Onset } // a remedy is never a part of what it mends
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

// weigher knows what all changes have in common.
type weigher struct {
	Incident
	sites  []site
	way    *way
	often  map[string]int   // how often a kind of change was made in a place
	so     map[string]int   // the same, of those that were weighed
	named  map[string][]int // services of Incident.Series by their names
	pods   map[string][]int // and by the workload, of those that are named like pods
	odds   []float64        // see Ranking
	mean   float64          // logarithm of the mean of the odds of the services
	places float64
}

func newWeigher(events []*event, in Incident) *weigher {
	w := &weigher{Incident: in, sites: sitesOf(in), way: in.Move.way(), often: map[string]int{}, so: map[string]int{}, named: map[string][]int{}, pods: map[string][]int{}}
	names := map[string]bool{}
	if len(events) > 0 && (w.Since == 0 || w.Since > events[0].At) {
		w.Since = events[0].At
	}
	for _, e := range events {
		e.like = e.place.name + "\x00" + e.kind()
		w.often[e.like]++
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
	c := Cause{Change: e.Change, Fit: 1, Series: 1, Earlier: w.so[e.like]}
	w.so[e.like]++
	if len(e.parts) > 1 {
		c.Parts = e.parts
	}
	c.Lag = max(0, w.began()-e.At)
	took := min(max(0, e.Until-e.At), c.Lag) // of that; while it goes on an incident may begin at any time
	after := 1 + (c.Lag-took)/settled
	rate := float64(w.often[e.like]) / (day + w.Onset - w.Since)
	c.Time = 1 / (settled*after*after + took) / rate
	c.Late = w.way.without(e.At)
	if c.Late || w.Moved > 0 && e.At > w.Moved {
		c.Time /= sure
	}
	c.Near = w.nearness(e)
	c.Place = math.Pow(step, float64(c.Near))
	w.labels(&c, e)
	w.series(&c, e)
	return c
}

// began is when the KPI began to move, which may be before the alert says.
func (w *weigher) began() float64 {
	if w.Moved > 0 {
		return min(w.Onset, w.Moved)
	}
	return w.Onset
}

// nearness to the nearest of the places that hurt. An alert of the same
// workload is another symptom, and no change of it.
func (w *weigher) nearness(e *event) Nearness {
	near := Elsewhere
	for _, s := range w.sites {
		n := s.nearness(e.place)
		if s.same(e.place) && (e.another(s.labels) || w.notHere(e)) {
			n = min(n, Namespace)
		}
		near = max(near, n)
	}
	if e.Source == FromAlert && near == Workload {
		return Somewhere
	}
	return near
}

// notHere says that what hurts here hurts as much where nothing was changed.
func (w *weigher) notHere(e *event) bool {
	return slices.ContainsFunc(w.Alike, func(set map[string]string) bool { return !placeOf(merged(w.Labels, set)).same(e.place) })
}

// labels asks whether the part that was changed is the one that went bad.
func (w *weigher) labels(c *Cause, e *event) {
	for i, p := range w.Found {
		odds := math.Pow(sure, min(max(p.Sure, 0), 2)/2)
		switch e.fits(p) {
		case Agrees:
			c.Found = append(c.Found, i)
			if !p.Rollover {
				c.Fit = max(c.Fit, odds)
				c.Confirmed, c.proven = c.Confirmed || p.Sure >= 1, c.proven || p.Sure >= 2
			}
		case Contradicts:
			c.Fit = min(c.Fit, 1/odds)
		}
	}
}

// series asks the series of its service, the loudest if there are several. One that
// was on its way before the change speaks against it.
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

// indices are those of the services that are a place, or else of its pods, in their order.
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

// open says that neither labels nor series tell where it is: then a change of what
// somebody has named as a candidate needs no other evidence than its time.
func (w *weigher) open() bool {
	return !slices.ContainsFunc(w.Found, func(p Part) bool { return p.Sure >= 1 }) &&
		!slices.ContainsFunc(w.Incident.Series, func(s Service) bool { return s.Sure })
}

// said says whether anything but its time says that a change did it.
func (w *weigher) said(c Cause) bool {
	return c.Confirmed || !c.Guessed && (c.Near >= Workload || c.Change.Series != "" && w.open())
}

// odds are those of the change beside an incident that none of them began.
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
		c.Likely = !w.Quiet && !c.Late && !c.symptom() && c.Probability >= likely && c.Time >= rather && c.Fit >= 1 && w.said(*c)
		c.Certain = c.Likely && c.Probability >= certain && c.proven
	}
	slices.SortStableFunc(r.Causes, func(a, b Cause) int {
		return cmp.Or(cmp.Compare(b.Probability, a.Probability), cmp.Compare(b.At, a.At)) // else they stay in their order
	})
}
