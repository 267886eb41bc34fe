// SPDX-License-Identifier: Apache-2.0

package changes

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

const onset = 1_700_000_000

func rollout(service string, before float64) Change {
	return Change{At: onset - before, Title: service + " was rolled out", Labels: map[string]string{"service": service}, From: "v41", To: "v42", Source: "test"}
}

func at(t *testing.T, r Ranking, service string) Cause {
	t.Helper()
	for _, c := range r.Causes {
		if c.Labels["service"] == service {
			return c
		}
	}
	t.Fatalf("there is no change of %s among %d", service, len(r.Causes))
	return Cause{}
}

func orderOf(r Ranking) string {
	var names []string
	for _, c := range r.Causes {
		names = append(names, c.Labels["service"])
	}
	return strings.Join(names, " ")
}

// The computation in the package documentation, by hand: one change of the alert's own
// workload, 600 s before the onset, with a day of history.
func TestOneChangeByHand(t *testing.T) {
	r := Rank([]Change{rollout("cart", 600)}, Incident{Onset: onset, Since: onset - day, Labels: map[string]string{"service": "cart"}})
	density := 1. / 600 / 4 // half the density at once, squared
	rate := 1. / (2 * 86400)
	odds := density / rate * 8 / 10 // three steps closer, one of ten places
	if got, want := r.Causes[0].Probability, odds/(1+odds); math.Abs(got-want) > 1e-9 {
		t.Errorf("the probability is %v, by hand %v", got, want)
	}
	if got := r.Causes[0].Probability + r.None; math.Abs(got-1) > 1e-9 {
		t.Errorf("this one and none make %v", got)
	}
}

func TestTimeAndRarity(t *testing.T) {
	in := Incident{Onset: onset, Since: onset - 6*3600}
	last := math.Inf(1)
	for _, before := range []float64{0, 60, 90, 600, 3600, 5 * 3600} {
		c := Rank([]Change{rollout("cart", before)}, in).Causes[0]
		if c.Time >= last {
			t.Errorf("%.0f s before it says %v, a later one %v", before, c.Time, last)
		}
		last = c.Time
	}
	if last > 1 {
		t.Errorf("a change five hours before speaks for itself: %v", last)
	}
	var often []Change
	for i := range 36 {
		often = append(often, rollout("cart", 60+600*float64(i)))
		often[i].To = fmt.Sprint("v", 42-i)
	}
	r := Rank(append(often, rollout("pay", 60)), in)
	if cart, pay := at(t, r, "cart"), at(t, r, "pay"); cart.Time > 10 || pay.Time < 10*cart.Time || cart.Earlier != 35 {
		t.Errorf("rolled out every ten minutes says %v after %d, once says %v", cart.Time, cart.Earlier, pay.Time)
	}
}

func TestPlaces(t *testing.T) {
	in := Incident{
		Onset: onset, Labels: map[string]string{"namespace": "shop", "service": "checkout", "node": "n1"},
		Calls: [][2]string{{"checkout", "cart"}, {"cart", "cart-db"}},
	}
	for _, c := range []struct {
		labels map[string]string
		want   Nearness
	}{
		{map[string]string{"namespace": "shop", "deployment": "checkout"}, Workload},
		{map[string]string{"pod": "checkout-7c9df8b6d4-x2kzj"}, Workload},
		{map[string]string{"service": "cart-db"}, Beside},
		{map[string]string{"service": "other", "instance": "n1:9100"}, Beside},
		{map[string]string{"namespace": "shop", "service": "other"}, Namespace},
		{map[string]string{"service": "other"}, Somewhere},
		{nil, Somewhere},
		{map[string]string{"namespace": "bank", "service": "checkout"}, Elsewhere},
	} {
		if got := Rank([]Change{{At: onset - 60, Labels: c.labels}}, in).Causes[0].Near; got != c.want {
			t.Errorf("%v is %s, and not %s", c.labels, got, c.want)
		}
	}
	alert := Change{At: onset - 60, Labels: map[string]string{"service": "checkout"}, Source: FromAlert}
	if got := Rank([]Change{alert}, in).Causes[0].Near; got != Somewhere {
		t.Errorf("another alert of the workload is a symptom, and no change of it: %s", got)
	}
}

