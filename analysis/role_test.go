// SPDX-License-Identifier: Apache-2.0

package analysis

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/culprit-dev/culprit/analysis/rank"
)

// A cascade is an incident with a known cause: the CPU of db burns, so that cart, which calls
// it, slows down, and then front, whose latency is the KPI. mail suffers last, as a
// consequence. disk and user are unrelated.
type cascade struct {
	seed  uint64
	apart int  // rows between a move and the next
	quiet int  // rows before the KPI moves
	even  bool // all move equally far: no confident cause
}

const (
	burning = "db|cpu"
	slow    = "cart|latency"
	slower  = "front|latency" // the KPI
)

// calls are the caller–callee pairs of a cascade.
func (cascade) calls() [][2]string {
	return [][2]string{{"front", "cart"}, {"cart", "db"}, {"front", "user"}, {"user", "disk"}}
}

// frame is the cascade without topology.
func (c cascade) frame() Frame {
	rng := rand.New(rand.NewPCG(c.seed, 3))
	f, columns := Frame{}, map[string][]float64{}
	at := map[string]int{burning: -2 * c.apart, slow: -c.apart, slower: 0, "mail|latency": c.apart, "mail|cpu": c.apart}
	by := map[string]float64{burning: 2000, slow: 30, slower: 150, "mail|latency": 30, "mail|cpu": 30}
	if c.even {
		for name := range by {
			by[name] = 150
		}
	}
	all := []string{burning, "db|memory", slow, "cart|cpu", slower, "front|cpu", "mail|latency", "mail|cpu", "disk|io", "user|latency", "user|cpu"}
	for i := range c.quiet + 15 {
		f.Times = append(f.Times, float64(1_700_000_000+15*i))
		for _, name := range all {
			v := 100 + 3*rng.NormFloat64()
			if since, moves := at[name]; moves && i >= c.quiet+since {
				v += by[name] * (1 + 0.1*rng.NormFloat64())
			}
			columns[name] = append(columns[name], v)
		}
	}
	f.Onset = f.Times[c.quiet]
	t := Target{Name: slower, Service: "front", Values: columns[slower]}
	for _, name := range all {
		if service, _, _ := strings.Cut(name, "|"); name != slower {
			t.Candidates = append(t.Candidates, Series{Name: name, Service: service, Values: columns[name]})
		}
	}
	f.Targets = []Target{t}
	return f
}

// learned is the cascade with its calls in the metrics of a mesh instead of a topology.
func (c cascade) learned() Frame {
	f := c.frame()
	rng := rand.New(rand.NewPCG(c.seed, 4))
	for _, call := range c.calls() {
		s := Series{Name: fmt.Sprintf("requests{destination=%q, source_workload=%q}", call[1], call[0]), Service: call[1]}
		for range f.Times {
			s.Values = append(s.Values, 50+2*rng.NormFloat64())
		}
		f.Targets[0].Candidates = append(f.Targets[0].Candidates, s)
	}
	return f
}

// rolesOf maps the series of a result to their roles.
func rolesOf(r Result) map[string]Role {
	roles := map[string]Role{}
	for _, f := range r.Causes {
		if f.Role != "" {
			roles[f.Series] = f.Role
		}
	}
	return roles
}

// allRoles maps all candidates to their roles, not only the listed ones.
func allRoles(f Frame) map[string]Role {
	c := newCandidates(f, f.Targets[0], Options{})
	roles := map[string]Role{}
	for series, a := range c.assignRoles(rank.Rank(c.input(), rank.Options{}), nil).of {
		if a.role != "" {
			roles[c.series[series].Name] = a.role
		}
	}
	return roles
}

func tellAll(f Frame) Result { return Run(f, Options{Series: SeriesOptions{Top: 50}}) }

func findingOf(t *testing.T, r Result, series string) Finding {
	t.Helper()
	i := slices.IndexFunc(r.Causes, func(f Finding) bool { return f.Series == series })
	if i < 0 {
		t.Fatalf("%s is not listed", series)
	}
	return r.Causes[i]
}

