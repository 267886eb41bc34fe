// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"strings"
)

// hidden stands in the place of what is a secret.
const hidden = "<secret>"

// URL is the address of a server. A user, a password, a token in the query may
// stand in it, so no way of printing it shows more than scheme, host and path:
// who connects says [URL.Reveal].
type URL struct{ u *url.URL }

// NewURL returns the address of u, which may be nil.
func NewURL(u *url.URL) *URL { return &URL{u} }

// Reveal returns the whole address with its secrets; nil if there is none. It
// must not be changed.
func (u *URL) Reveal() *url.URL {
	if u == nil {
		return nil
	}
	return u.u
}

// Shown returns scheme, host and path; nil if there is no address.
func (u *URL) Shown() *url.URL {
	if u == nil || u.u == nil {
		return nil
	}
	return &url.URL{Scheme: u.u.Scheme, Host: u.u.Host, Path: u.u.Path}
}

// String returns scheme, host and path.
func (u URL) String() string {
	switch {
	case u.u == nil:
		return ""
	case u.u.Host != "":
		return u.Shown().String()
	case strings.ContainsAny(u.u.Opaque+u.u.Path, "@?"): // user:password@host without a scheme
		return hidden
	default:
		shown := url.URL{Scheme: u.u.Scheme, Opaque: u.u.Opaque, Path: u.u.Path}
		return shown.String()
	}
}

// GoString returns what String does.
func (u URL) GoString() string { return u.String() }

// MarshalText returns what String does.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText reads an address.
func (u *URL) UnmarshalText(text []byte) (err error) {
	u.u, err = url.Parse(string(text))
	return err
}

// HookURL is the address of a hook, of which the path is a secret, too: who
// knows it may call the hook.
type HookURL struct{ URL }

// NewHookURL returns the address of u, which may be nil.
func NewHookURL(u *url.URL) *HookURL { return &HookURL{URL{u}} }

// Reveal returns the whole address with its secrets; nil if there is none. It
// must not be changed.
func (u *HookURL) Reveal() *url.URL {
	if u == nil {
		return nil
	}
	return u.u
}

// String returns scheme and host.
func (u HookURL) String() string {
	switch {
	case u.u == nil:
		return ""
	case u.u.Host == "":
		return hidden
	default:
		return u.u.Scheme + "://" + u.u.Host
	}
}

// GoString returns what String does.
func (u HookURL) GoString() string { return u.String() }

// MarshalText returns what String does.
func (u HookURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
