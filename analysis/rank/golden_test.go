// SPDX-License-Identifier: Apache-2.0

package rank

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strconv"
	"strings"
	"testing"
)

// incident is the case in testdata, with the names of its columns.
type incident struct {
	in       Input
	columns  []string // of in.Series
	services []string // by code
}

func open(t testing.TB, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func readJSON(t testing.TB, name string, v any) {
	t.Helper()
	if err := json.NewDecoder(open(t, name)).Decode(v); err != nil {
		t.Fatal(err)
	}
}

// readIncident reads the case with its columns sorted by name; those of the entry point are no
// candidates.
func readIncident(t testing.TB) incident {
	t.Helper()
	var meta struct {
		Target string
		Onset  int64
		Calls  [][2]string
		Kinds  map[string]string
	}
	readJSON(t, "frontend-cpu.json.gz", &meta)
	rows, err := csv.NewReader(open(t, "frontend-cpu.csv.gz")).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	c := incident{services: serviceNames(rows[0][1:], meta.Calls)}
	code := func(name string) int { return sort.SearchStrings(c.services, name) }
	order := slices.Clone(rows[0][1:])
	slices.Sort(order)
	for _, name := range order {
		kind, err := ParseKind(meta.Kinds[name])
		if err != nil {
			t.Fatal(err)
		}
		service, _, _ := strings.Cut(name, "|")
		s := Series{Values: column(rows[1:], slices.Index(rows[0], name)), Service: code(service), Kind: kind}
		switch {
		case name == meta.Target:
			c.in.KPI = s
		case service != "entry":
			c.in.Series, c.columns = append(c.in.Series, s), append(c.columns, name)
		}
	}
	c.in.Onset = slices.IndexFunc(rows[1:], func(r []string) bool { return r[0] >= strconv.FormatInt(meta.Onset, 10) })
	for _, call := range meta.Calls {
		c.in.Calls = append(c.in.Calls, [2]int{code(call[0]), code(call[1])})
	}
	return c
}

// serviceNames lists the services of columns and calls in order.
func serviceNames(columns []string, calls [][2]string) []string {
	var names []string
	for _, c := range columns {
		service, _, _ := strings.Cut(c, "|")
		names = append(names, service)
	}
	for _, call := range calls {
		names = append(names, call[0], call[1])
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// column parses one column; an empty cell is NaN.
func column(rows [][]string, i int) []float64 {
	x := make([]float64, len(rows))
	for r, row := range rows {
		v, err := strconv.ParseFloat(row[i], 64)
		if err != nil {
			v = math.NaN()
		}
		x[r] = v
	}
	return x
}

// trace is the output of the numpy implementation.
type trace struct {
	Alarm, KZ, W            float64
	Onset, Walked, K, L     int
	Core                    int     `json:"core_rows"`
	Quiet                   int     `json:"quiet_windows"`
	QuietTop                float64 `json:"quiet_top"`
	Top                     float64
	Services                []string
	KPI                     traceKPI
	ByService               map[string]traceService `json:"by_service"`
	Series                  []traceSeries
	Candidates              int
	BaselineRows, GuardRows int
}

type traceKPI struct {
	Median, Scale, Dev float64
	Z                  []float64 `json:"z_incident"`
}

type traceService struct {
	S, Factor, Final float64
	By               *string
}

type traceSeries struct {
	Col                        string
	Median, Scale              float64
	Z1, Z2, Z0, Rho, RD        float64
	Link, ZR, T, X, Score, Dev float64
	Kind                       float64 `json:"kind_weight"`
	Residual                   *struct{ R float64 }
}

func near(t *testing.T, what string, got, want float64) {
	t.Helper()
	if math.Abs(got-want) > 1e-8*(1+math.Abs(want)) {
		t.Errorf("%s %v, want %v", what, got, want)
	}
}

// TestRankTrace compares the intermediate results for one real incident with those of a second
// implementation in numpy. That one does not move the end of the baseline once the incident is
// dated, so this step is skipped here.
func TestRankTrace(t *testing.T) {
	var want trace
	readJSON(t, "frontend-cpu-trace.json.gz", &want)
	c := readIncident(t)
	tab, _ := prepareWithout(nil, c.in)
	p := findOnset(tab)
	if p.onset != want.Onset || p.walked != want.Walked || p.calm != want.K || tab.core != want.Core || len(tab.cand) != want.Candidates {
		t.Fatalf("onset %+v, core %d, %d candidates, want %+v", p, tab.core, len(tab.cand), want)
	}
	if got := nearRows(tab, p); got != want.L {
		t.Errorf("near baseline %d, want %d", got, want.L)
	}
	if got := len(quietWindows(tab, p)); got != want.Quiet {
		t.Errorf("%d quiet windows, want %d", got, want.Quiet)
	}
	for i, z := range want.KPI.Z {
		near(t, "z of the KPI", tab.kpi.z[tab.onset+i], z)
	}
	var res Result
	res.rank(c.in, tab, p, Options{})
	near(t, "kz", res.KPI, want.KZ)
	near(t, "trust", res.Trust, want.W)
	compareSeries(t, c, tab, res, want)
	compareServices(t, c, res, want)
}

func compareSeries(t *testing.T, c incident, tab *table, res Result, want trace) {
	for _, w := range want.Series {
		got := res.Causes[slices.IndexFunc(res.Causes, func(g Cause) bool { return c.columns[g.Series] == w.Col })]
		s := tab.cand[slices.IndexFunc(tab.cand, func(s series) bool { return s.column == got.Series })]
		for _, v := range []struct {
			what      string
			got, want float64
		}{
			{"centre", s.centre, w.Median},
			{"scale", s.scale, w.Scale},
			{"long deviation", got.Long, w.Z1},
			{"near deviation", got.Near, w.Z2},
			{"deviation", got.Dev, w.Z0},
			{"rho", got.Rho, w.Rho},
			{"share", got.Share, w.RD},
			{"kind", got.Kind, w.Kind},
			{"link", got.Link, w.Link},
			{"residual", got.Residual, w.ZR},
			{"quiet", got.Quiet, w.T},
			{"x", got.x, w.X},
		} {
			near(t, w.Col+" "+v.what, v.got, v.want)
		}
	}
}

// compareServices checks the sums. The numpy implementation also explains away series that are
// no symptoms, so factors are compared only if the best series is one.
func compareServices(t *testing.T, c incident, res Result, want trace) {
	for _, name := range want.Services {
		got := res.Services[slices.IndexFunc(res.Services, func(s Service) bool { return c.services[s.Service] == name })]
		w := want.ByService[name]
		near(t, name+" sum", got.Sum, w.S)
		if got.By < 0 {
			continue
		}
		near(t, name+" factor", got.Factor, w.Factor)
		if w.By == nil || c.services[got.By] != *w.By {
			t.Errorf("%s explained by %d, want by %v", name, got.By, w.By)
		}
	}
}

// TestRankNamesTheFaultyService ranks the same incident through the API.
func TestRankNamesTheFaultyService(t *testing.T) {
	c := readIncident(t)
	for _, late := range []int{0, 1, 2} {
		in := c.in
		in.Onset += late
		r := Rank(in, Options{})
		if got := c.services[r.Services[0].Service]; got != "frontend" {
			t.Errorf("%d samples late: first service %s, want frontend", late, got)
		}
		if r.Onset > in.Onset {
			t.Errorf("%d samples late: onset %d after the alert's %d", late, r.Onset, in.Onset)
		}
	}
}