func TestChangedPartWentBad(t *testing.T) {
	set := func(labels ...string) []map[string]string {
		return []map[string]string{{labels[0]: labels[1]}}
	}
	versions := map[string][]string{"version": {"v41", "v42"}}
	for _, c := range []struct {
		name string
		part Part
		want float64
	}{
		{"the new version, certain", Part{Labels: set("version", "v42"), Sure: 2}, sure},
		{"the new version, likely", Part{Labels: set("version", "v42"), Sure: 1}, math.Sqrt(sure)},
		{"it only took the place of the old one", Part{Labels: set("version", "v42"), Sure: 2, Rollover: true}, 1},
		{"the old version", Part{Labels: set("version", "v41"), Sure: 2, Others: versions}, 1. / sure},
		{"neither", Part{Labels: set("version", "v7"), Sure: 2, Others: versions}, 1. / sure},
		{"another service", Part{Labels: set("service", "pay"), Sure: 2}, 1. / sure},
		{"its service", Part{Labels: set("service", "cart"), Sure: 2}, sure},
		{"what has nothing to do with it", Part{Labels: set("path", "/a"), Sure: 2}, 1},
	} {
		r := Rank([]Change{rollout("cart", 60)}, Incident{Onset: onset, Found: []Part{c.part}})
		if got := r.Causes[0].Fit; math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, and not %v", c.name, got, c.want)
		}
	}
}

// A change confirms a part only if it was made in all of its places, and in no other.
func TestChangeInOtherPlacesConfirmsNone(t *testing.T) {
	for _, c := range []struct {
		name           string
		changed, moved []string
		want           float64
	}{
		{"the one that moved", []string{"a"}, []string{"a"}, sure},
		{"all that moved", []string{"a", "b"}, []string{"a", "b"}, sure},
		{"one of two that moved", []string{"a"}, []string{"a", "b"}, 1. / sure},
		{"one that did not move as well", []string{"a", "b"}, []string{"a"}, 1},
	} {
		var list []Change
		for _, name := range c.changed {
			list = append(list, Change{At: onset - 60, Title: "api was started", Labels: map[string]string{"job": "api", "instance": name}})
		}
		part := Part{Places: len(c.moved), Sure: 2}
		for _, name := range c.moved {
			part.Labels = append(part.Labels, map[string]string{"instance": name})
			part.Whose = append(part.Whose, map[string]string{"job": "api", "instance": name})
		}
		r := Rank(list, Incident{Onset: onset, Found: []Part{part}})
		if got := r.Causes[0].Fit; len(r.Causes) != 1 || math.Abs(got-c.want) > 1e-9 {
			t.Errorf("%s: %v, and not %v, of %d changes", c.name, got, c.want, len(r.Causes))
		}
	}
}

func TestSeriesOfItsService(t *testing.T) {
	in := Incident{Onset: onset, Series: []Service{{Name: "cart", Evidence: 6}, {Name: "pay"}, {Name: "web"}}}
	list := []Change{rollout("pay", 60), rollout("cart", 60), rollout("mail", 60)}
	r := Rank(list, in)
	if got := orderOf(r); got != "cart mail pay" {
		t.Errorf("the order is %s", got)
	}
	if got := at(t, r, "mail").Series; got != 1 {
		t.Errorf("a service without series has evidence %v", got)
	}
	in.Series[0].Since = onset - 300
	if before, early := at(t, r, "cart"), at(t, Rank(list, in), "cart"); early.Series > before.Series/sure*1.001 {
		t.Errorf("what was on its way before the change speaks as much: %v, %v", before.Series, early.Series)
	}
}

func TestChangeAfterOnsetIsNoCause(t *testing.T) {
	r := Rank([]Change{rollout("cart", -1), rollout("pay", 0)}, Incident{Onset: onset, Labels: map[string]string{"service": "cart"}})
	if got := orderOf(r); got != "pay" || len(r.Later) != 1 || r.Later[0].Labels["service"] != "cart" {
		t.Errorf("the causes are %q, later came %v", got, r.Later)
	}
	moved := Rank([]Change{rollout("pay", 0)}, Incident{Onset: onset, Moved: onset - 60})
	if moved.Causes[0].Time >= r.Causes[0].Time/2 {
		t.Errorf("the KPI was on its way before it, and it says %v", moved.Causes[0].Time)
	}
}

func TestQuietTimeHasNoCause(t *testing.T) {
	in := Incident{Onset: onset, Labels: map[string]string{"service": "cart"}, Found: []Part{{Labels: []map[string]string{{"version": "v42"}}, Sure: 2}}}
	if c := Rank([]Change{rollout("cart", 30)}, in).Causes[0]; !c.Likely || !c.Certain {
		t.Errorf("all speaks for it: %+v", c)
	}
	in.Quiet = true
	if c := Rank([]Change{rollout("cart", 30)}, in).Causes[0]; c.Likely || c.Certain {
		t.Errorf("nothing has moved, and it is likely: %+v", c)
	}
}

