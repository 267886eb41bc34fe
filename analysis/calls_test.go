// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

// callFrame is a shop whose checkout calls payment and stock, as seen by the metrics of
// instrumented clients and servers. The named series rise in the incident.
func callFrame(query func(metric string) string, names []string, rising ...string) Frame {
	rng := rand.New(rand.NewPCG(5, 5))
	const rows, onset = 240, 228
	f := Frame{}
	for i := range rows {
		f.Times = append(f.Times, float64(1_700_000_000+step*i))
	}
	f.Onset = f.Times[onset]
	draw := func(name string, level float64) []float64 {
		x := make([]float64, rows)
		for i := range x {
			x[i] = level * (1 + 0.05*rng.NormFloat64())
			for _, r := range rising {
				if i >= onset && r == name {
					x[i] *= 4
				}
			}
		}
		return x
	}
	t := Target{Name: "front_latency", Values: draw("kpi", 100)}
	for i := onset; i < rows; i++ {
		t.Values[i] *= 3
	}
	for _, service := range []string{"checkout", "payment", "stock", "front", "cart"} {
		for _, metric := range []string{"cpu", "memory"} {
			name := fmt.Sprintf("%s{job=%q}", metric, service)
			t.Candidates = append(t.Candidates, Series{Name: name, Service: service, Values: draw(name, 10)})
		}
	}
	for _, name := range names {
		var client string
		for _, m := range labelPattern.FindAllStringSubmatch(name, -1) {
			if m[1] == "job" {
				client = m[2]
			}
		}
		t.Candidates = append(t.Candidates, Series{Name: name, Query: query(name), Service: client, Kind: "latency", Values: draw(name, 0.02)})
	}
	f.Targets = []Target{t}
	return f
}

// A failing call points at its callee, however the client's metrics name it.
func TestAFailingCallPointsAtItsCallee(t *testing.T) {
	own := func(name string) string { return name }
	for name, c := range map[string]struct{ pay, stock, served string }{
		"gRPC": {
			`grpc_client_handling_seconds{grpc_service="shop.v1.Payment", job="checkout"}`,
			`grpc_client_handling_seconds{grpc_service="shop.v1.Stock", job="checkout"}`,
			`grpc_server_handling_seconds{grpc_service="shop.v1.Payment", job="payment"}`,
		},
		"HTTP": {
			`http_client_request_duration_seconds{job="checkout", server_address="payment.shop.svc"}`,
			`http_client_request_duration_seconds{job="checkout", server_address="stock.shop.svc"}`,
			`http_server_request_duration_seconds{job="payment"}`,
		},
		"Envoy": {
			`envoy_cluster_upstream_rq_time{envoy_cluster_name="outbound|8080||payment.shop.svc.cluster.local", job="checkout"}`,
			`envoy_cluster_upstream_rq_time{envoy_cluster_name="outbound|8080||stock.shop.svc.cluster.local", job="checkout"}`,
			`http_server_request_duration_seconds{job="payment"}`,
		},
	} {
		all := []string{c.pay, c.stock, c.served, `grpc_server_handling_seconds{grpc_service="shop.v1.Stock", job="stock"}`}
		one := newCandidates(callFrame(own, all, c.pay), callFrame(own, all, c.pay).Targets[0], Options{})
		payment, _ := one.code("payment")
		checkout, _ := one.code("checkout")
		stock, _ := one.code("stock")
		if len(one.edges()) != 2 || len(one.calls) != 2 || one.calls[0] != [2]int{checkout, payment} || one.calls[1] != [2]int{checkout, stock} {
			t.Fatalf("%s: edges %v, calls %v", name, one.edges(), one.calls)
		}
		for i, s := range one.series {
			if s.Name == c.pay && one.codes[i] != payment {
				t.Errorf("%s: %s is of %s, want payment", name, s.Name, one.services[one.codes[i]])
			}
		}
		if r := Run(callFrame(own, all, c.pay), Options{}); r.Causes[0].Series != c.pay || r.Causes[0].Confidence == Low {
			t.Errorf("%s: calls of payment are slow: %s, %s", name, r.Causes[0].Sentence, r.Causes[0].Confidence)
		}
		burns := `cpu{job="checkout"}`
		if r := Run(callFrame(own, all, c.pay, c.stock, burns), Options{}); r.Causes[0].Series != burns || r.Causes[0].Confidence == Low {
			t.Errorf("%s: all calls of checkout are slow: %s, %s", name, r.Causes[0].Sentence, r.Causes[0].Confidence)
		} else if call := findingOf(t, r, c.pay).Sentence; !strings.HasSuffix(call, "; all calls of checkout show it: it is checkout's") {
			t.Errorf("%s: %s", name, call)
		}
	}
}

// If two servers implement one gRPC service, nobody knows which of them was called.
func TestAmbiguousCalleeIsNotLinked(t *testing.T) {
	const call = `grpc_client_handling_seconds{grpc_service="grpc.health.v1.Health", job="checkout"}`
	f := callFrame(func(name string) string { return name }, []string{
		call,
		`grpc_server_handling_seconds{grpc_service="grpc.health.v1.Health", job="payment"}`,
		`grpc_server_handling_seconds{grpc_service="grpc.health.v1.Health", job="stock"}`,
	})
	if c := newCandidates(f, f.Targets[0], Options{}); len(c.edges()) != 0 || len(c.calls) != 0 {
		t.Errorf("edges %v, calls %v", c.edges(), c.calls)
	}
}
