// SPDX-License-Identifier: Apache-2.0

package config

import (
	"fmt"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"

	commonconfig "github.com/prometheus/common/config"
)

// ofConnection are hop-by-hop headers (RFC 9110, 7.6.1), besides those that the HTTP client library
// rejects.
var ofConnection = []string{"Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade"}

// checkHeaders checks the headers of a server. It never repeats their values.
func (d *decoder) checkHeaders(path string, p *Prometheus) {
	first := map[string]string{}
	if h := p.HTTPConfig.HTTPHeaders; h != nil {
		for name := range h.Headers {
			first[http.CanonicalHeaderKey(name)] = "http_config.http_headers"
		}
	}
	for _, name := range slices.Sorted(maps.Keys(p.Headers)) {
		at, key := path+".headers."+name, http.CanonicalHeaderKey(name)
		_, reserved := commonconfig.ReservedHeaders[key]
		switch {
		case d.isRefused(at):
		case !regexp.MustCompile("^[!#$%&'*+.^_`|~0-9A-Za-z-]+$").MatchString(name): // a token of RFC 9110
			d.at(path+".headers", fmt.Sprintf("has %q, which is not a name of a header", name), "write letters, digits and dashes, such as X-Scope-OrgID")
		case key == "Authorization":
			d.at(at, "can't be set here", "use http_config: authorization, basic_auth or oauth2")
		case reserved || slices.Contains(ofConnection, key):
			d.at(at, "can't be set: it belongs to the connection or to the HTTP client", "leave it out")
		case first[key] != "":
			d.at(at, "is given twice: also in "+first[key], "keep one")
		case p.Headers[name] == "" || strings.ContainsAny(string(p.Headers[name]), "\r\n\x00"):
			d.at(at, "is empty or has more than one line", "write its value on one line")
		}
		first[key] = "headers"
	}
}