func TestOneChangeFromSeveralSources(t *testing.T) {
	told := []Change{
		{At: onset - 100, Until: onset - 40, Title: "Deploy cart", Labels: map[string]string{"service": "cart"}, To: "v42", Source: "api", URL: "https://ci.example.org/7"},
		{At: onset - 95, Title: "cart was rolled out", Labels: map[string]string{"deployment": "cart", "namespace": "shop"}, From: "v41", To: "v42", Source: "series"},
		{At: onset - 60, Title: "cart started", Labels: map[string]string{"pod": "cart-7c9df8b6d4-x2kzj"}, Source: "series"},
	}
	other := Change{At: onset - 90, Title: "pay was rolled out", Labels: map[string]string{"service": "pay"}, To: "v42"}
	r := Rank(append(told, other), Incident{Onset: onset})
	if len(r.Causes) != 2 {
		t.Fatalf("two changes are %d: %+v", len(r.Causes), r.Causes)
	}
	c := at(t, r, "cart")
	if c.At != onset-100 || c.From != "v41" || c.To != "v42" || c.URL == "" || c.Labels["namespace"] != "shop" || len(c.Parts) != 3 {
		t.Errorf("together they tell %+v", c)
	}
	if c.Labels["pod"] != "" {
		t.Errorf("it is of one pod: %v", c.Labels)
	}
}

func TestOddsOfServices(t *testing.T) {
	in := Incident{Onset: onset, Series: []Service{{Name: "cart"}, {Name: "pay"}, {Name: "web-0"}}}
	r := Rank([]Change{rollout("cart", 60), rollout("web", 7200)}, in)
	if r.Odds[0] < 50 || r.Odds[1] != 1 || r.Odds[2] <= 1 || r.Odds[2] > 3 {
		t.Errorf("the odds are %v", r.Odds)
	}
	if got := Rank(nil, in); !slices.Equal(got.Odds, []float64{1, 1, 1}) || got.None != 1 {
		t.Errorf("without changes they are %v", got.Odds)
	}
}

// drawChanges draws changes, some without labels or a time, some twice.
func drawChanges(t *rapid.T) []Change {
	names := rapid.SampledFrom([]string{"cart", "pay", "web", ""})
	list := rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Change {
		c := Change{
			At:    onset + float64(rapid.IntRange(-9000, 900).Draw(t, "at")),
			Title: rapid.SampledFrom([]string{"rolled out", "", "scaled"}).Draw(t, "title"),
			To:    rapid.SampledFrom([]string{"", "v1", "v2"}).Draw(t, "to"),
		}
		if name := names.Draw(t, "service"); name != "" {
			c.Labels = map[string]string{"service": name, "namespace": rapid.SampledFrom([]string{"", "a", "b"}).Draw(t, "namespace")}
		}
		if rapid.IntRange(0, 9).Draw(t, "broken") == 0 {
			c.At = math.NaN()
		}
		return c
	}), 0, 12).Draw(t, "changes")
	return list
}

func incidentOfProperties() Incident {
	return Incident{
		Onset: onset, Labels: map[string]string{"service": "cart", "namespace": "a"}, Calls: [][2]string{{"cart", "pay"}},
		Series: []Service{{Name: "cart", Evidence: 2}, {Name: "pay", Evidence: 3}, {Name: "web"}},
		Found:  []Part{{Labels: []map[string]string{{"version": "v2"}}, Sure: 1}},
	}
}

func text(r Ranking) string {
	var b strings.Builder
	for _, c := range r.Causes {
		fmt.Fprintf(&b, "%.9g %s %s %v %v %v %.0f\n", c.Probability, c.Title, c.To, c.Labels, c.Likely, c.Certain, c.Lag)
	}
	fmt.Fprintf(&b, "none %.9g, %d later, odds %.9g", r.None, len(r.Later), r.Odds)
	return b.String()
}

