// SPDX-License-Identifier: Apache-2.0

package stories

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"github.com/culprit-dev/culprit/receiver/ruletest"
)

const (
	interval = 30 * time.Second
	samples  = 2*(history+length) + 1
)

// shop generates the series. Times are minutes.
type shop struct {
	rng      *rand.Rand
	services []*service
	versions bool
	out      []ruletest.InputSeries
}

// service is one deployment.
type service struct {
	name       string
	traffic    float64 // requests per second
	generation int
	replicas   int
	version    int
	fault      float64 // share of requests that fail from the fault on; 0: no fault
	onlyNew    bool    // of the newest version only
	pods       []*pod

	rolled  []int // when it was rolled out
	scaled  int   // when it was scaled down; 0: never
	started int   // when all its processes were restarted; 0: never
	loaded  int   // when its configuration was reloaded; 0: long ago
	flagged int   // when its flag was switched on; 0: never
}

// pod is one replica, from a minute up to another one.
type pod struct {
	name    string
	address string
	version int
	from    int // 0: before everything
	to      int // samples end; 0: never
}

func newShop(rng *rand.Rand, versions bool) *shop {
	sh := &shop{rng: rng, versions: versions}
	for _, name := range []string{"frontend", "catalog", "search", "cart", "checkout", "payment", "shipping", "accounts"} {
		s := &service{
			name: name, traffic: 20 + 180*rng.Float64(), replicas: 3 + rng.IntN(4), version: 1 + rng.IntN(200),
			generation: int(math.Exp(rng.Float64() * math.Log(2000))), // as many small ones as large ones
		}
		s.pods = sh.replicas(s, s.replicas, 0)
		sh.services = append(sh.services, s)
	}
	return sh
}

// replicas starts new pods of a service from a minute on, one after the other.
func (sh *shop) replicas(s *service, n, from int) []*pod {
	hash := sh.letters("bcdf456789", 10)
	var pods []*pod
	for i := range n {
		at := from
		if from > 0 {
			at += i / 3
		}
		pods = append(pods, &pod{fmt.Sprintf("%s-%s-%s", s.name, hash, sh.letters("bcdfghjklmnpqrstvwxz2456789", 5)), fmt.Sprintf("10.0.%d.%d:8080", sh.rng.IntN(256), sh.rng.IntN(256)), s.version, at, 0})
	}
	return pods
}

func (sh *shop) letters(from string, n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = from[sh.rng.IntN(len(from))]
	}
	return string(b)
}

// innocents makes changes of other services at random times and returns their number.
func (sh *shop) innocents(guilty *service) int {
	n := 0
	for _, s := range sh.services {
		if s == guilty {
			continue
		}
		at := history + 4 - sh.rng.IntN(180)
		switch sh.rng.IntN(6) {
		case 0, 1:
			sh.rollOut(s, at)
		case 2:
			s.loaded = at
		case 3:
			sh.scale(s, s.replicas-1, at)
		default:
			continue
		}
		n++
	}
	return n
}

// do makes the change of a kind.
func (sh *shop) do(k Kind, s *service, at int) {
	switch k {
	case Release:
		s.onlyNew = sh.rng.IntN(2) == 0
		sh.rollOut(s, at)
	case Canary:
		s.onlyNew = true
		sh.replace(s, s.replicas/2, at)
	case Restart:
		s.started = at
	case Flag:
		s.flagged = at
	case ScaleDown:
		sh.scale(s, max(1, s.replicas/3), at)
	case Reload:
		s.loaded = at
	}
}

// rollOut replaces all pods within minutes.
func (sh *shop) rollOut(s *service, at int) { sh.replace(s, s.replicas, at) }

// replace replaces some pods by ones of a new version.
func (sh *shop) replace(s *service, n, at int) {
	s.rolled = append(s.rolled, at)
	s.version++
	fresh := sh.replicas(s, n, at)
	old := s.pods[len(s.pods)-s.replicas:] // the newest are the remaining ones
	for i, pod := range old[:n] {
		pod.to = fresh[i].from + 1
	}
	s.pods = append(s.pods, fresh...)
}

func (sh *shop) scale(s *service, to, at int) {
	s.scaled = at
	left := 0
	for _, p := range s.pods {
		if !p.there(float64(at)) {
			continue
		}
		if left++; left > to {
			p.to = at
		}
	}
}

