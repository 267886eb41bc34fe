// SPDX-License-Identifier: Apache-2.0

package lab

import "math"

// orders are the orders of one region.
type orders struct {
	region   *region
	cells    []orderCell
	declined *series // by the banks
}

// orderCell is one combination of channel and payment.
type orderCell struct {
	share  float64
	taste  wander
	placed *series
}

// newOrders registers the orders of every region, by channel and payment. The
// shares of the cells lie between 34 % and 0.3 %.
func newOrders(s *Shop) []part {
	channels := map[string]float64{"web": 0.44, "ios": 0.31, "android": 0.22, "partner": 0.03}
	payments := map[string]float64{"card": 0.66, "wallet": 0.24, "invoice": 0.10}
	var parts []part
	for _, r := range s.regions {
		o := &orders{region: r}
		for _, channel := range []string{"web", "ios", "android", "partner"} {
			for _, payment := range []string{"card", "wallet", "invoice"} {
				o.cells = append(o.cells, orderCell{
					share:  channels[channel] * payments[payment],
					taste:  wander{sd: 0.05, tau: 1800},
					placed: s.register("orders_total", "region", r.name, "channel", channel, "payment", payment),
				})
			}
		}
		o.declined = s.register("payment_declines_total", "region", r.name)
		parts = append(parts, o)
	}
	return parts
}

// step places orders: one in fifty visits ends in one.
func (o *orders) step(s *Shop, dt float64) {
	tries := o.region.visits * 0.02 * dt
	lost := s.declining(o.region)
	for i := range o.cells {
		c := &o.cells[i]
		mean := tries * c.share * math.Max(0, 1+c.taste.step(s.rng, dt))
		c.placed.add(poisson(s.rng, mean*(1-lost)))
	}
	o.declined.add(poisson(s.rng, tries*(0.02+s.declinesEarly(o.region))))
}

// queue is an innocent gauge: work arrives in bursts and is done at a steady pace.
type queue struct {
	depth   *series
	arrive  float64 // jobs per second, mean
	burst   float64 // jobs of a burst
	backlog float64
}

// newQueues registers the three queues of the shop.
func newQueues(s *Shop) []part {
	newQueue := func(name string, arrive, burst float64) part {
		return &queue{depth: s.register("queue_depth", "queue", name), arrive: arrive, burst: burst}
	}
	return []part{newQueue("emails", 6, 40), newQueue("thumbnails", 2, 90), newQueue("recommendations", 11, 25)}
}

func (q *queue) step(s *Shop, dt float64) {
	bursts := poisson(s.rng, q.arrive*dt/q.burst)
	q.backlog += bursts * q.burst * (0.5 + s.rng.Float64())
	q.backlog = math.Max(0, q.backlog-q.arrive*1.4*dt)
	q.depth.set(math.Round(q.backlog))
}
