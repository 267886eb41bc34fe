// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// column parses the values of a column: "3x100 4x20" is a hundred rows of 3 and twenty of 4,
// and "_" is a missing sample.
func column(t *testing.T, text string) []float64 {
	t.Helper()
	var values []float64
	for _, word := range strings.Fields(text) {
		text, times, _ := strings.Cut(word, "x")
		value, err := strconv.ParseFloat(strings.ReplaceAll(text, "_", "NaN"), 64)
		n, err2 := strconv.Atoi(times)
		if err != nil || err2 != nil {
			t.Fatal(word, err, err2)
		}
		for range n {
			values = append(values, value)
		}
	}
	return values
}

// minutes are n times, one a minute.
func minutes(n int) []float64 {
	times := make([]float64, n)
	for i := range times {
		times[i] = 1.7e9 + 60*float64(i)
	}
	return times
}

func TestChangesOfColumnByNameAndShape(t *testing.T) {
	heartbeat := ""
	for i := range 24 {
		heartbeat += fmt.Sprintf("%dx5 ", 1700000000+300*i)
	}
	for _, c := range []struct{ name, values, want string }{
		// The name decides.
		{"deploy|observed_generation", "3x100 4x20", "deploy was rolled out 3 → 4 at 100"},
		{"deploy|observed_generation", "1312x100 1313x20", "deploy was rolled out 1312 → 1313 at 100"},
		{"pod|restarts_total", "0x100 1x20", "pod was restarted 0 → 1 at 100"},
		{"shop|new_pricing_flag", "0x100 1x20", "flag shop was switched 0 → 1 at 100"},
		{"shop|spec_replicas", "6x100 2x20", "shop was scaled 6 → 2 at 100"},
		{"etl|nightly_job", "0x90 1x8 0x22", "etl ran 0 → 1 at 90 until 97"},
		{"app|build_info_v2", "_x100 1x20", "app was rolled out at 100"},
		{"app|build_info_v1", "1x100 _x20", "app was rolled out at 100"},
		{"app|deploy_marker", "_x90 1x2 _x28", "app was rolled out at 90 until 91"},
		{"app|sync", "0x90 1x3 0x27", "app was noted 0 → 1 at 90 until 92"},
		// For "sync" the name alone does not decide.
		{"app|sync", "0x90 1x30", ""},
		{"app|sync_status", "0x112 1x8", ""},
		{"app|sync", "1x90 0x30", ""},
		{"pod|events", "0x90 1x1 0x29", ""},
		{"pod|events", "0x50 1x2 0x40 1x2 0x26", ""},
		{"pod|events", "0x90 1x2 2x2 0x26", ""},
		// Without a known name the shape decides.
		{"a|b", "1.6e9x100 1700005990x20", "a was changed at 100"},
		{"a|b", "3x100 4x20", "a was changed 3 → 4 at 100"},
		{"a|b", "_x100 1x20", "a was changed at 100"},
		{"a|b", "_x100 1x2 _x18", "a was changed at 100 until 101"},
		{"a|b", "0x100 1x5 0x15", ""},
		// A measurement or a state is no change.
		{"a|b", "3x100 5x20", ""},
		{"a|b", "0x100 1x20", ""},
		{"a|b", "3x100 4x1 3x1 4x1 3x1 4x16", ""},
		{"a|b", "0x30 1x1 0x60 1x1 0x28", ""},
		{"db|up", "1x100 0x20", ""},
		{"db|up ", "1x100 _x20", ""},
		{"pay|kube_deployment_status_replicas_unavailable", "0x100 1x20", ""},
		{"etl|nightly_job_failed", "0x100 1x20", ""},
		{"pay|config_last_reload_success_timestamp_seconds", "1.6e9x100 1700006000x20", "the configuration of pay was changed at 100"},
		{"a|new_checkout_flag of q", "0x100 1x20", "flag a was switched 0 → 1 at 100"},
		{"db|errors", "0x100 1x5 0x15", ""},
		{"db|pods_unavailable", "1x100 2x20", ""},
		{"db|size", "7x120", ""},
		{"db|size", "_x120", ""},
		{"a|heartbeat", heartbeat, ""},
	} {
		times := minutes(120)
		service, metric, _ := strings.Cut(c.name, "|")
		var got []string
		for _, change := range (Column{Name: c.name, Metric: metric, Of: service, Values: column(t, c.values)}).In(times) {
			text := change.Title
			if change.From != "" {
				text += " " + change.From + " → " + change.To
			}
			text += fmt.Sprintf(" at %.0f", (change.At-times[0])/60)
			if change.Until != 0 {
				text += fmt.Sprintf(" until %.0f", (change.Until-times[0])/60)
			}
			if got = append(got, text); change.Series != c.name {
				t.Errorf("%s: found in %q", c.name, change.Series)
			}
		}
		if all := strings.Join(got, "; "); all != c.want {
			t.Errorf("%s %s: %q, not %q", c.name, c.values, all, c.want)
		}
	}
}

// Missing samples and noisy series are no changes, whatever the name.
func TestNoiseAndGapsAreNoChanges(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		still, noisy := make([]float64, 200), make([]float64, 200)
		for i := range still {
			still[i], noisy[i] = 1, math.Round(100*rng.NormFloat64())
			if rng.Float64() < .3 {
				still[i] = math.NaN()
			}
		}
		still[0], still[199] = 1, 1
		for i := 1; i < len(still); i++ { // no gap of more than a few rows
			if i >= 4 && math.IsNaN(still[i]+0*still[i-1]) && math.IsNaN(still[i-1]) && math.IsNaN(still[i-2]) && math.IsNaN(still[i-3]) {
				still[i] = 1
			}
		}
		for _, values := range [][]float64{still, noisy} {
			if found := (Column{Name: "deploy|generation", Metric: "generation", Values: values}).In(minutes(200)); found != nil {
				t.Fatal(found)
			}
		}
	}
}

// Any column is handled: failing scrapes leave gaps and short stretches of few values.
func TestAnyColumnIsHandled(t *testing.T) {
	columns := [][]float64{nil}
	for range 4 {
		longer := columns
		for _, c := range columns {
			for _, v := range []float64{math.NaN(), 0, 1, 2} {
				for _, rows := range []int{1, 6, 12} {
					longer = append(longer, slices.Concat(c, slices.Repeat([]float64{v}, rows)))
				}
			}
		}
		columns = longer
	}
	for _, values := range columns {
		for _, metric := range []string{"m3", "observed_generation", "sync"} {
			for _, change := range (Column{Metric: metric, Values: values}).In(minutes(len(values))) {
				if change.Until != 0 && change.Until < change.At {
					t.Fatalf("%v: %+v is over before it began", values, change)
				}
			}
		}
	}
}
