// SPDX-License-Identifier: Apache-2.0

// Package words formats numbers for people: three digits and a unit, shares as
// percentages, changes as factors.
package words

import (
	"math"
	"strconv"
	"strings"
)

// Number writes a value with three digits and a suffix: 0.0031, 41, 4.12k.
func Number(v float64) string {
	if v == 0 || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', 3, 64) // 0, NaN, +Inf
	}
	return scaled(v, 1000, []string{"", "k", "M", "G", "T"})
}

// Percent writes a share: 0.82 is "82 %". It never rounds a share to nothing, nor a part to the
// whole.
func Percent(share float64) string {
	switch p := 100 * share; {
	case p == 0:
		return "0 %" // of −0 too
	case p < 0:
		return "−" + whole(-p) + " %"
	case p > 0 && p < 1:
		return "<1 %"
	case p > 99 && p < 100:
		return ">99 %"
	default:
		return whole(p) + " %"
	}
}

// whole writes a percentage without decimals from 10 on.
func whole(p float64) string {
	if p >= 10 {
		p = math.Round(p)
	}
	return digits(p)
}

// Factor writes a relative change: "×13", "+40 %", "−60 %". It is empty if a factor is
// meaningless: from zero, or across it.
func Factor(before, after float64) string {
	if before == 0 || after*before < 0 || math.IsNaN(after/before) || math.IsInf(after/before, 0) {
		return ""
	}
	switch q := after / before; {
	case q >= 2:
		return "×" + Number(two(q))
	case q >= 1:
		return "+" + Percent(q-1)
	default:
		return "−" + Percent(1-q)
	}
}

// Move writes the direction and size of a change: "rose ×13", "rose 40 %", "fell 60 %". If a
// factor is meaningless it gives both values: "rose 0 → 41".
func Move(before, after float64) string {
	word := "rose"
	switch {
	case before == after:
		return "stayed at " + Number(before)
	case after < before:
		word = "fell"
	}
	if by := Factor(before, after); by != "" {
		return word + " " + strings.TrimLeft(by, "+−") // the word has the sign
	}
	return word + " " + Number(before) + " → " + Number(after)
}

// Arrow draws a link of a graph: → from cause to effect, ⇄ for feedback, — if the direction is
// unknown.
func Arrow(directed, feedback bool) string {
	switch {
	case feedback:
		return "⇄"
	case directed:
		return "→"
	default:
		return "—"
	}
}

// two rounds a factor to two significant digits.
func two(v float64) float64 {
	if v >= 100 {
		return math.Round(v)
	}
	unit := math.Pow(10, math.Floor(math.Log10(v))-1)
	return math.Round(v/unit) * unit
}

// Unit is the unit of a KPI, as far as its query tells.
type Unit string

// The known units. The zero value is a bare number.
const (
	PerSecond      Unit = "/s"
	Seconds        Unit = "s"
	Bytes          Unit = "B"
	BytesPerSecond Unit = "B/s"
	Ratio          Unit = "ratio" // 1 is the whole
	Percentage     Unit = "%"     // 100 is the whole

	Nanoseconds  Unit = "ns"
	Microseconds Unit = "µs"
	Milliseconds Unit = "ms"
	Minutes      Unit = "min"
	Hours        Unit = "h"
	Days         Unit = "d"

	Kilobytes Unit = "kB" // 1000 bytes, and so on
	Megabytes Unit = "MB"
	Gigabytes Unit = "GB"
	Kibibytes Unit = "KiB" // 1024 bytes, and so on
	Mebibytes Unit = "MiB"
	Gibibytes Unit = "GiB"
)

// inSeconds converts units of time to seconds.
func inSeconds() map[Unit]float64 {
	return map[Unit]float64{Nanoseconds: 1e-9, Microseconds: 1e-6, Milliseconds: 1e-3, Seconds: 1, Minutes: 60, Hours: 3600, Days: 86400}
}

// inBytes converts units of storage to bytes.
func inBytes() map[Unit]float64 {
	return map[Unit]float64{
		Bytes: 1, Kibibytes: 1 << 10, Mebibytes: 1 << 20, Gibibytes: 1 << 30,
		Kilobytes: 1e3, Megabytes: 1e6, Gigabytes: 1e9,
	}
}

// Format writes a value in its unit: 41/s, 320 ms, 1.2 GiB, 11 %.
func (u Unit) Format(v float64) string {
	if by := inSeconds()[u]; by != 0 {
		return duration(v * by)
	}
	if by := inBytes()[u]; by != 0 {
		return storage(v*by, u)
	}
	switch u {
	case PerSecond:
		return Number(v) + "/s"
	case BytesPerSecond:
		return scaled(v, 1024, []string{" B/s", " KiB/s", " MiB/s", " GiB/s", " TiB/s", " PiB/s"})
	case Ratio:
		return digits(100*v) + " %"
	case Percentage:
		return digits(v) + " %"
	default:
		return Number(v)
	}
}

// storage writes bytes in powers of 1024, or of 1000 if the unit is decimal.
func storage(v float64, as Unit) string {
	switch as {
	case Kilobytes, Megabytes, Gigabytes:
		return scaled(v, 1000, []string{" B", " kB", " MB", " GB", " TB", " PB"})
	default:
		return scaled(v, 1024, []string{" B", " KiB", " MiB", " GiB", " TiB", " PiB"})
	}
}

// duration writes seconds: 12 µs, 320 ms, 1.3 s, 7 min, 3.1 h, 14 days.
func duration(v float64) string {
	switch abs := math.Abs(v); {
	case abs == 0:
		return "0 s"
	case abs < 1e-3:
		return digits(v*1e6) + " µs"
	case abs < 1:
		return digits(v*1e3) + " ms"
	case abs < 120:
		return digits(v) + " s"
	case abs < 2*3600:
		return digits(v/60) + " min"
	case abs < 3*86400:
		return digits(v/3600) + " h"
	default:
		return digits(v/86400) + " days"
	}
}

// scaled divides v by base until it fits, and appends the suffix of that step.
func scaled(v, base float64, suffixes []string) string {
	i := 0
	for i < len(suffixes)-1 && math.Abs(v) >= base*0.9995 {
		v /= base
		i++
	}
	return digits(v) + suffixes[i]
}

// digits writes v with three significant digits, without an exponent unless v is very large or
// small.
func digits(v float64) string {
	abs := math.Abs(v)
	if abs != 0 && (abs < 1e-4 || abs >= 1e6) || math.IsNaN(v) || math.IsInf(v, 0) {
		return strconv.FormatFloat(v, 'g', 3, 64)
	}
	if abs >= 100 {
		return strconv.FormatFloat(math.Round(v), 'f', 0, 64)
	}
	s := strconv.FormatFloat(v, 'g', 3, 64)
	f, err := strconv.ParseFloat(s, 64) // a number of three digits, now without an exponent
	if err != nil {
		return s
	}
	return strings.TrimPrefix(strconv.FormatFloat(f, 'f', -1, 64), "+")
}

// List joins texts: a, b and c.
func List(texts []string) string {
	if n := len(texts); n > 1 {
		return strings.Join(texts[:n-1], ", ") + " and " + texts[n-1]
	}
	return strings.Join(texts, "")
}
