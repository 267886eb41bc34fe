// SPDX-License-Identifier: Apache-2.0

package web

import (
	"fmt"
	"math"
	"regexp"
	"strings"
	"testing"
)

// Text has at least the contrast that WCAG 2.2 asks for (1.4.3, 4.5 to 1) on
// every ground that it stands on, in the light and in the dark; marks have at
// least 3 to 1 (1.4.11).
func TestContrast(t *testing.T) {
	style := string(must(files.ReadFile("static/style.css")))
	blocks := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(style, -1)
	if len(blocks) != 2 {
		t.Fatalf("%d sets of colours, want a light and a dark one", len(blocks))
	}
	for i, scheme := range []string{"light", "dark"} {
		colours := map[string]string{}
		for _, m := range regexp.MustCompile(`--(\w+): (#[0-9a-f]{3,8})`).FindAllStringSubmatch(blocks[i][1], -1) {
			colours[m[1]] = m[2]
		}
		for pair, least := range map[string]float64{
			"ink paper": 7, "ink card": 7, "soft paper": 4.5, "soft card": 4.5,
			"where paper": 4.5, "where card": 4.5, "why paper": 4.5, "why card": 4.5,
			"where track": 3, "why track": 3, "soft track": 3,
		} {
			text, ground, _ := strings.Cut(pair, " ")
			if got := contrast(t, colours[text], colours[ground]); got < least {
				t.Errorf("%s: %s is %.2f to 1, want %g", scheme, pair, got, least)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	la, lb := luminance(t, a), luminance(t, b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}

// luminance is the relative luminance of WCAG 2.2.
func luminance(t *testing.T, colour string) float64 {
	t.Helper()
	if len(colour) == 4 { // #abc
		colour = fmt.Sprintf("#%c%c%c%c%c%c", colour[1], colour[1], colour[2], colour[2], colour[3], colour[3])
	}
	var rgb [3]int
	if _, err := fmt.Sscanf(colour, "#%02x%02x%02x", &rgb[0], &rgb[1], &rgb[2]); err != nil {
		t.Fatalf("colour %q: %v", colour, err)
	}
	sum := 0.0
	for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
		c := float64(rgb[i]) / 255
		if c <= 0.04045 {
			c /= 12.92
		} else {
			c = math.Pow((c+0.055)/1.055, 2.4)
		}
		sum += weight * c
	}
	return sum
}
