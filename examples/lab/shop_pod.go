// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"math"
	"time"
)

// pod is one instance of a service. It serves its share of its region.
type pod struct {
	service *service
	region  *region
	version string

	endpoints []*podEndpoint
	seconds   *series // http_request_duration_seconds_sum
	count     *series

	cpu, memory, goroutines *series
	connections             *series // nil without a database
	hits, misses            *series // nil without a cache

	phase    float64 // of its garbage collector and its batch job, 0 to 1
	speed    wander
	work     wander
	heap     wander
	borrowed wander
}

// podEndpoint is one path on one pod, with a counter for each status code.
type podEndpoint struct {
	endpoint
	popularity wander
	ok, client *series
	failed     *series // 500
	overloaded *series // 503
}

// newPod registers the series of a pod.
func newPod(s *Shop, sv *service, r *region, where string) *pod {
	instance := sv.name + "-" + where + ":8080"
	p := &pod{
		service: sv, region: r, version: sv.version(where), phase: s.rng.Float64(),
		speed: wander{sd: 0.06, tau: 240}, work: wander{sd: 0.05, tau: 60},
		heap: wander{sd: 0.03, tau: 1800}, borrowed: wander{sd: 0.12, tau: 30},
	}
	own := []string{"service", sv.name, "instance", instance, "region", r.name, "version", p.version}
	for _, e := range sv.paths {
		pe := &podEndpoint{endpoint: e, popularity: wander{sd: 0.04, tau: 600}}
		code := func(c string) *series {
			return s.register("http_requests_total", append([]string{"path", e.path, "method", e.method, "code", c}, own...)...)
		}
		pe.ok, pe.client, pe.failed, pe.overloaded = code("200"), code(e.code4xx), code("500"), code("503")
		p.endpoints = append(p.endpoints, pe)
	}
	p.seconds = s.register("http_request_duration_seconds_sum", own...)
	p.count = s.register("http_request_duration_seconds_count", own...)
	p.cpu = s.register("process_cpu_seconds_total", own...)
	p.memory = s.register("process_resident_memory_bytes", own...)
	p.goroutines = s.register("go_goroutines", own...)
	if sv.pool > 0 {
		p.connections = s.register("db_connections_in_use", append([]string{"database", sv.name}, own...)...)
		s.register("db_connections_max", append([]string{"database", sv.name}, own...)...).set(sv.pool)
	}
	if sv.cached > 0 {
		p.hits = s.register("cache_requests_total", append([]string{"result", "hit"}, own...)...)
		p.misses = s.register("cache_requests_total", append([]string{"result", "miss"}, own...)...)
	}
	return p
}

func (p *pod) step(s *Shop, dt float64) {
	rate := p.region.visits * p.service.calls / float64(p.region.pods)
	slow := math.Max(0.5, 1+p.speed.step(s.rng, dt)) * s.slowdown(p)
	var served, busy float64
	for _, e := range p.endpoints {
		n, seconds := e.serve(s, p, rate*dt, dt)
		served += n
		busy += seconds * slow
	}
	p.count.add(served)
	p.seconds.add(busy)
	p.useResources(s, served/dt, busy/dt, dt)
}

// serve counts the requests of one path and returns their number and the
// seconds that they take.
func (e *podEndpoint) serve(s *Shop, p *pod, requests, dt float64) (n, seconds float64) {
	mean := requests * e.share * math.Max(0, 1+e.popularity.step(s.rng, dt))
	overloaded := poisson(s.rng, mean*s.failing(p, e))
	failed := poisson(s.rng, mean*e.endpoint.failed)
	client := poisson(s.rng, mean*e.refused)
	good := math.Max(0, poisson(s.rng, mean)-overloaded-failed-client)
	e.ok.add(good)
	e.client.add(client)
	e.failed.add(failed)
	e.overloaded.add(overloaded)
	n = good + client + failed + overloaded
	return n, n * e.latency
}

// useResources sets a pod's resource usage from its request rate and concurrency.
func (p *pod) useResources(s *Shop, rate, busy, dt float64) {
	sv := p.service
	cores := (0.02 + rate*sv.cpu + p.batchJob(s.now)) * math.Max(0.3, 1+p.work.step(s.rng, dt))
	p.cpu.add(cores * dt)
	p.memory.set(math.Round(sv.memory * (1 + 0.25*p.garbage(s.now) + p.heap.step(s.rng, dt))))
	p.goroutines.set(math.Round(18 + 2*busy + poisson(s.rng, 3)))
	if p.connections != nil {
		want := rate * sv.held * (1 + p.borrowed.step(s.rng, dt))
		p.connections.set(math.Min(sv.pool, math.Round(want+poisson(s.rng, 1)+s.leaking(p))))
	}
	if p.hits != nil {
		p.hits.add(poisson(s.rng, rate*dt*sv.cached))
		p.misses.add(poisson(s.rng, rate*dt*(1-sv.cached)))
	}
}

// garbage returns the share of memory waiting for the collector, a sawtooth.
func (p *pod) garbage(t time.Time) float64 {
	_, frac := math.Modf(float64(t.UnixMilli())/1000/(70+60*p.phase) + p.phase)
	return frac
}

// batchJob returns the CPU of a pod's periodic job, half a minute at a time: innocent movement.
func (p *pod) batchJob(t time.Time) float64 {
	period := p.service.batch.Seconds()
	if period == 0 {
		return 0
	}
	_, frac := math.Modf(float64(t.UnixMilli())/1000/period + p.phase)
	if frac*period < 30 {
		return 0.8
	}
	return 0
}
