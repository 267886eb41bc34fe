// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"fmt"
	"strings"
)

// Metric says what a series measures. The ranking needs it for three things: whether following
// the KPI is evidence (demand or symptom), how much a movement counts that is likely a
// consequence, and which series of a service to name first.
type Metric uint8

// The kinds. The zero value is Unknown, which is weighted like a resource: an unclassified
// series does not count against its service.
const (
	Unknown Metric = iota
	Latency
	Error
	Traffic
	CPU
	Memory
	Network
	IO
	Node
	Other
)

func kindNames() []string {
	return []string{"unknown", "latency", "error", "traffic", "cpu", "mem", "net", "io", "node", "other"}
}

// String returns the name of the kind in rules and case files.
func (k Metric) String() string {
	if names := kindNames(); int(k) < len(names) {
		return names[k]
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// ParseKind parses a name written by String; "" is Unknown, and the long forms memory, network,
// disk and errors are accepted.
func ParseKind(s string) (Metric, error) {
	switch s = strings.ToLower(strings.TrimSpace(s)); s {
	case "":
		return Unknown, nil
	case "memory":
		return Memory, nil
	case "network":
		return Network, nil
	case "disk":
		return IO, nil
	case "errors":
		return Error, nil
	}
	for i, name := range kindNames() {
		if s == name {
			return Metric(i), nil
		}
	}
	return Unknown, fmt.Errorf("kind %q is not known: use one of %s", s, strings.Join(kindNames(), ", "))
}

// Resource reports whether the kind measures what a machine provides: CPU, memory, network or
// storage. Resources move at the cause more often than at those who wait for it.
func (k Metric) Resource() bool {
	return k == CPU || k == Memory || k == Network || k == IO
}

// Demand reports whether the kind measures how much is asked of a system. Everything that
// serves demand follows it, guilty or not, so following a KPI of such a kind is no evidence. A
// KPI of any other kind is a symptom.
func (k Metric) Demand() bool {
	return k == Traffic || k == Network
}

// Symptom reports whether the kind measures what callers see: latency, failures, or their own
// demand.
func (k Metric) Symptom() bool { return k == Latency || k == Error || k == Traffic }

// weight is the prior of a kind for a KPI of another kind: latencies, errors and request rates
// of other services are more often consequences than causes.
func (k Metric) weight(kpi Metric) float64 {
	if k == kpi || k.Resource() || k == Unknown || k == Other {
		return 1
	}
	return 0.2
}

// DetectKind guesses the kind from a metric name or a query: words between underscores, colons,
// pipes and the like are looked up, and the first class with a match wins. Errors come before
// latency and traffic, because http_request_errors_total counts errors; resources come before
// traffic, because container_network_receive_bytes_total is a resource. It returns Unknown if
// nothing matches, and for pools, connections and sessions, which fill up by a fault as often
// as by demand.
func DetectKind(name string) Metric {
	if strings.Contains(name, "5..") { // code=~"5..", the usual way to select failed requests
		return Error
	}
	words := strings.FieldsFunc(strings.ToLower(splitCamel(name)), func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9')
	})
	for _, class := range vocabulary() {
		for _, w := range words {
			if class.has(w) {
				return class.kind
			}
		}
	}
	return Unknown
}

type class struct {
	kind  Metric
	words []string // a word of the name is one of these, or
	stems []string // begins with one of these
}

func (c class) has(word string) bool {
	for _, w := range c.words {
		if word == w {
			return true
		}
	}
	for _, s := range c.stems {
		if strings.HasPrefix(word, s) {
			return true
		}
	}
	return false
}

// vocabulary lists the classes in the order in which they are tried.
func vocabulary() []class {
	return []class{
		{Error, []string{"5xx", "4xx", "availability", "retry", "retries"}, []string{"err", "fail", "fault", "exception", "drop", "timeout", "reject", "panic"}},
		{CPU, []string{"load1", "load5", "load15"}, []string{"cpu", "throttl"}},
		{Memory, []string{"rss", "heap", "swap", "gc", "oom"}, []string{"mem"}},
		{IO, []string{"io", "iops", "inode", "inodes", "fs", "blkio"}, []string{"disk", "filesystem", "wal", "volume"}},
		{Network, []string{"rx", "tx", "tcp", "udp", "sockets"}, []string{"net", "packet", "transmit", "receiv", "bandwidth"}},
		{Latency, []string{"rt", "p50", "p75", "p90", "p95", "p99", "quantile"}, []string{"laten", "duration", "delay", "response", "elapsed", "rtt", "wait", "lag"}},
		{Traffic, []string{"rps", "qps", "tps", "ops", "hits"}, []string{"request", "traffic", "call", "quer", "throughput", "workload", "messag", "transaction"}},
	}
}

// splitCamel inserts a space before each capital that follows a small letter, so that ErrorRate
// and latencyP90 are split into words.
func splitCamel(s string) string {
	var b strings.Builder
	var last rune
	for _, r := range s {
		if r >= 'A' && r <= 'Z' && last >= 'a' && last <= 'z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
		last = r
	}
	return b.String()
}
