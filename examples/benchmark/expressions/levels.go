// SPDX-License-Identifier: Apache-2.0

package expressions

import (
	"fmt"

	"github.com/culprit-dev/culprit/analysis"
)

// certificates has four, of which n2's is replaced at the onset by one that expires in so many
// days.
func certificates(days float64) func(*World) {
	return func(w *World) {
		for i := range 4 {
			end := Always(80 * 86400)
			if i == 2 {
				end = Step(80*86400, days*86400)
			}
			w.Exact(fmt.Sprintf(`cert_expiry{instance="n%d"}`, i), end)
		}
	}
}

// levels are alerts on the level of one of several series of different size, or on one that did not
// change at all.
func levels() []Alert {
	const kind = "levels"
	mounts := func(full string) func(*World) {
		return func(w *World) {
			size := map[string]float64{"/boot": 5e8, "/": 2e11, "/data": 2e12}
			for _, m := range []string{"/", "/boot", "/data"} {
				free := Always(size[m] * .6)
				if m == full {
					free = Ramp(size[m]*.6, size[m]*.02, 8)
				}
				at := fmt.Sprintf(`{instance="n1",mountpoint="%s"}`, m)
				w.Exact("filesystem_avail_bytes"+at, free)
				w.Exact("filesystem_size_bytes"+at, Always(size[m]))
			}
		}
	}
	const share = `filesystem_avail_bytes / filesystem_size_bytes < 0.05`
	still := func(w *World) {
		for i := range 4 {
			level := 20.0
			if i == 1 {
				level = 95
			}
			w.Gauge(fmt.Sprintf(`disk_used_percent{instance="n%d"}`, i), Always(level))
		}
	}
	fleet := func(fills func(instance, mount string) bool) func(*World) {
		return func(w *World) {
			size := map[string]float64{"/boot": 5e8, "/": 2e11, "/data": 2e12}
			for i := range 5 {
				for _, m := range []string{"/", "/boot", "/data"} {
					instance := fmt.Sprintf("n%d", i)
					free := Always(size[m] * .6)
					if fills(instance, m) {
						free = Ramp(size[m]*.6, size[m]*.02, 8)
					}
					at := fmt.Sprintf(`{instance="%s",mountpoint="%s"}`, instance, m)
					w.Gauge("filesystem_avail_bytes"+at, free)
					w.Exact("filesystem_size_bytes"+at, Always(size[m]))
				}
			}
		}
	}
	const boot = `instance="n1",mountpoint="/boot"`
	return []Alert{
		{Kind: kind, Name: "one volume of one of five hosts", Labels: boot, Expr: share, World: fleet(func(i, m string) bool { return i == "n1" && m == "/boot" }), Places: []string{boot}},
		{Kind: kind, Name: "the same volume of all hosts", Labels: boot, Expr: share, World: fleet(func(_, m string) bool { return m == "/boot" }), Places: []string{`mountpoint="/boot"`}},
		{Kind: kind, Name: "all volumes of one host", Labels: boot, Expr: share, World: fleet(func(i, _ string) bool { return i == "n1" }), Places: []string{`instance="n1"`}},
		{Kind: kind, Name: "all volumes of all hosts", Labels: boot, Expr: share, World: fleet(func(string, string) bool { return true }), Verdict: analysis.External},
		{Kind: kind, Name: "one volume, by what is used", Labels: boot, Expr: `1 - filesystem_avail_bytes / filesystem_size_bytes > 0.95`, World: fleet(func(i, m string) bool { return i == "n1" && m == "/boot" }), Places: []string{boot}},
		{Kind: kind, Name: "one volume, in bytes", Labels: boot, Expr: `filesystem_avail_bytes < 20e6`, World: fleet(func(i, m string) bool { return i == "n1" && m == "/boot" }), Places: []string{boot}},
		{Kind: kind, Name: "a small volume beside large ones", Labels: `instance="n1",mountpoint="/boot"`, Expr: share, World: mounts("/boot"), Places: []string{`mountpoint="/boot"`}},
		{Kind: kind, Name: "a large volume beside small ones", Labels: `instance="n1",mountpoint="/data"`, Expr: share, World: mounts("/data"), Places: []string{`mountpoint="/data"`}},
		{Kind: kind, Name: "a small volume, in hundredths", Labels: `instance="n1",mountpoint="/boot"`, Expr: `100 * filesystem_avail_bytes / filesystem_size_bytes < 5`, World: mounts("/boot"), Places: []string{`mountpoint="/boot"`}},
		{Kind: kind, Name: "a level that has always been so", Labels: `instance="n1"`, Expr: `disk_used_percent > 90`, World: still, Verdict: analysis.NoChange, Says: `it has been above 90 % for at least [\d.]+ h`},
		{Kind: kind, Name: "a certificate is replaced by a shorter one", Labels: `instance="n2"`, Expr: `cert_expiry - time() < 14 * 86400`, World: certificates(10), Places: []string{`instance="n2"`}, Says: `79\.\d days → 9\.\d+ days`},
	}
}