func TestOrderCopiesAndClocksDoNotMatter(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		list, in := drawChanges(t), incidentOfProperties()
		want := text(Rank(list, in))
		shuffled := slices.Clone(list)
		rand.New(rand.NewPCG(1, rapid.Uint64().Draw(t, "seed"))).Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
		if got := text(Rank(shuffled, in)); got != want {
			t.Fatalf("in another order:\n%s\n%s", want, got)
		}
		if got := text(Rank(slices.Concat(list, list), in)); got != want {
			t.Fatalf("told twice:\n%s\n%s", want, got)
		}
		const shift = 1 << 20
		later := slices.Clone(list)
		for i := range later {
			later[i].At += shift
		}
		in.Onset += shift
		if got := text(Rank(later, in)); got != want {
			t.Fatalf("at another time:\n%s\n%s", want, got)
		}
	})
}

func TestNamesDoNotMatter(t *testing.T) {
	other := strings.NewReplacer("cart", "a-b", "pay", "zebra", "web", "m")
	rapid.Check(t, func(t *rapid.T) {
		list, in := drawChanges(t), incidentOfProperties()
		renamed := make([]Change, len(list))
		for i, c := range list {
			renamed[i] = c
			if c.Labels != nil {
				renamed[i].Labels = map[string]string{"service": other.Replace(c.Labels["service"]), "namespace": c.Labels["namespace"]}
			}
		}
		before := probabilities(Rank(list, in))
		in.Labels = map[string]string{"service": other.Replace("cart"), "namespace": "a"}
		in.Calls = [][2]string{{other.Replace("cart"), other.Replace("pay")}}
		for i := range in.Series {
			in.Series[i].Name = other.Replace(in.Series[i].Name)
		}
		after := probabilities(Rank(renamed, in))
		if !slices.EqualFunc(before, after, func(a, b float64) bool { return math.Abs(a-b) < 1e-9 }) {
			t.Fatalf("under other names:\n%v\n%v", before, after)
		}
	})
}

func probabilities(r Ranking) []float64 {
	var all []float64
	for _, c := range r.Causes {
		all = append(all, c.Probability)
	}
	return all
}

func TestProbabilitiesAreValid(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Rank(drawChanges(t), incidentOfProperties())
		sum := r.None
		for _, c := range r.Causes {
			if sum += c.Probability; c.At > onset || !(c.Probability >= 0 && c.Probability <= 1) || math.IsNaN(c.Time) {
				t.Fatalf("%+v", c)
			}
		}
		if math.Abs(sum-1) > 1e-9 {
			t.Fatalf("all together are %v", sum)
		}
	})
}

func BenchmarkRank(b *testing.B) {
	for _, n := range []int{10, 1000, 10000} {
		list := make([]Change, n)
		in := Incident{Onset: onset, Labels: map[string]string{"service": "s-7", "namespace": "shop"}}
		for i := range list {
			list[i] = rollout(fmt.Sprint("s-", i%500), float64(i*6))
			list[i].Labels["namespace"] = "shop"
		}
		for i := range 500 {
			in.Series = append(in.Series, Service{Name: fmt.Sprint("s-", i), Evidence: float64(i % 7)})
		}
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Rank(list, in)
			}
		})
	}
}

// A symptom of the fault, such as a target that disappears, is listed and causes nothing,
// however close it is and whatever else supports it.
func TestASymptomCausesNothing(t *testing.T) {
	c := Change{At: onset - 60, Title: "a target of cart vanished", Labels: map[string]string{"service": "cart", "instance": "a:80"}, Symptom: true}
	in := Incident{
		Onset: onset, Labels: map[string]string{"service": "cart"},
		Found:  []Part{{Labels: []map[string]string{{"instance": "a:80"}}, Sure: 2}},
		Series: []Service{{Name: "cart", Evidence: 9, Sure: true, Certain: true, Since: onset - 50}},
	}
	first := Rank([]Change{c}, in).Causes[0]
	if first.Likely || first.Certain || first.Alone() {
		t.Errorf("a symptom is %+v", first)
	}
	c.Symptom = false
	if first := Rank([]Change{c}, in).Causes[0]; !first.Likely {
		t.Errorf("a change is %+v", first)
	}
	release := Change{At: onset - 90, Title: "cart was rolled out", To: "v2", Labels: map[string]string{"service": "cart"}}
	c.Symptom = true
	if all := Rank([]Change{c, release}, in).Causes; len(all) != 1 || !all[0].Likely {
		t.Errorf("what a release takes away makes it %+v", all)
	}
}

