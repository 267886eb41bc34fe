// SPDX-License-Identifier: Apache-2.0

// Package confidence defines the three levels of confidence that all methods share.
package confidence

import "fmt"

// Level is one of the three. The zero value is the lowest, so that trust must be given
// explicitly.
type Level int8

// The levels.
const (
	Low Level = iota
	Medium
	High
)

var words = [...]string{Low: "low", Medium: "medium", High: "high"}

// Rank orders levels, 0 being the best.
func (l Level) Rank() int { return int(High - l) }

// String returns high, medium or low.
func (l Level) String() string { return words[l] }

// Parse parses a level; "" is the lowest.
func Parse(word string) (Level, error) {
	for l, w := range words {
		if w == word {
			return Level(l), nil
		}
	}
	if word == "" {
		return Low, nil
	}
	return Low, fmt.Errorf("there is no confidence %q\nhint: the levels are high, medium and low", word)
}

// MarshalText implements encoding.TextMarshaler.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText implements encoding.TextUnmarshaler.
func (l *Level) UnmarshalText(text []byte) (err error) {
	*l, err = Parse(string(text))
	return err
}
