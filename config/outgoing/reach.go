// SPDX-License-Identifier: Apache-2.0

package outgoing

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"

	commonconfig "github.com/prometheus/common/config"
)

// Reach connects to the server of u, or its proxy, without sending anything: a request to a hook
// might trigger it. It verifies TLS certificates, unless there is a proxy.
func Reach(ctx context.Context, u *url.URL, conf commonconfig.HTTPClientConfig) error {
	next := u
	if proxy := conf.Proxy(); proxy != nil {
		by, err := proxy(&http.Request{URL: u})
		if err != nil {
			return err
		}
		if by != nil {
			next = by
		}
	}
	var dialer net.Dialer
	conn, err := dialer.DialContext(ctx, "tcp", hostPort(next))
	if err != nil {
		return err
	}
	defer conn.Close()
	if next != u || u.Scheme != "https" {
		return nil
	}
	settings, err := commonconfig.NewTLSConfigWithContext(ctx, &conf.TLSConfig)
	if err != nil {
		return err
	}
	if settings.ServerName == "" {
		settings.ServerName = u.Hostname()
	}
	return tls.Client(conn, settings).HandshakeContext(ctx)
}