// The report distinguishes cause, first symptom and victims, with given calls, learned calls or
// time alone.
func TestRolesOfCascade(t *testing.T) {
	c := cascade{seed: 1, apart: 4, quiet: 400}
	given := c.frame()
	given.Topology = c.calls()
	for name, f := range map[string]Frame{"given calls": given, "learned calls": c.learned(), "time alone": c.frame()} {
		r := tellAll(f)
		roles := rolesOf(r)
		want := map[string]Role{burning: RoleCause, slow: RoleFirstSymptom, "mail|latency": RoleVictim, "mail|cpu": RoleFollower}
		if len(roles) != len(want) {
			t.Errorf("%s: %v", name, roles)
		}
		for series, role := range want {
			if roles[series] != role {
				t.Errorf("%s: %s is %q, want %q: %s", name, series, roles[series], role, findingOf(t, r, series).Sentence)
			}
		}
		for series, words := range map[string]string{
			burning: ", 2 min before the KPI", slow: ", 60 s before the KPI and any other symptom",
			"mail|latency": ", 60 s after the KPI: a victim, not a cause", "mail|cpu": ", 60 s after the KPI, so it is not its cause",
			"user|cpu": ", no farther than in quiet times",
		} {
			if got := findingOf(t, r, series).Sentence; !strings.Contains(got, words) {
				t.Errorf("%s: %q does not say %q", name, got, words)
			}
		}
	}
}

func TestHurtServices(t *testing.T) {
	c := cascade{seed: 2, apart: 4, quiet: 400}
	f := c.frame()
	if got := fmt.Sprint(tellAll(f).Hurt); got != "[front mail]" && got != "[mail]" {
		t.Errorf("by time alone %s are hurt", got)
	}
	f.Topology = c.calls()
	r := tellAll(f)
	if got := fmt.Sprint(r.Hurt); got != "[front cart mail]" {
		t.Errorf("%s are hurt", got)
	}
	if got := findingOf(t, r, burning).Sentence; !strings.HasSuffix(got, "; cart and front depend on it: likely the cause") {
		t.Error(got)
	}
	if got := findingOf(t, r, slow).Sentence; !strings.HasSuffix(got, "; it depends on db: the first symptom") {
		t.Error(got)
	}
}

// If everything moved in the same row and no calls are known, no role is assigned, however
// confident the cause is.
func TestNoRolesWithoutCallsOrOrder(t *testing.T) {
	sure := 0
	for seed := range uint64(10) {
		r := tellAll(cascade{seed: seed, quiet: 400}.frame())
		if roles := rolesOf(r); len(roles) > 0 || len(r.Hurt) > 0 {
			t.Errorf("seed %d: %v, hurt %v", seed, roles, r.Hurt)
		}
		for _, f := range r.Causes {
			if f.Confidence != Low {
				sure++
			}
			if strings.Contains(f.Sentence, "victim") || strings.Contains(f.Sentence, "the cause") {
				t.Error(f.Sentence)
			}
		}
	}
	if sure == 0 {
		t.Error("nothing is said with confidence: the test shows nothing")
	}
}

// With calls, roles are assigned even if everything moved in the same row.
func TestCallsIdentifyVictimsWithoutTimes(t *testing.T) {
	f := cascade{seed: 5, quiet: 400}.frame()
	f.Topology = cascade{}.calls()
	f.Targets[0].Candidates = slices.DeleteFunc(f.Targets[0].Candidates, func(s Series) bool { return s.Service == "mail" })
	roles := rolesOf(tellAll(f))
	if roles[burning] != RoleCause || roles[slow] != RoleVictim || len(roles) != 2 {
		t.Errorf("%v: %s", roles, asJSON(t, tellAll(f).Causes[:3]))
	}
}

// Roles are right: over many cascades the cause is never a victim, no victim is the cause, and
// most get their role.
func TestRolesAreRight(t *testing.T) {
	told := map[Role]int{}
	for seed := range uint64(40) {
		c := cascade{seed: seed, apart: int(seed % 5), quiet: []int{60, 120, 400}[seed%3]}
		f := c.frame()
		if seed%2 == 0 {
			f.Topology = c.calls()
		}
		for series, role := range rolesOf(tellAll(f)) {
			told[role]++
			if guilty := series == burning; guilty != (role == RoleCause) {
				t.Errorf("%+v: %s is told to be a %s", c, series, role)
			}
			if innocent := strings.HasPrefix(series, "user|") || strings.HasPrefix(series, "disk|"); innocent {
				t.Errorf("%+v: %s has nothing to do with it, and is told to be a %s", c, series, role)
			}
		}
	}
	if told[RoleCause] < 10 || told[RoleVictim] < 10 || told[RoleFirstSymptom] < 10 || told[RoleFollower] < 5 {
		t.Errorf("told %v", told)
	}
}

