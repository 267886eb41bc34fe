// SPDX-License-Identifier: Apache-2.0

package broker

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// MaxKey is the maximum length of a key or id, in bytes after escaping. A key is part of a subject,
// and a server closes the connection of a client whose subject exceeds a line of the protocol (4
// KiB, including the reply subject and the bucket's name).
const MaxKey = 1024

// legalKey encodes a key, or returns [ErrKey] if it is too long.
func legalKey(s string) (string, error) {
	if len(s) > MaxKey {
		return "", fmt.Errorf("%w: %d bytes", ErrKey, len(s))
	}
	key := encodeKey(s)
	if len(key) > MaxKey {
		return "", fmt.Errorf("%w: %d bytes when escaped", ErrKey, len(key))
	}
	return key, nil
}

// encodeKey maps any string one-to-one to a legal key. Letters, digits, "-", "_" and "/" stay, so
// that keys are readable in the NATS tools; every other byte becomes "=" and two hexadecimal
// digits. The empty string becomes "=". Dots are escaped too: a key is a single token of a subject.
func encodeKey(s string) string {
	if s == "" {
		return "="
	}
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; plain(c) {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "=%02x", c)
		}
	}
	return b.String()
}

// decodeKey is the inverse of encodeKey.
func decodeKey(s string) (string, error) {
	if s == "=" {
		return "", nil
	}
	var b strings.Builder
	for i := 0; i < len(s); i++ {
		if s[i] != '=' {
			b.WriteByte(s[i])
			continue
		}
		if i+3 > len(s) {
			return "", fmt.Errorf("key %q ends inside an escape", s)
		}
		raw, err := hex.DecodeString(s[i+1 : i+3])
		if err != nil {
			return "", fmt.Errorf("key %q: %w", s, err)
		}
		b.Write(raw)
		i += 2
	}
	return b.String(), nil
}

// plain reports whether the byte stands for itself in a key.
func plain(c byte) bool {
	switch {
	case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		return true
	default:
		return c == '-' || c == '_' || c == '/'
	}
}
