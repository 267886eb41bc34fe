// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"regexp"
	"strings"
)

// metricCodes numbers what the candidates measure, from 1: series of one
// number share a unit. The caller of an edge is no part of it, nor is the path
// below a metric.
func (c *candidates) metricCodes() []int {
	codes, code := make([]int, len(c.series)), map[string]int{}
	for i, s := range c.series {
		name := s.Query + "\x00" + sharedMetric(metricOf(s.Name))
		if code[name] == 0 {
			code[name] = len(code) + 1
		}
		codes[i] = code[name]
	}
	return codes
}

func sharedMetric(metric string) string {
	metric, _, _ = strings.Cut(metric, "/")
	metric, _, _ = strings.Cut(metric, "_from_")
	return metric
}

// callerPattern are the ways in which a name says whose calls a series measures:
// a suffix of its own, and the labels of Istio, of OpenTelemetry's service graph
// and of gRPC clients.
var callerPattern = regexp.MustCompile(`_from_([A-Za-z0-9-]+)$|\b(?:source_workload|source_app|source_canonical_service|client|caller)="([^"]+)"`)

// callerOf is the service whose calls to its own a series measures, as far as
// the name tells.
func callerOf(name string) string {
	m := callerPattern.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}
