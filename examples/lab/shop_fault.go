// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"time"
)

// Kinds of faults: the two stories of the literature on attribution (NSDI'14:
// errors that rise in one place, and revenue that falls in one place).
const (
	Spike = "spike" // a release fails on one path, after it has used up the database's connections
	Drop  = "drop"  // the orders of one region fall, because its banks decline
)

// Fault is a fault of the shop. It may begin in the history.
type Fault struct {
	Kind   string        // Spike or Drop
	Start  time.Time     // when customers notice
	End    time.Time     // zero: until Heal
	Lead   time.Duration // the resource moves this long before Start
	Region string        // of a Drop; empty: the busiest at its start
}

// Truth is the right answer for a fault.
type Truth struct {
	Alert   string            // the alert that fires
	Labels  map[string]string // the place
	Implied map[string]string // labels shared by everything in the place
	Metric  string            // of the series that moved first
	Series  map[string]string // its labels
}

// The place of a Spike.
const (
	faultyService = "checkout"
	faultyPath    = "/api/checkout/pay"
	faultyVersion = "v2.4.0"
	drained       = "payment" // its connections are used up
)

// Truth returns the right answer for an injected fault.
func (f Fault) Truth() Truth {
	if f.Kind == Drop {
		return Truth{
			Alert:  "OrdersLow",
			Labels: map[string]string{"region": f.Region},
			Metric: "payment_declines_total", Series: map[string]string{"region": f.Region},
		}
	}
	return Truth{
		Alert:   "ErrorRatioHigh",
		Labels:  map[string]string{"path": faultyPath, "version": faultyVersion},
		Implied: map[string]string{"method": "POST", "service": faultyService},
		Metric:  "db_connections_in_use", Series: map[string]string{"service": drained},
	}
}

// Inject breaks the shop and returns the fault with its defaults filled in.
func (s *Shop) Inject(f Fault) (Fault, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if f.Kind != Spike && f.Kind != Drop {
		return f, fmt.Errorf("no fault is called %q: have %s and %s", f.Kind, Spike, Drop)
	}
	if f.Region == "" {
		f.Region = s.busiest(f.Start)
	}
	s.faults = append(s.faults, f)
	return f, nil
}

// Heal ends all faults at a time.
func (s *Shop) Heal(t time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range s.faults {
		if s.faults[i].End.IsZero() {
			s.faults[i].End = t
		}
	}
}

// strength returns how far a fault of a kind has progressed, from 0 to 1: early, that of its
// resource, which ramps up before the start, or that of what customers notice.
func (s *Shop) strength(kind string, early bool) (float64, *Fault) {
	for i := range s.faults {
		f := &s.faults[i]
		over := !f.End.IsZero() && !s.now.Before(f.End)
		if f.Kind != kind || over {
			continue
		}
		if !s.now.Before(f.Start) {
			return 1, f
		}
		if begun := s.now.Sub(f.Start.Add(-f.Lead)); early && begun > 0 {
			return float64(begun) / float64(f.Lead), f
		}
	}
	return 0, nil
}

// failing returns the share of a path's requests that a pod answers with 503. The frontend passes
// on errors of checkout.
func (s *Shop) failing(p *pod, e *podEndpoint) float64 {
	strength, _ := s.strength(Spike, false)
	switch {
	case strength == 0:
		return 0
	case p.service.name == faultyService && e.path == faultyPath && p.version == faultyVersion:
		return 0.8
	case p.service.name == "frontend" && e.path == "/checkout":
		return 0.15
	}
	return 0
}

// leaking returns the number of connections that a pod has lost.
func (s *Shop) leaking(p *pod) float64 {
	if p.service.name != drained {
		return 0
	}
	strength, _ := s.strength(Spike, true)
	return strength * p.service.pool
}

// slowdown returns the factor on the latency of a pod that waits for connections.
func (s *Shop) slowdown(p *pod) float64 {
	if p.service.name != drained {
		return 1
	}
	strength, _ := s.strength(Spike, true)
	return 1 + 0.6*strength
}

// declining returns the share of a region's orders that is lost.
func (s *Shop) declining(r *region) float64 {
	strength, f := s.strength(Drop, false)
	if f == nil || f.Region != r.name {
		return 0
	}
	return 0.9 * strength
}

// declinesEarly returns the share of a region's payments that is declined on top of the usual: the
// first banks fail before customers give up.
func (s *Shop) declinesEarly(r *region) float64 {
	strength, f := s.strength(Drop, true)
	if f == nil || f.Region != r.name {
		return 0
	}
	return 0.75 * strength
}
