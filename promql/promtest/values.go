// SPDX-License-Identifier: Apache-2.0

package promtest

import "strings"

// HostileValues are label values that are dangerous if read as PromQL, a regular expression or
// a template.
func HostileValues() []string {
	return []string{
		"", "a", "a.b*c", `"`, `\`, `\E`, "`", "'", "a\"} or vector(1) or {b=\"", "{{ .Labels.x }}", "line\nbreak", "\x00", "\xff\xfe",
		"[z-a]", "(", "a|b", "$^", "ü→", "xculprit61z", "xculprit", strings.Repeat("long", 500), "{3}", "a{2,1}",
		"\r\n# comment", "\u2028", "%s%!d(MISSING)", "}", "]", "*/", "é\xc3", "\ufeff", "\x7f", `\Q*\E`, `\x41`, "(?i)a", "[[:alpha:]]",
	}
}
