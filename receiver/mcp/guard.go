// SPDX-License-Identifier: Apache-2.0

package mcp

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
)

// sameSite rejects requests that a page of another site makes a browser send, as the protocol
// demands. The guard of the port compares the origin with the requested host, but with DNS
// rebinding both are the attacker's. So an origin must belong to the external URL or this machine,
// and so must the host of requests over loopback.
func (s *server) sameSite(r *http.Request) error {
	if text := r.Header.Get("Origin"); text != "" {
		if origin, err := url.Parse(text); err != nil || !s.ours(origin.Host) {
			return fmt.Errorf("%s rejects requests from a page of %.80q; hint: if culprit is reached under that name, set --web.external-url", r.URL.Path, text)
		}
	}
	local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if local != nil && loopback(local.String()) && !s.ours(r.Host) {
		return fmt.Errorf("%s is not known here as %.80q; hint: if culprit is reached under that name, set --web.external-url", r.URL.Path, r.Host)
	}
	return nil
}

// ours reports whether a host is this machine, or that of the external URL.
func (s *server) ours(host string) bool {
	return strings.EqualFold(hostname(host), s.External.Hostname()) || loopback(host)
}

func loopback(host string) bool {
	name := hostname(host)
	addr, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && addr.IsLoopback()
}

// hostname strips the port from a host.
func hostname(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		return name
	}
	return strings.Trim(host, "[]")
}
