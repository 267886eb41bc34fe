// SPDX-License-Identifier: Apache-2.0

package config

import (
	"net/url"
	"strings"
)

// hidden replaces a secret.
const hidden = "<secret>"

// URL is a server's URL. It may contain a user, a password, or a token in the query, so printing it
// in any way shows only scheme, host and path: to connect, use [URL.Reveal].
type URL struct{ u *url.URL }

// NewURL wraps u, which may be nil.
func NewURL(u *url.URL) *URL { return &URL{u} }

// Reveal returns the full URL with its secrets; nil if there is none. Don't modify it.
func (u *URL) Reveal() *url.URL {
	if u == nil {
		return nil
	}
	return u.u
}

// Shown returns scheme, host and path; nil if there is no URL.
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

// GoString is String.
func (u URL) GoString() string { return u.String() }

// MarshalText is String.
func (u URL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }

// UnmarshalText parses a URL.
func (u *URL) UnmarshalText(text []byte) (err error) {
	u.u, err = url.Parse(string(text))
	return err
}

// HookURL is the URL of a hook, whose path is secret as well: whoever knows it may call the hook.
type HookURL struct{ URL }

// NewHookURL wraps u, which may be nil.
func NewHookURL(u *url.URL) *HookURL { return &HookURL{URL{u}} }

// Reveal returns the full URL with its secrets; nil if there is none. Don't modify it.
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

// GoString is String.
func (u HookURL) GoString() string { return u.String() }

// MarshalText is String.
func (u HookURL) MarshalText() ([]byte, error) { return []byte(u.String()), nil }
