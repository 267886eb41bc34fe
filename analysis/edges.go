// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"regexp"
	"strings"
)

// metricCodes numbers what the candidates measure, from 1: series with the same number share a
// unit. The caller of an edge, and the path below a metric, don't matter.
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

// callerPattern matches the ways in which a name tells whose calls a series measures: a suffix,
// and the labels of Istio, of OpenTelemetry's service graph and of gRPC clients.
var callerPattern = regexp.MustCompile(`_from_([A-Za-z0-9-]+)$|\b(?:source_workload|source_app|source_canonical_service|client|caller)="([^"]+)"`)

// callerOf returns the service whose calls a series measures, if the name tells it.
func callerOf(name string) string {
	m := callerPattern.FindStringSubmatch(name)
	if m == nil {
		return ""
	}
	return m[1] + m[2]
}
