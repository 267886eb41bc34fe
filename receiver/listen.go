// SPDX-License-Identifier: Apache-2.0

package receiver

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/coreos/go-systemd/v22/activation"
	"github.com/mdlayher/vsock"
	"github.com/prometheus/exporter-toolkit/web"
)

// listen opens the listeners first, so that an address in use is reported at once.
func (d *Daemon) listen() error {
	listeners, err := d.opt.listeners()
	for _, l := range listeners {
		d.listeners = append(d.listeners, d.connections.limit(l))
		d.cleanup("listener", func() error { return ignoreClosed(l.Close()) })
	}
	if err != nil {
		return err
	}
	d.external, err = externalURL(d.opt.ExternalURL, d.listeners[0].Addr())
	return err
}

// checkWeb validates --web.config.file at the start. The toolkit reads it only on each connection,
// which would be too late to report a mistake.
func (o Options) checkWeb() error {
	if o.Web == nil || o.Web.WebConfigFile == nil {
		return nil
	}
	if err := web.Validate(*o.Web.WebConfigFile); err != nil {
		return fmt.Errorf("--web.config.file %s can't be used: %w; hint: check its path, who may read it, and the files that it names", *o.Web.WebConfigFile, err)
	}
	return nil
}

// listeners opens systemd's sockets, or TCP and vsock addresses, as the flags say. It repeats what
// exporter-toolkit does with them, so that they are open before anything else. With an error it
// still returns those that are open.
func (o Options) listeners() ([]net.Listener, error) {
	if o.Web == nil {
		return listenOn(o.ListenAddress)
	}
	if o.Web.WebSystemdSocket != nil && *o.Web.WebSystemdSocket {
		return systemdListeners()
	}
	return listenOn(*o.Web.WebListenAddresses...)
}

func listenOn(addresses ...string) (listeners []net.Listener, err error) {
	for _, address := range addresses {
		l, err := listenAt(address)
		if err != nil {
			return listeners, fmt.Errorf("listening on %s: %w; hint: choose another --web.listen-address", address, err)
		}
		listeners = append(listeners, l)
	}
	return listeners, nil
}

// listenAt listens on host:port, or on vsock://:port of a virtual machine.
func listenAt(address string) (net.Listener, error) {
	name, ok := strings.CutPrefix(address, "vsock://")
	if !ok {
		return net.Listen("tcp", address)
	}
	_, text, err := net.SplitHostPort(name)
	if err != nil {
		return nil, err
	}
	port, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return nil, fmt.Errorf("the port of a vsock is a number, not %q", text)
	}
	return vsock.Listen(uint32(port), nil)
}

// systemdListeners are the sockets that systemd passed to this process.
func systemdListeners() (listeners []net.Listener, err error) {
	handed, err := activation.Listeners()
	for _, l := range handed {
		if l != nil { // nil if it is not a stream socket
			listeners = append(listeners, l)
		}
	}
	if err == nil && len(listeners) == 0 {
		err = errors.New("systemd passed no socket; hint: start culprit through a .socket unit, or leave out --web.systemd-socket")
	}
	return listeners, err
}

// externalURL is the base URL of the pages: as given, or else a local address of the daemon.
func externalURL(given string, addr net.Addr) (*url.URL, error) {
	if given == "" {
		given = localURL(addr)
	}
	if given == "" {
		return nil, fmt.Errorf("the address of the pages can't be derived from the socket %s; hint: set --web.external-url", addr)
	}
	u, err := url.Parse(given)
	if err != nil || u.Scheme == "" || u.Host == "" {
		return nil, fmt.Errorf("the external URL %q is not a URL (write it as https://culprit.example.org/path)", given)
	}
	return u, nil
}

// localURL is the URL of the daemon on its own host; empty if addr is not TCP.
func localURL(addr net.Addr) string {
	tcp, ok := addr.(*net.TCPAddr)
	if !ok {
		return ""
	}
	host := tcp.IP.String()
	if tcp.IP == nil || tcp.IP.IsUnspecified() {
		host = "localhost"
	}
	return "http://" + net.JoinHostPort(host, strconv.Itoa(tcp.Port))
}

func ignoreClosed(err error) error {
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}
