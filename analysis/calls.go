// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"regexp"
	"slices"
	"strings"
)

// calleePattern matches the labels in which a client, or its proxy, names its callee:
// OpenTelemetry's HTTP clients, Micrometer, and Envoy.
var calleePattern = regexp.MustCompile(`\b(?:server_address|peer_service|client_name|upstream_cluster|envoy_cluster_name)="([^"]+)"`)

// contractPattern matches the service that a gRPC client and its server both name.
var contractPattern = regexp.MustCompile(`\b(?:grpc_service|rpc_service)="([^"]+)"`)

// learnCalls assigns client-side series to the service that is called, if known, and remembers
// the caller: a failing call points at its callee. Metrics of meshes and service graphs name
// both ends. All these calls become part of the call graph.
func (c *candidates) learnCalls() {
	servers := c.servers()
	c.callers = make([]int, len(c.series))
	for i, s := range c.series {
		c.callers[i] = -1
		if caller, ok := c.code(callerOf(s.Name)); ok {
			c.callers[i] = caller
		} else if callee, ok := c.calleeOf(s, servers); ok {
			if s.Service != "" {
				c.callers[i] = c.codes[i]
			}
			c.codes[i] = callee
		}
		if c.callers[i] == c.codes[i] {
			c.callers[i] = -1
		}
		call := [2]int{c.callers[i], c.codes[i]}
		if call[0] >= 0 && !slices.Contains(c.calls, call) {
			c.calls = append(c.calls, call)
		}
	}
}

// servers maps each gRPC service to the service that implements it; -1 if several do, because
// the callee is then unknown.
func (c *candidates) servers() map[string]int {
	servers := map[string]int{}
	for i, s := range c.series {
		contract, client := contractOf(s)
		if contract == "" || client || s.Service == "" {
			continue
		}
		if known, ok := servers[contract]; ok && known != c.codes[i] {
			servers[contract] = -1
			continue
		}
		servers[contract] = c.codes[i]
	}
	return servers
}

// contractOf returns the gRPC service of a series, and whether a client measured it.
func contractOf(s Series) (contract string, client bool) {
	m := contractPattern.FindStringSubmatch(s.Name)
	if m == nil {
		return "", false
	}
	metric := s.Name + " " + s.Query
	return m[1], strings.Contains(metric, "grpc_client_") || strings.Contains(metric, "rpc_client_")
}

// calleeOf returns the known service that a client-side series is about.
func (c *candidates) calleeOf(s Series, servers map[string]int) (int, bool) {
	if contract, client := contractOf(s); client {
		server, ok := servers[contract]
		return server, ok && server >= 0
	}
	if m := calleePattern.FindStringSubmatch(s.Name); m != nil {
		return c.code(hostOf(m[1]))
	}
	return 0, false
}

// hostOf returns the first part of the host name in an address, or in an Envoy cluster name as
// Istio writes it: outbound|8080||cart.shop.svc.cluster.local.
func hostOf(address string) string {
	address = address[strings.LastIndex(address, "|")+1:]
	address, _, _ = strings.Cut(address, ":")
	host, _, _ := strings.Cut(address, ".")
	return host
}

// edges lists the candidates that measure the calls of one known service to another.
func (c *candidates) edges() [][2]int {
	var edges [][2]int
	for i, caller := range c.callers {
		if caller >= 0 {
			edges = append(edges, [2]int{i, caller})
		}
	}
	return edges
}
