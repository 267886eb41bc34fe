// SPDX-License-Identifier: Apache-2.0

package words

import (
	"math"
	"testing"
)

func TestNumber(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0", 41: "41", 3.14159: "3.14", 0.0031: "0.0031", 4120: "4.12k", 999.6: "1k", 999.4: "999", 1.3e6: "1.3M", -41.26: "-41.3",
		1e-9: "1e-09", 2.5e15: "2500T", 0.1 + 0.2: "0.3", math.Inf(1): "+Inf", 212: "212", 21.25: "21.2",
	} {
		if got := Number(v); got != want {
			t.Errorf("Number(%g) = %q, want %q", v, got, want)
		}
	}
}

func TestPercentNeverRoundsSomethingToNothing(t *testing.T) {
	for v, want := range map[float64]string{
		0: "0 %", 0.82: "82 %", 0.824: "82 %", 0.004: "<1 %", 0.9951: ">99 %", 1: "100 %", 0.034: "3.4 %", -0.4: "−40 %", -0.034: "−3.4 %", -0.002: "−0.2 %", math.Copysign(0, -1): "0 %", 1.5: "150 %",
	} {
		if got := Percent(v); got != want {
			t.Errorf("Percent(%g) = %q, want %q", v, got, want)
		}
	}
}

func TestFactor(t *testing.T) {
	for _, tt := range []struct {
		before, after float64
		want          string
	}{
		{3.1, 41, "×13"},
		{15, 196, "×13"},
		{10, 14, "+40 %"},
		{10, 4, "−60 %"},
		{1, 1234, "×1.23k"},
		{0, 4, ""},
		{-1, 4, ""},
		{math.NaN(), 4, ""},
		{2, 0, "−100 %"},
		{1e-300, 1e300, ""},
	} {
		if got := Factor(tt.before, tt.after); got != tt.want {
			t.Errorf("Factor(%g, %g) = %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}

func TestMove(t *testing.T) {
	for _, tt := range []struct {
		before, after float64
		want          string
	}{
		{15, 196, "rose ×13"},
		{10, 16, "rose 60 %"},
		{10, 6, "fell 40 %"},
		{2, 0, "fell 100 %"},
		{0, 41, "rose 0 → 41"},
		{5, -3, "fell 5 → -3"},
		{-10, -16, "fell 60 %"}, // away from zero is down
		{-10, -6, "rose 40 %"},
		{7, 7, "stayed at 7"},
		{0, 0, "stayed at 0"},
	} {
		if got := Move(tt.before, tt.after); got != tt.want {
			t.Errorf("Move(%g, %g) = %q, want %q", tt.before, tt.after, got, tt.want)
		}
	}
}

func TestFormat(t *testing.T) {
	for _, tt := range []struct {
		unit Unit
		v    float64
		want string
	}{
		{"", 41, "41"},
		{PerSecond, 41, "41/s"},
		{PerSecond, 4120, "4.12k/s"},
		{Seconds, 0.32, "320 ms"},
		{Seconds, 1.31, "1.31 s"},
		{Seconds, 12e-6, "12 µs"},
		{Seconds, 420, "7 min"},
		{Seconds, 11160, "3.1 h"},
		{Seconds, 0, "0 s"},
		{Bytes, 1288490188, "1.2 GiB"},
		{BytesPerSecond, 2048, "2 KiB/s"},
		{Ratio, 0.113, "11.3 %"},
		{Mebibytes, 900, "900 MiB"},
		{Mebibytes, 2048, "2 GiB"},
		{Megabytes, 900, "900 MB"},
		{Milliseconds, 415, "415 ms"},
		{Hours, 30, "30 h"},
		{Days, 13, "13 days"},
		{Percentage, 11.3, "11.3 %"},
	} {
		if got := tt.unit.Format(tt.v); got != tt.want {
			t.Errorf("%q.Format(%g) = %q, want %q", tt.unit, tt.v, got, tt.want)
		}
	}
}

func TestArrow(t *testing.T) {
	for _, tt := range []struct {
		directed, feedback bool
		want               string
	}{{true, false, "→"}, {false, false, "—"}, {false, true, "⇄"}, {true, true, "⇄"}} {
		if got := Arrow(tt.directed, tt.feedback); got != tt.want {
			t.Errorf("directed %t, feedback %t: %s, want %s", tt.directed, tt.feedback, got, tt.want)
		}
	}
}
