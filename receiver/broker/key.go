package broker

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// encodeKey maps any string to a legal key of a bucket, one to one. Letters,
// digits, "-", "_" and "/" stay, so that keys can be read in the NATS tools;
// every other byte becomes "=" and two hexadecimal digits. The empty string is
// "=" alone. Dots are escaped, too: a key is a single token of a subject.
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