// A controller's reaction to load is a consequence, and so are the starts that follow; a
// release that scales up as well is not.
func TestAddingReplicasCausesNothing(t *testing.T) {
	of := func(before float64, title string) Change {
		return Change{At: onset - before, Title: title, Labels: map[string]string{"deployment": "cart"}}
	}
	in := Incident{Onset: onset, Labels: map[string]string{"deployment": "cart"}}
	scaled, started, released := of(60, "cart was scaled up"), of(40, "cart was started"), of(90, "cart was rolled out")
	scaled.From, scaled.To, scaled.Reaction, released.From, released.To = "4", "9", true, "v1", "v2"
	for _, c := range Rank([]Change{scaled, started}, in).Causes {
		if c.Likely || c.Alone() {
			t.Errorf("%+v", c)
		}
	}
	if first := Rank([]Change{scaled, released}, in).Causes[0]; !first.Likely || first.To != "v2" {
		t.Errorf("%+v", first)
	}
}

// A change made everywhere at once with an effect in one place only is no more likely because
// of that place, and counts as one change.
func TestChangeMadeEverywhereIsNotLocal(t *testing.T) {
	regions := []string{"ap", "eu", "us"}
	in := Incident{
		Onset: onset, Labels: map[string]string{"service": "cart"},
		Found: []Part{{Labels: []map[string]string{{"region": "eu"}}, Sure: 2, Others: map[string][]string{"region": regions}}},
	}
	var list []Change
	for i, region := range regions {
		list = append(list, Change{At: onset - 300 - float64(i), Title: "cart was restarted", Labels: map[string]string{"service": "cart", "region": region}})
	}
	for _, c := range Rank(list, in).Causes {
		if c.Earlier != 0 || c.Confirmed || len(c.Found) > 0 {
			t.Errorf("%+v", c)
		}
	}
	if here := Rank(list[1:2], in).Causes[0]; !here.Confirmed || len(here.Found) != 1 {
		t.Errorf("in one place only: %+v", here)
	}
}

// A change of another replica of the same workload doesn't explain this one. The instance label
// of an object that an exporter describes is the exporter's.
func TestAnotherInstanceWasRestarted(t *testing.T) {
	of := func(labels ...string) map[string]string {
		set := map[string]string{}
		for i := 0; i < len(labels); i += 2 {
			set[labels[i]] = labels[i+1]
		}
		return set
	}
	for name, c := range map[string]struct {
		changed []map[string]string
		likely  bool
	}{
		"this one":       {[]map[string]string{of("job", "api", "instance", "a:80")}, true},
		"another one":    {[]map[string]string{of("job", "api", "instance", "b:80")}, false},
		"both":           {[]map[string]string{of("job", "api", "instance", "b:80"), of("job", "api", "instance", "a:80")}, true},
		"the deployment": {[]map[string]string{of("deployment", "api", "instance", "ksm:8080", "pod", "ksm-0")}, true},
		"another pod":    {[]map[string]string{of("service", "api", "pod", "api-1", "instance", "b:80")}, true}, // its pod isn't known
	} {
		for _, found := range []bool{true, false} {
			in := Incident{Onset: onset, Labels: of("job", "api", "instance", "a:80")}
			if found {
				in.Found = []Part{{Labels: []map[string]string{of("instance", "a:80")}, Whose: []map[string]string{in.Labels}, Sure: 2}}
			}
			var list []Change
			for _, labels := range c.changed {
				list = append(list, Change{At: onset - 60, Title: "api was started", Labels: labels})
			}
			if first := Rank(list, in).Causes[0]; first.Likely != c.likely {
				t.Errorf("%s, found %t: %+v", name, found, first)
			}
		}
	}
}

// If places without a change suffer as much, a change here isn't the cause.
func TestChangeDoesNotExplainOtherPlaces(t *testing.T) {
	change := Change{At: onset - 60, Title: "pay was restarted", Labels: map[string]string{"service": "pay"}}
	for name, c := range map[string]struct {
		alike  []map[string]string
		likely bool
	}{
		"alone":                     {nil, true},
		"other services":            {[]map[string]string{{"service": "cart"}, {"service": "auth"}}, false},
		"other instances of it":     {[]map[string]string{{"instance": "b:80"}, {"instance": "c:80"}}, true},
		"other regions, of it, too": {[]map[string]string{{"service": "pay", "region": "us"}}, true},
	} {
		in := Incident{Onset: onset, Labels: map[string]string{"service": "pay", "instance": "a:80"}, Alike: c.alike}
		if first := Rank([]Change{change}, in).Causes[0]; first.Likely != c.likely {
			t.Errorf("%s: %+v", name, first)
		}
	}
}
