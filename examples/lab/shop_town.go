// SPDX-License-Identifier: Apache-2.0

package lab

import (
	"fmt"
	"time"
)

// region is a group of customers with the pods that serve them.
type region struct {
	name  string
	short string
	zone  time.Duration // UTC offset
	peak  float64       // visits per second in the best hour
	pods  int           // of each service

	mood   wander  // of its customers: relative, common to everything they do
	visits float64 // per second, now
}

// newRegions returns four regions of very different size.
func newRegions() []*region {
	mood := wander{sd: 0.03, tau: 900}
	return []*region{
		{name: "eu-west", short: "euw", zone: 0, peak: 640, pods: 3, mood: mood},
		{name: "us-east", short: "use", zone: -5 * time.Hour, peak: 520, pods: 2, mood: mood},
		{name: "ap-south", short: "aps", zone: 5*time.Hour + 30*time.Minute, peak: 90, pods: 1, mood: mood},
		{name: "sa-east", short: "sae", zone: -3 * time.Hour, peak: 25, pods: 1, mood: mood},
	}
}

func (r *region) step(s *Shop, dt float64) {
	r.visits = r.peak * rhythm(s.now, r.zone) * (1 + r.mood.step(s.rng, dt))
}

// busiest returns the region with the most visits at a time.
func (s *Shop) busiest(t time.Time) string {
	best, visits := "", 0.0
	for _, r := range s.regions {
		if v := r.peak * rhythm(t, r.zone); v > visits {
			best, visits = r.name, v
		}
	}
	return best
}

// service is one program, with several pods in every region.
type service struct {
	name    string
	calls   float64  // requests per visit of the shop
	stable  string   // version of most pods
	canary  string   // version of the others; empty: none
	canaryN []string // pods that have it, as region and number
	paths   []endpoint
	cpu     float64 // CPU seconds per request
	memory  float64 // bytes of a pod at rest
	pool    float64 // connections to its database that a pod may use; 0: no database
	held    float64 // seconds that a request holds a connection
	cached  float64 // share of hits of its cache; 0: no cache
	batch   time.Duration

	pods []*pod
}

// endpoint is one path of a service.
type endpoint struct {
	path    string
	method  string
	share   float64 // of the service's requests
	latency float64 // seconds, mean
	failed  float64 // share of code 500 when all is well
	refused float64 // share of code 4xx: the customer's own mistakes
	code4xx string
}

// newServices returns the programs of the shop. Their shares reach over three
// orders of magnitude.
func newServices() []*service {
	return []*service{
		{
			name: "frontend", calls: 1, stable: "v5.2.0", canary: "v5.2.1", canaryN: []string{"euw-1", "aps-1"},
			cpu: 0.004, memory: 310e6, paths: []endpoint{
				{"/", "GET", 0.335, 0.080, 0.0008, 0.004, "404"},
				{"/product", "GET", 0.42, 0.120, 0.0012, 0.012, "404"},
				{"/search", "GET", 0.16, 0.210, 0.0020, 0.001, "400"},
				{"/cart", "POST", 0.06, 0.140, 0.0015, 0.006, "409"},
				{"/checkout", "POST", 0.02, 0.420, 0.0030, 0.010, "400"},
				{"/account", "GET", 0.005, 0.110, 0.0015, 0.030, "401"},
			},
		},
		{
			name: "catalog", calls: 1.5, stable: "v3.11.4", cpu: 0.0018, memory: 520e6, pool: 30, held: 0.004,
			cached: 0.93, paths: []endpoint{
				{"/api/products", "GET", 0.70, 0.018, 0.0004, 0.002, "404"},
				{"/api/prices", "GET", 0.27, 0.011, 0.0003, 0.001, "404"},
				{"/api/stock", "PUT", 0.03, 0.032, 0.0011, 0.003, "409"},
			},
		},
		{
			name: "search", calls: 0.17, stable: "v1.9.0", canary: "v1.9.1", canaryN: []string{"euw-3", "use-2"},
			cpu: 0.019, memory: 1400e6, cached: 0.55, batch: 11 * time.Minute, paths: []endpoint{
				{"/api/search", "GET", 0.86, 0.140, 0.0025, 0.003, "400"},
				{"/api/suggest", "GET", 0.14, 0.035, 0.0010, 0.001, "400"},
			},
		},
		{
			name: "cart", calls: 0.12, stable: "v4.0.7", cpu: 0.0022, memory: 210e6, pool: 20, held: 0.010,
			paths: []endpoint{
				{"/api/cart", "GET", 0.62, 0.015, 0.0006, 0.002, "404"},
				{"/api/cart/items", "POST", 0.35, 0.024, 0.0012, 0.009, "409"},
				{"/api/cart/items", "DELETE", 0.03, 0.019, 0.0010, 0.004, "404"},
			},
		},
		{
			name: "checkout", calls: 0.06, stable: "v2.3.1", canary: "v2.4.0", canaryN: []string{"euw-2", "use-1"},
			cpu: 0.006, memory: 260e6, paths: []endpoint{
				{"/api/checkout/quote", "POST", 0.52, 0.090, 0.0025, 0.006, "400"},
				{"/api/checkout/pay", "POST", 0.34, 0.310, 0.0040, 0.021, "402"},
				{"/api/checkout/address", "PUT", 0.12, 0.060, 0.0015, 0.040, "400"},
				{"/api/checkout/voucher", "POST", 0.02, 0.070, 0.0060, 0.110, "400"},
			},
		},
		{
			name: "payment", calls: 0.024, stable: "v1.17.2", cpu: 0.005, memory: 190e6, pool: 20, held: 0.28,
			paths: []endpoint{
				{"/api/authorize", "POST", 0.86, 0.240, 0.0020, 0.024, "402"},
				{"/api/refund", "POST", 0.02, 0.380, 0.0040, 0.010, "409"},
				{"/api/methods", "GET", 0.12, 0.020, 0.0005, 0.001, "404"},
			},
		},
		{
			name: "shipping", calls: 0.035, stable: "v0.42.0", cpu: 0.003, memory: 150e6, pool: 10, held: 0.020,
			paths: []endpoint{
				{"/api/rates", "GET", 0.80, 0.170, 0.0030, 0.004, "400"},
				{"/api/labels", "POST", 0.20, 0.260, 0.0040, 0.002, "400"},
			},
		},
		{
			name: "accounts", calls: 0.03, stable: "v2.0.3", cpu: 0.008, memory: 230e6, pool: 15, held: 0.012,
			batch: 7 * time.Minute, paths: []endpoint{
				{"/api/login", "POST", 0.55, 0.180, 0.0010, 0.060, "401"},
				{"/api/profile", "GET", 0.45, 0.022, 0.0008, 0.003, "404"},
			},
		},
	}
}

// version returns the version that one pod runs.
func (sv *service) version(where string) string {
	for _, w := range sv.canaryN {
		if w == where {
			return sv.canary
		}
	}
	return sv.stable
}

// newPods builds the pods of a service, region by region.
func newPods(s *Shop, sv *service) []*pod {
	var pods []*pod
	for _, r := range s.regions {
		for i := range r.pods {
			pods = append(pods, newPod(s, sv, r, fmt.Sprintf("%s-%d", r.short, i+1)))
		}
	}
	return pods
}
