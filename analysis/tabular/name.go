// SPDX-License-Identifier: Apache-2.0

package tabular

import (
	"regexp"
	"strconv"
	"strings"
)

// splitName derives the service from the name of a column: service|metric, or the labels of a
// Prometheus series; "" if there is none.
func splitName(name string) (service string) {
	service, _, ok := strings.Cut(name, "|")
	if ok && !strings.Contains(service, "{") {
		return service
	}
	if _, labels, ok := strings.Cut(name, "{"); ok {
		return serviceOf(labels)
	}
	return ""
}

// serviceOf returns the service in the labels of a series, by the best label.
func serviceOf(labels string) string {
	value := map[string]string{}
	for _, m := range regexp.MustCompile(`([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"`).FindAllStringSubmatch(labels, -1) {
		if v, err := strconv.Unquote(`"` + m[2] + `"`); err == nil {
			value[m[1]] = v
		}
	}
	for _, label := range []string{"service", "service_name", "app", "deployment", "statefulset", "workload", "pod", "container", "job", "instance"} {
		if v := value[label]; v != "" {
			return v
		}
	}
	return ""
}