// Renaming series and reordering columns change no role.
func TestNamesAndOrderDoNotChangeRoles(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := cascade{seed: rapid.Uint64Range(0, 1000).Draw(t, "seed"), apart: rapid.IntRange(0, 5).Draw(t, "apart"), quiet: 200}
		f := c.frame()
		if rapid.Bool().Draw(t, "calls") {
			f.Topology = c.calls()
		}
		want := allRoles(f)
		letters := rapid.Permutation([]string{"cart", "db", "disk", "front", "mail", "user"}).Draw(t, "names")
		name := map[string]string{}
		for i, service := range []string{"cart", "db", "disk", "front", "mail", "user"} {
			name[service] = letters[i]
		}
		back := map[string]string{}
		g := f
		g.Topology = slices.Clone(f.Topology)
		for i, call := range g.Topology {
			g.Topology[i] = [2]string{name[call[0]], name[call[1]]}
		}
		target := f.Targets[0]
		target.Service, target.Name = name["front"], name["front"]+"|latency"
		target.Candidates = nil
		for _, i := range rand.New(rand.NewPCG(rapid.Uint64().Draw(t, "columns"), 1)).Perm(len(f.Targets[0].Candidates)) {
			target.Candidates = append(target.Candidates, f.Targets[0].Candidates[i])
		}
		for i, s := range target.Candidates {
			_, metric, _ := strings.Cut(s.Name, "|")
			target.Candidates[i].Service, target.Candidates[i].Name = name[s.Service], name[s.Service]+"|"+metric
			back[target.Candidates[i].Name] = s.Name
		}
		g.Targets = []Target{target}
		got := map[string]Role{}
		for series, role := range allRoles(g) {
			got[back[series]] = role
		}
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Fatalf("%v, under other names %v", want, got)
		}
	})
}

// A callee that is known only by a caller's client metrics doesn't explain that caller: both
// are slow for the same reason.
func TestCallsAloneExplainNoCaller(t *testing.T) {
	f := cascade{seed: 7, apart: 0, quiet: 400}.frame()
	columns := map[string][]float64{}
	for _, s := range f.Targets[0].Candidates {
		columns[s.Name] = s.Values
	}
	f.Targets[0].Candidates = []Series{
		{Name: `latency{service="db", source_workload="cart"}`, Service: "db", Values: columns[burning]},
		{Name: slow, Service: "cart", Values: columns[slow]},
		{Name: "mail|cpu", Service: "mail", Values: columns["user|cpu"]},
	}
	for _, cause := range tellAll(f).Causes {
		if strings.Contains(cause.Sentence, "explained by") || cause.Role == RoleVictim {
			t.Error(cause.Sentence)
		}
	}
}

// A cause that loses its confidence loses its role.
func TestDoubtedCauseLosesItsRole(t *testing.T) {
	for _, words := range []string{theCause, likelyCause} {
		f := Finding{Role: RoleCause, Confidence: Medium, Sentence: "db|cpu rose ×2 (1 → 2)" + words}
		f.doubt()
		if f.Role != "" || f.Confidence != Low || f.Sentence != "db|cpu rose ×2 (1 → 2)" {
			t.Errorf("%+v", f)
		}
	}
}

// A cause that moved later never ranks above one that moved earlier without an explanation.
func TestLaterMoveRankedFirstSaysWhy(t *testing.T) {
	said := 0
	for seed := range uint64(10) {
		r := tellAll(cascade{seed: seed, apart: 4, quiet: 400, even: true}.frame())
		for i, later := range r.Causes {
			before := slices.ContainsFunc(r.Causes[i+1:], func(f Finding) bool { return strings.Contains(f.Sentence, "before the KPI") })
			if !before || !strings.Contains(later.Sentence, "after the KPI") {
				continue
			}
			said++
			if !strings.Contains(later.Sentence, "; it stands before ") || !strings.Contains(later.Sentence, ", which moved first, because ") {
				t.Errorf("seed %d: %s", seed, later.Sentence)
			}
		}
	}
	if said == 0 {
		t.Error("nothing stands before its elder: the test shows nothing")
	}
}

func TestReasonsForRankingAhead(t *testing.T) {
	for want, c := range map[string]rank.Evidence{
		"it went farther":                    {Dev: 9, Quiet: 1, Rho: 0.1},
		"it goes with the KPI more closely":  {Dev: 4, Quiet: 1, Rho: 0.9},
		"all series of its service together": {Dev: 4, Quiet: 1, Rho: 0.1},
	} {
		other := rank.Cause{Evidence: rank.Evidence{Dev: 5, Quiet: 1, Rho: 0.5}}
		if got := ahead(rank.Cause{Evidence: c}, other); !strings.HasPrefix(got, want) {
			t.Errorf("%+v before %+v: %s, want %s", c, other, got, want)
		}
	}
}
