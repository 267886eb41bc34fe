// SPDX-License-Identifier: Apache-2.0

package report

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/model"
)

// No label value chooses where a link leads, or ends the quotes around it.
func FuzzLink(f *testing.F) {
	for _, v := range []string{"checkout", "", `"} |= "`, "a b", "../..", "@evil.example", "\\\"", "#", "?x=y&z", "%2f", "\x00", "javascript:", "\u202e", "{{ .From }}", `\u0022`} {
		f.Add(v)
	}
	texts := []string{
		"https://logs.example.org/{{ .Labels.service }}?q={{ .Labels.service }}&from={{ .From.UnixMilli }}#{{ .Labels.service }}",
		`https://logs.example.org/explore?left={"queries":[{"expr":"{ {{ selector "service" | json }} }"}]}`,
		`https://logs.example.org/discover#/?_a=(query:(query:"{{ kql "service" }}"),x:{{ quoted .Labels.service }})`,
	}
	f.Fuzz(func(t *testing.T, v string) {
		to := LinkTo{Labels: model.LabelSet{"service": model.LabelValue(v)}, From: time.Unix(1, 0), To: time.Unix(2, 0)}
		for _, text := range texts {
			address, ok := to.Fill(text)
			if !ok {
				continue
			}
			u, err := url.Parse(address)
			if err != nil || u.Scheme != "https" || u.Host != "logs.example.org" || u.User != nil {
				t.Errorf("%q leads to %q: %v", v, address, err)
			}
			if strings.ContainsAny(address, " \"'<>\n\r") && !strings.ContainsAny(text, `"'<>`) {
				t.Errorf("%q leaves %q", v, address)
			}
		}
	})
}