// line is one series: its value at each sample, NaN where there is none.
func (sh *shop) line(name string, value func(minute float64) float64) {
	var b strings.Builder
	for i := range samples {
		v := value(float64(i) / 2)
		if i > 0 {
			b.WriteByte(' ')
		}
		if math.IsNaN(v) {
			b.WriteByte('_')
			continue
		}
		fmt.Fprintf(&b, "%.10g", v)
	}
	sh.out = append(sh.out, ruletest.InputSeries{Series: name, Values: b.String()})
}

// after is one value before a time and another from then on; a time of 0 never comes.
func after(at int, before, then float64) func(float64) float64 {
	return func(minute float64) float64 {
		if at > 0 && minute >= float64(at) {
			return then
		}
		return before
	}
}

// series returns all series of the shop.
func (sh *shop) series() []ruletest.InputSeries {
	for _, s := range sh.services {
		own := fmt.Sprintf(`namespace="shop",deployment=%q,job="kube-state-metrics"`, s.name)
		sh.line("kube_deployment_status_observed_generation{"+own+"}", func(minute float64) float64 {
			n := s.generation
			for _, at := range append(slices.Clone(s.rolled), s.scaled) {
				if at > 0 && minute >= float64(at) {
					n++
				}
			}
			return float64(n)
		})
		sh.line("kube_deployment_spec_replicas{"+own+"}", after(s.scaled, float64(s.replicas), float64(s.running(history+length))))
		at := fmt.Sprintf(`namespace="shop",service=%q,job=%q,instance="%s:80"`, s.name, s.name, s.name)
		sh.line(s.name+"_config_last_reload_success_timestamp_seconds{"+at+"}", after(s.loaded, -5000, float64(60*s.loaded)))
		sh.line("feature_flag_enabled{flag=\"new_pricing\","+at+"}", after(s.flagged, 0, 1))
		for _, p := range s.pods {
			sh.pod(s, p)
		}
	}
	return sh.out
}

// running returns the number of pods at a minute.
func (s *service) running(minute int) int {
	n := 0
	for _, p := range s.pods {
		if p.there(float64(minute)) {
			n++
		}
	}
	return n
}

func (p *pod) there(minute float64) bool {
	return minute >= float64(p.from) && (p.to == 0 || minute < float64(p.to))
}

// pod writes the series of a pod and its requests.
func (sh *shop) pod(s *service, p *pod) {
	own := fmt.Sprintf(`namespace="shop",pod=%q`, p.name)
	while := func(value func(float64) float64) func(float64) float64 {
		return func(minute float64) float64 {
			if !p.there(minute) {
				return math.NaN()
			}
			return value(minute)
		}
	}
	began := float64(60*p.from - 30)
	if p.from == 0 {
		began = -90000
	}
	sh.line("kube_pod_start_time{"+own+`,job="kube-state-metrics"}`, while(after(0, began, 0)))
	sh.line(fmt.Sprintf(`kube_pod_container_info{%s,container="main",image="registry.example.org/shop/%s:v%d",job="kube-state-metrics"}`, own, s.name, p.version), while(after(0, 1, 0)))
	at := fmt.Sprintf(`%s,service=%q,job=%q,instance=%q`, own, s.name, s.name, p.address)
	sh.line("process_start_time_seconds{"+at+"}", while(after(s.started, began+5, float64(60*s.started-20))))
	if sh.versions {
		at += fmt.Sprintf(`,version="v%d"`, p.version)
	}
	sh.requests(s, p, at, while)
}

// requests counts successful and failed requests.
func (sh *shop) requests(s *service, p *pod, labels string, while func(func(float64) float64) func(float64) float64) {
	newest := p.version == s.version
	for _, code := range []string{"200", "500"} {
		sum := 0.0
		sh.line(fmt.Sprintf(`http_requests_total{%s,code=%q}`, labels, code), while(func(minute float64) float64 {
			if s.started > 0 && minute == float64(s.started) {
				sum = 0
			}
			share := .004
			if s.fault > 0 && minute > history && (newest || !s.onlyNew) {
				share = s.fault
			}
			if code == "200" {
				share = 1 - share
			}
			mean := share * s.traffic / float64(max(1, s.running(int(minute)))) * interval.Seconds()
			sum += max(0, math.Round(mean+math.Sqrt(mean)*sh.rng.NormFloat64()))
			return sum
		}))
	}
}
